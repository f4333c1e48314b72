/*
 * seccomp.h - the system-call side of seccomp that prctl(2) and ptrace(2) share.
 */
#ifndef MOAT_SYS_SECCOMP_H
#define MOAT_SYS_SECCOMP_H

#include "lib/types.h"

struct seccomp_filter;
struct task;

s64 seccomp_prctl(u64 mode, uaddr_t args);
s64 seccomp_get_filter(struct task *t, u64 n, uaddr_t dst);
s64 seccomp_get_metadata(struct task *t, u64 size, uaddr_t data);
/* A file for f's listener, which it makes; ERR_PTR. Closing it drops its reference to f. */
struct file *seccomp_listener_file(struct seccomp_filter *f);

#endif
