/*
 * jail.h - the walls around the launcher and the gofer: each lives in namespaces of its own, below an empty read-only
 * root, without capabilities beyond those named, without descriptors beyond its own.
 */
#ifndef MOAT_HOST_JAIL_H
#define MOAT_HOST_JAIL_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

struct error;

/*
 * Once, before the first jail_fork, in a process without CAP_SYS_ADMIN: enter a user namespace that maps only the
 * caller, so that the rest works unprivileged. No effect for root.
 */
int jail_prepare(struct error *err);

/*
 * fork into new user, mount, pid, ipc, uts and net namespaces. Every id is mapped to itself, so that the child's
 * capabilities reach files but nothing else of the host. In the child returns 0; dies with its parent.
 */
pid_t jail_fork(struct error *err);

/*
 * Leave the old file tree for an empty read-only one, and give up everything else: keep_caps is a mask of
 * capabilities to keep. Takes the security label that was chosen (label.h). Sets no_new_privs and clears dumpable. Descriptors and seccomp are the caller's.
 */
int jail_enter(uint64_t keep_caps, struct error *err);

/* Give up all capabilities but those of the mask, also for programs to come; part of jail_enter. */
int jail_drop_caps(uint64_t keep, struct error *err);

/* Close every descriptor that is not in keep (ascending). */
int jail_close_fds(const int *keep, int n, struct error *err);

/* Load a seccomp filter that kills the process on every system call not in the NULL-ended lists. */
int jail_seccomp(const char *const *lists[], struct error *err);

/*
 * For a thread with a list of its own, called by that thread: jail_seccomp's filter is the calling thread's alone, and
 * threads that are there already would stay without. At most 32 numbers. 0, or -1 with errno.
 */
int jail_seccomp_thread(const int *calls, unsigned n);

#endif
