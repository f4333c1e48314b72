/*
 * watch.h - who wants to hear of signals and ends of processes: the trace and the hints of sys/.
 *
 * The list grows at boot, before the first task, and once more when `moat trace` is first used; nothing leaves it, so its
 * readers take no lock. With an empty list the cost is one comparison per signal and per end of a process.
 */
#ifndef MOAT_TASK_WATCH_H
#define MOAT_TASK_WATCH_H

#include "lib/atomic.h"
#include "task/task.h"

/* Each is called by the current task, which holds no lock and may sleep. NULL: not wanted. */
struct task_watch {
	void (*signal)(struct task *t, int signo,
		       const struct siginfo *info); /* it is about to act on it */
	/* The last thread of p ends, with this wait status; not for kernel threads. */
	void (*ended)(struct process *p, int status);
	struct task_watch *next;
};

/* The callers see to it that there is one at a time. */
void task_watch_add(struct task_watch *w);
extern struct task_watch *task_watchers;

static inline void task_watch_signal(struct task *t, int signo, const struct siginfo *info)
{
	for (struct task_watch *w = atomic_load(&task_watchers); unlikely(w != NULL); w = w->next)
		if (w->signal)
			w->signal(t, signo, info);
}

static inline void task_watch_ended(struct process *p, int status)
{
	for (struct task_watch *w = atomic_load(&task_watchers); unlikely(w != NULL); w = w->next)
		if (w->ended)
			w->ended(p, status);
}

#endif
