/*
 * cgroup.h - control groups as cgroup v2 has them (Linux: Documentation/admin-guide/cgroup-v2.rst): a tree for each
 * container, whose root is the group that its host made for it.
 *
 * A process is in one group, which its children are born into; it counts there from birth until its last thread ends, and
 * its tasks until they are reaped. Everything here is under task_lock except where noted; a removed group lives on while
 * zombies, open files or namespaces refer to it.
 *
 * A controller that a group does not have leaves its processes to the nearest group above that has it.
 *
 * Differs from Linux: there are no threaded groups (a process is never split), so cgroup.type cannot be written; the
 * controllers that can be given to groups are those of CGROUP_CONTROLLERS. Directories take no extended attributes.
 */
#ifndef MOAT_TASK_CGROUP_H
#define MOAT_TASK_CGROUP_H

#include "task/sched/bandwidth.h"
#include "task/task.h"

/* Controllers. */
#define CGROUP_PIDS	   1u
#define CGROUP_CPU	   2u
#define CGROUP_MEMORY	   4u
#define CGROUP_CONTROLLERS (CGROUP_PIDS | CGROUP_CPU | CGROUP_MEMORY)
/* Those that could tell tasks of one group apart (Linux calls them threaded): processes may stand beside groups with them. */
#define CGROUP_THREADED (CGROUP_PIDS | CGROUP_CPU)

#define CGROUP_MAX    (~0ULL) /* a limit that reads "max" */
#define CGROUP_GROUPS 4096    /* below one container's: bounds the Sentry's memory */

/* What has news (cgroup->news). */
#define CGROUP_NEWS_EVENTS	 1u /* cgroup.events */
#define CGROUP_NEWS_PIDS	 2u /* pids.events */
#define CGROUP_NEWS_MEMORY	 4u /* memory.events */
#define CGROUP_NEWS_MEMORY_LOCAL 8u
#define CGROUP_NEWS_KINDS	 4

enum cgroup_memory_event {
	MEMORY_HIGH,
	MEMORY_OOM,
	MEMORY_OOM_KILL,
	MEMORY_OOM_GROUP_KILL,
	MEMORY_EVENTS
};

/* The controller of memory (memory.c). */
struct cgroup_memory {
	unsigned account; /* mm/frame.h: what its processes charge */
	bool own;	  /* it has the controller, so that is its own, not that of one above */
	bool oom_group;	  /* its processes die together */
	u64 max, high, low, min, swap_max;			/* bytes */
	u64 events[MEMORY_EVENTS], events_local[MEMORY_EVENTS]; /* here and below; here */
};

/* The controller of CPU time (cpu.c). */
struct cgroup_cpu {
	struct cpu_limit limit;
	u32 share; /* of SCHED_SHARE; as set */
	bool idle;
	/* what its tasks get, groups above included */
	u32 task_share;
	struct cpu_limit *task_limit; /* NULL: none */
};

struct cgroup {
	struct ref ref;
	struct cgroup *parent; /* a reference; NULL: a container's */
	char *name;	       /* never changes */
	unsigned depth;	       /* 0: a container's */
	void *dir; /* fs/cgroup/: its directory; set once, before anyone finds the group */

	bool dead; /* removed: nobody enters */
	struct list children, sibling;
	unsigned nr_descendants, nr_dying; /* nr_dying: removed, but not gone; atomic */
	u64 max_descendants, max_depth;
	u32 control; /* controllers that its children have */

	unsigned nr_processes; /* in itself, that have not ended */
	unsigned populated;    /* children with processes below, and 1 for its own */

	/* tasks, its descendants' too, zombies until they are reaped */
	u64 pids, pids_peak, pids_max, pids_failed;

	bool freeze, frozen;
	unsigned freezers; /* itself and groups above with `freeze` set */

	struct cgroup_programs *devices; /* device.c; NULL: never had any */

	struct cgroup_memory memory;
	struct cgroup_cpu cpu;

	/* CPU time, ns, in all and in the kernel: of its own processes that ended or left */
	u64 used, stime;
	u64 user_shown; /* of cpu.stat: does not fall */

	u32 news;
	struct list news_node; /* in the list of those that have some */
};

/* ---- tree.c ---- */
/* A container's, with one reference; NULL: no memory. */
struct cgroup *cgroup_create_root(u32 container);
/* Below parent; one reference and its place in the tree. ERR_PTR(-ENODEV: parent was removed; -EAGAIN: a limit; -ENOMEM). */
struct cgroup *cgroup_create(struct cgroup *parent, const char *name);
/* Out of the tree. -EBUSY: it has processes or groups; -ENODEV: it is out already. */
int cgroup_remove(struct cgroup *g);
/* The directory goes with its file system, which is no more than a view of a container that has ended. */
void cgroup_forget(struct cgroup *g);
void cgroup_get(struct cgroup *g);
void cgroup_put(struct cgroup *g); /* any context */
/* The next in top's tree, parents before children; NULL: no more. */
struct cgroup *cgroup_next(struct cgroup *g, const struct cgroup *top);
bool cgroup_is_below(const struct cgroup *g, const struct cgroup *top); /* or top itself. No lock */
/* "/a/b" as seen from root, "/../c" beside it. No lock. False: it does not fit. */
bool cgroup_path(const struct cgroup *g, const struct cgroup *root, char *buf, size_t size);
/* The group that the current task's cgroup namespace shows as "/"; NULL: a kernel thread. Borrowed. No lock. */
struct cgroup *cgroup_ns_root(void);

/* ---- controllers.c: what groups have of the controllers, and so their tasks; task_lock held ---- */
/* A new group: as its parent gives. -ENOSPC: no account of memory is left. */
int cgroup_controllers_init(struct cgroup *g);
/* It is removed. */
void cgroup_controllers_exit(struct cgroup *g);
/* Children of g get controllers, or lose them: theirs are as new. -ENOSPC: nothing has changed. */
int cgroup_controllers_change(struct cgroup *g, u32 enable, u32 disable);
/* Something has changed that the tasks in g and below are to be told of. */
void cgroup_controllers_apply(struct cgroup *g);
/* t is new, or its process has come to another group. */
void cgroup_task_settle(struct task *t, bool is_new);
/* t is about to be nobody's thread any more. */
void cgroup_task_ended(struct task *t);
/* The current task, which was told of a change or uses more than it may: before user mode, no lock held; may sleep. */
void cgroup_settle_here(void);
static inline bool cgroup_must_settle(const struct task *t)
{
	return t->payer.group != READ_ONCE(t->process->mem_group) || t->payer.over ||
	       READ_ONCE(t->se.limit);
}

/* ---- memory.c ---- */
/* Bytes, or CGROUP_MAX. May sleep, and kill what does not fit. No lock held. -ENODEV: it has lost the controller. */
int cgroup_memory_set_max(struct cgroup *g, u64 bytes);
int cgroup_memory_set_high(struct cgroup *g, u64 bytes);
/*
 * Memory is out in the account `full` (0: of the sandbox), so victim is to die; task_lock held. Borrowed: the group to kill
 * with it, or NULL.
 */
struct cgroup *cgroup_memory_oom(unsigned full, struct process *victim);
/* It is killed for that. */
void cgroup_memory_oom_kill(struct process *p);
/* The current task is to wait: it made groups larger than their memory.high. No lock held. */
void cgroup_memory_throttle(void);

/* ---- rules.c ---- */
/* Those that g may give to its children. */
u32 cgroup_available(const struct cgroup *g);
/* Change what its children have. -ENOENT: it has not got it itself; -EBUSY: in use, or processes are in g; -EOPNOTSUPP. */
int cgroup_set_control(struct cgroup *g, u32 enable, u32 disable);
/* May processes enter g? 0, -ENODEV, -EBUSY (its children have controllers), -EOPNOTSUPP (below a group with processes). */
int cgroup_may_enter(const struct cgroup *g);
const char *cgroup_type(const struct cgroup *g); /* for cgroup.type */

/* ---- member.c ---- */
/* Is there room for one more task? Counts a refusal. */
bool cgroup_full(struct cgroup *g);
/* A process enters g with its first task; more tasks come, and each goes when it is reaped. */
void cgroup_joined(struct cgroup *g, struct process *p);
void cgroup_task_added(struct process *p);
void cgroup_task_gone(struct process *p);
/* It has no thread left. */
void cgroup_left(struct process *p);
/* A process moves, and what it has counts there. 0 or as cgroup_may_enter. */
int cgroup_move(struct cgroup *g, struct process *p);
/* CPU time of the group and all below, ns, what is being used in this moment included. */
void cgroup_cpu_time(struct cgroup *g, u64 *used, u64 *user);
/* SIGKILL to every process in it and below. */
void cgroup_kill(struct cgroup *g);

/* ---- freeze.c ---- */
void cgroup_set_freeze(struct cgroup *g, bool on);
/* What its tasks do has changed: is it frozen now? */
void cgroup_freeze_check(struct cgroup *g);
/* p has come to a group that may be frozen, or not. */
void cgroup_freeze_moved(struct process *p);
/* The current task, of a process that is to freeze, sleeps until it need not, or is killed. No lock held. */
void cgroup_freeze_here(void);

/* ---- news.c ---- */
void cgroup_has_news(struct cgroup *g, u32 news);
extern u32 cgroup_news_waiting;
void cgroup_tell_slow(void);
/* Tell those who watch files of groups what happened. No lock held; after anything above. */
static inline void cgroup_tell(void)
{
	if (unlikely(READ_ONCE(cgroup_news_waiting)))
		cgroup_tell_slow();
}
/* Registered by fs/cgroup/. No lock held. */
extern void (*cgroup_news_hook)(struct cgroup *g, u32 news);

#endif
