/*
 * child.h - how a child ended, as a shell says it.
 */
#ifndef MOAT_HOST_CHILD_H
#define MOAT_HOST_CHILD_H

#include <sys/types.h>

/* What wait(2) gave as an exit status: 128 + N after signal N. */
int child_status(int wait_status);
/* Wait for a child to end; child_status of it. */
int child_wait(pid_t pid);

#endif
