/*
 * pidfd.h - descriptors of processes.
 */
#ifndef MOAT_SYS_PIDFD_H
#define MOAT_SYS_PIDFD_H

#include "lib/types.h"

struct process;

/* A close-on-exec descriptor for p, or -errno. flags: O_NONBLOCK. */
int pidfd_create(struct process *p, u32 flags);
int pidfd_create_plain(struct process *p);
/* The number of the process behind a descriptor, or -EBADF. */
int pidfd_pid(int fd);
/* Is it one, open with O_NONBLOCK? (waitid(2)) */
bool pidfd_nonblock(int fd);
/* The process behind a descriptor with a reference; ERR_PTR(-EBADF). */
struct process *pidfd_process(int fd);

#endif
