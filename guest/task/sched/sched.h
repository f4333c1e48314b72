/*
 * sched.h - the scheduler, for the rest of task/ and the sched_* system calls.
 */
#ifndef MOAT_TASK_SCHED_H
#define MOAT_TASK_SCHED_H

#include "task/sched/bandwidth.h"
#include "task/task.h"

struct sched_params {
	int policy, prio, nice; /* prio 1..99 for FIFO and RR, else 0 */
	bool reset_on_fork;
};

/* A fresh entity: inherits from the current task, or defaults. */
void sched_init_task(struct task *t, const struct task *parent);
/* First wake-up of a new task, which is in state TASK_SLEEPING with its context prepared. */
void sched_start(struct task *t);
/* First code of every new context: finishes the switch that led to it. */
void sched_first(void);

/* Give the CPU away if the task is not in state TASK_RUNNING; returns when it is again. */
void sched_block(void);
/* The slow path before user mode, when cpu->need_resched is set: preemption, timers, kicks to idle CPUs. */
void sched_resched(void);
/* The current task's context ends here; t->state says ZOMBIE or DEAD. Drops its own reference. */
void sched_exit(void) __attribute__((noreturn));

/* A signal arrived: end an interruptible sleep (any sleep but uninterruptible if fatal), or leave user mode. */
void sched_signal(struct task *t, bool fatal);
/* Continue a task in state TASK_STOPPED or TASK_TRACED. */
void sched_wake_stopped(struct task *t);
/* Continue it only if it is in state TASK_STOPPED. */
void sched_wake_jobstop(struct task *t);

void sched_get(struct task *t, struct sched_params *p);
void sched_set(struct task *t, const struct sched_params *p); /* checked by the caller */
/* What its control groups say: its weight is multiplied by share/SCHED_SHARE, limit (or NULL) lives until the next call. */
#define SCHED_SHARE 1024u
void sched_set_group(struct task *t, u32 share, struct cpu_limit *limit);
/* The weight of a nice level. */
u32 sched_weight(int nice);
/* When the current task may be in user mode again, as its limit says; 0: now. */
u64 sched_throttled_until(void);
u64 sched_affinity(struct task *t);
int sched_set_affinity(struct task *t, u64 mask); /* -EINVAL if no CPU is left */
u64 sched_interval(struct task *t);		  /* ns, for sched_rr_get_interval */
u64 sched_runtime(struct task *t);		  /* CPU time so far, ns */
unsigned sched_nr_running(void);
bool sched_alone(void); /* no other task wants the current CPU, at this moment */
/* Where a task that is not on a CPU waits: return addresses in the Sentry, innermost first. 0: it runs. */
unsigned sched_blocked_stack(struct task *t, u64 *at, unsigned max);
/* The user registers of a task that is not on a CPU; false: it is, or has none (any more). */
bool sched_blocked_regs(struct task *t, struct user_regs *out);
u64 sched_nr_switches(void);
/* What a CPU did since boot, ns. */
struct sched_cpu_times {
	u64 user, nice, system, idle;
};
void sched_cpu_times(unsigned cpu, struct sched_cpu_times *out);
/* The current task is about to set its own times to 0: charge all of them, and charge them to its CPU first. */
void sched_settle(struct task *t);

/* ---- load.c ---- */
extern u64 load_next; /* when the next sample is due */
void load_sample(u64 now);
/* At each switch, before the run queue changes: what was runnable until now counts for the periods that are over. */
static inline void load_tick(u64 now)
{
	if (unlikely(now >= READ_ONCE(load_next)))
		load_sample(now);
}
/* Averages over 1, 5 and 15 minutes, fixed point with 11 bits. */
void sched_load(u32 load[3]);

#endif
