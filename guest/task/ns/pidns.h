/*
 * pidns.h - pid namespaces (pid_namespaces(7)).
 *
 * Everything in the Sentry holds numbers of the first namespace: task->tid, process->pid, pgid, sid, the owners of files and
 * terminals. A task below the first namespace has one number more per level; system calls, /proc and siginfo translate at
 * the edge, so programs that never make a namespace pay one comparison.
 *
 * Locks: pid_lock (task/pid.c; a leaf) for the numbers; init, ended and nr are under task_lock.
 * Differs from Linux: sandboxes and containers choose whether their first process is in a namespace of its own; the first
 * process of the first namespace gets no protection from signals (task/signal/signal.c).
 */
#ifndef MOAT_TASK_PIDNS_H
#define MOAT_TASK_PIDNS_H

#include "task/info.h"
#include "task/ns/ns.h"
#include "task/task.h"

#define PID_NS_DEEP 32
#define PID_CHUNK   128
#define PID_CHUNKS  (PID_LIMIT / PID_CHUNK)

struct pid_ns {
	struct ns_common c;
	struct pid_ns *parent; /* a reference; NULL: this is the first one */
	unsigned level;	       /* 0: the first one */
	int *chunks[PID_CHUNKS]; /* numbers here to those of the first namespace; unused in that one */
	int last;
	/* borrowed; it has number 1 and adopts orphans. NULL: not yet, or ended */
	struct process *init;
	bool ended;	   /* init has begun to end: nobody comes any more */
	unsigned nr;	   /* processes in it and below that have not ended */
	struct waitq left; /* woken when nr falls */
};

extern struct pid_ns first_pid_ns;

/*
 * A namespace without processes, one reference: the next process that is made in it is its init. parent: the one to be
 * seen from. -ENOSPC: nested too deep; -ENOMEM.
 */
struct pid_ns *pid_ns_create(struct pid_ns *parent, struct user_ns *owner);
void pid_ns_get(struct pid_ns *ns);
void pid_ns_put(struct pid_ns *ns);
/* Is ns the same as top or below it? */
bool pid_ns_below(const struct pid_ns *ns, const struct pid_ns *top);

/* The one a task is in; the one its next child will be in. Both borrowed; t is the current task or not yet published. */
static inline struct pid_ns *task_pid_ns(const struct task *t)
{
	return unlikely(t->pid_ns != NULL) ? t->pid_ns : &first_pid_ns;
}
static inline struct pid_ns *process_pid_ns(const struct process *p)
{
	return unlikely(p->pid_ns != NULL) ? p->pid_ns : &first_pid_ns;
}
struct pid_ns *pid_ns_for_children(const struct task *t);
static inline struct pid_ns *pid_ns_current(void)
{
	struct task *t = task_current();

	return t ? task_pid_ns(t) : &first_pid_ns;
}

/* What ns calls the task, group or session with number pid in the first namespace: 0: it does not see it. Any context. */
int pid_nr_in(const struct pid_ns *ns, int pid);
/* Back: the number in the first namespace; 0: nothing has that number. */
int pid_from_nr(const struct pid_ns *ns, int nr);
/* The same for the current task's namespace: system calls' arguments and results. */
static inline int pid_vnr(int pid)
{
	struct pid_ns *ns = pid_ns_current();

	return likely(!ns->level) ? pid : pid_nr_in(ns, pid);
}
static inline int pid_from_vnr(int nr)
{
	struct pid_ns *ns = pid_ns_current();

	return likely(!ns->level) ? nr : pid_from_nr(ns, nr);
}
/* With a reference, or NULL: by the number that the current task gives. */
struct task *task_find_vpid(int nr);
struct process *process_find_vpid(int nr);

/* ---- task/ itself ---- */
/* A complete process enters or ends; the first one is init. task_lock held. */
void pid_ns_joined(struct pid_ns *ns, struct process *p);
void pid_ns_left(struct process *p);
/* p is the init of its namespace and has no thread left: kill and await everyone else. May sleep. */
void pid_ns_end(struct process *p);
/* Does p adopt nobody any more, being the init of a namespace that ends? task_lock held. */
bool pid_ns_ending(const struct process *p);
/* siginfo for p: the numbers that the kernel put into it, as p's namespace has them. */
void pid_ns_siginfo(const struct process *p, struct siginfo *info);
/* Was a signal with this siginfo (NULL: the kernel's) sent from above p's namespace? */
bool pid_ns_from_above(const struct process *p, const struct siginfo *info);

#endif
