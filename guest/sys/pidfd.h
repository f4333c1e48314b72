/*
 * pidfd.h - descriptors of processes.
 */
#ifndef MOAT_SYS_PIDFD_H
#define MOAT_SYS_PIDFD_H

#include "lib/types.h"

struct file;
struct process;

/*
 * A descriptor for p whose number goes to user memory: reserves it, close-on-exec, and makes the file for fd_commit; the
 * caller commits, or cancels and puts the file. p NULL: -ESRCH.
 */
int pidfd_prepare(struct process *p, struct file **f);
/* The number of the process behind a descriptor, or -EBADF. */
int pidfd_pid(int fd);
/* Is it one, open with O_NONBLOCK? (waitid(2)) */
bool pidfd_nonblock(int fd);
/* The process behind a descriptor with a reference; ERR_PTR(-EBADF). */
struct process *pidfd_process(int fd);

#endif
