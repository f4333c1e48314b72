/*
 * priv.h - shared by the scheduler's files: the run queue.
 */
#ifndef MOAT_TASK_SCHED_PRIV_H
#define MOAT_TASK_SCHED_PRIV_H

#include "task/sched/sched.h"

#define SLICE_NS    3000000ULL
#define RR_SLICE_NS 100000000ULL
#define GRAN_NS	    1000000ULL /* a woken task preempts only if it is behind by this much */
#define HANDOVER_NS 100000ULL
/*
 * Virtual times are compared as they are, so they must not pass zero. A queue's starts here, above the slice of credit
 * that a task may be behind it; upwards even a SCHED_IDLE task, whose time runs fastest, needs years of CPU time.
 */
#define VRUNTIME_START (1ULL << 32)

struct rq {
	struct spinlock lock;
	struct cpu *cpu;
	struct task *curr; /* NULL: idle */
	struct pheap fair;
	struct list rt;
	unsigned nr; /* queued, without curr */
	u64 min_vruntime;
	u64 slice_end; /* when to look again; 0: nothing waits */
	u64 nr_switches;
	/* Times of this CPU for /proc/stat: up to `since`, when curr (or idling) began */
	struct sched_cpu_times times;
	u64 since, user_base; /* user_base: curr's utime at that moment */
	/* this CPU only */
	u64 armed;	   /* what the hardware timer is set to, or 0 */
	struct task *prev; /* left by the switch under way */
	bool prev_moves;   /* it may not run here any more */
	struct kctx idle;
};

extern struct rq sched_rq[MAX_CPUS];

static inline u64 sched_all_cpus(void)
{
	unsigned n = cpu_count();

	return n >= 64 ? ~0ULL : (1ULL << n) - 1;
}

static inline bool sched_is_rt(const struct task *t)
{
	return t->se.policy == SCHED_FIFO || t->se.policy == SCHED_RR;
}

/* The queue; its lock is held. */
void rq_insert(struct rq *rq, struct task *t);
void rq_remove(struct rq *rq, struct task *t);
/* t, which runs there, has done so up to now. */
void rq_account(struct rq *rq, struct task *t, u64 now);
/* Where a task that became runnable should go. */
struct rq *sched_place(struct task *t);
/* Queue a runnable task that belongs to no queue on rq (locked), and make that CPU notice. Unlocks. */
void sched_enqueue(struct rq *rq, struct task *t, u64 from_min);
/* Add what happened since rq->since: t (or nobody) ran. The lock is held. */
void sched_add_times(const struct rq *rq, const struct task *t, u64 now,
		     struct sched_cpu_times *to);

#endif
