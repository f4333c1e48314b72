/*
 * container.h - a container as task/ sees it: a set of processes with a first one that adopts the others' orphans. What
 * else belongs to a container (files, names, terminal) hangs here for the layers above.
 *
 * A process is in the container that its parent is in, from birth to end, and holds a reference to it. init and nr are
 * under task_lock.
 */
#ifndef MOAT_TASK_CONTAINER_H
#define MOAT_TASK_CONTAINER_H

#include "task/cgroup/cgroup.h"

struct container {
	struct ref ref;
	u32 handle;
	struct process *init;  /* borrowed; NULL: not started, or ended */
	unsigned nr;	       /* processes that have not ended */
	struct cgroup *cgroup; /* with a reference: the group that its first process is born into */
	u64 cpu_quota, cpu_period; /* microseconds, as its control group shows; 0: none */
	unsigned mem_group;	   /* mm/frame.h; 0: none of its own */
	struct waitq empty;	   /* woken when nr falls */
	bool ended;		   /* no process joins it from outside any more */
	bool oom;		   /* the last one to run out of memory was its first process */
	u64 oom_kills;

	struct pid_ns *
		pid_ns; /* that its processes are in, with a reference; NULL: the first one. Set before it starts */
	struct fs_context *fs; /* its root; with the root as working directory */
	struct tty *console;   /* with a reference, or NULL */
	void *owner;	       /* container/ */
};

struct container *container_create(u32 handle); /* one reference; NULL: no memory */
void container_get(struct container *c);
/* The layers above have taken back what hangs on it. */
void container_put(struct container *c);
/* Of the current task; NULL: it is the Sentry's. Borrowed. */
struct container *container_current(void);
/* A signal to every process in it, except one (or NULL). */
void container_signal(struct container *c, int signo, const struct process *except);
/* SIGKILL to all but one (or NULL), and nobody comes after. */
void container_end(struct container *c, const struct process *except);
/* Sleep until at most n processes are left in it. */
void container_wait(struct container *c, unsigned n);

/* p, one of its processes, is killed for want of memory. */
void container_oom(struct container *c, const struct process *p);

/* ---- task/ itself; task_lock held ---- */
void container_joined(struct container *c, struct process *p);
void container_left(struct container *c, struct process *p);

#endif
