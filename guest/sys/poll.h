/*
 * poll.h - what the waiting system calls share.
 */
#ifndef MOAT_SYS_POLL_H
#define MOAT_SYS_POLL_H

#include "lib/types.h"

/* Put the signal mask at `mask` (NULL: none) in force until the return to user mode. -EINVAL, -EFAULT. */
int sigmask_user(uaddr_t mask, u64 size);

#endif
