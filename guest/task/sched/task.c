/*
 * task.c - a task's scheduling parameters: policy, nice level, affinity, and what it has used.
 *
 * Changes are made under the lock of the queue that the task belongs to; a task that is elsewhere in that moment (just
 * woken, between two queues) takes the new values at its next enqueue.
 */
#include "lib/err.h"
#include "task/sched/priv.h"

/* Nice level to weight: a step is about 25 %, as on Linux. */
u32 sched_weight(int nice)
{
	static const u32 w[40] = { 88761, 71755, 56483, 46273, 36291, 29154, 23254, 18705,
				   14949, 11916, 9548,	7620,  6100,  4904,  3906,  3121,
				   2501,  1991,	 1586,	1277,  1024,  820,   655,   526,
				   423,	  335,	 272,	215,   172,   137,   110,   87,
				   70,	  56,	 45,	36,    29,    23,    18,    15 };

	return w[nice + 20];
}

static u32 weight_of(const struct sched_entity *se)
{
	u64 w = se->policy == SCHED_IDLE ? 3 : sched_weight(se->nice);

	return (u32)MIN(MAX(w * se->share / SCHED_SHARE, 1ULL), 1ULL << 24);
}

void sched_init_task(struct task *t, const struct task *parent)
{
	struct sched_entity *se = &t->se;

	list_init(&se->rt_node);
	se->affinity = parent ? parent->se.affinity : sched_all_cpus();
	se->policy = SCHED_OTHER;
	se->sync = 2;
	if (parent && !parent->se.reset_on_fork) {
		se->policy = parent->se.policy;
		se->nice = parent->se.nice;
		se->rt_prio = parent->se.rt_prio;
	} else if (parent && parent->se.nice > 0) {
		se->nice = parent->se.nice;
	}
	se->share = SCHED_SHARE;
	se->weight = weight_of(se);
	t->state = TASK_SLEEPING;
	t->sleep_mode = SLEEP_UNINTERRUPTIBLE;
	t->cpu = cpu_this()->io ? cpu_get(0) : cpu_this();
	if (!(se->affinity >> t->cpu->id & 1))
		t->cpu = cpu_get((unsigned)__builtin_ctzll(se->affinity & sched_all_cpus()));
	se->heap.key = sched_rq[t->cpu->id].min_vruntime;
}

/* Lock the queue that t belongs to. */
static struct rq *task_rq_lock(struct task *t)
{
	struct rq *rq;

	for (;;) {
		rq = &sched_rq[atomic_load(&t->cpu)->id];
		spin_lock(&rq->lock);
		if (t->cpu == rq->cpu)
			return rq;
		spin_unlock(&rq->lock);
	}
}

/* Whoever runs there is to look at what has changed before it is in user mode. Unlocks. */
static void look_again(struct rq *rq)
{
	WRITE_ONCE(rq->cpu->need_resched, 1);
	spin_unlock(&rq->lock);
	if (rq->cpu != cpu_this())
		cpu_kick(rq->cpu);
}

void sched_get(struct task *t, struct sched_params *p)
{
	p->policy = t->se.policy;
	p->prio = t->se.rt_prio;
	p->nice = t->se.nice;
	p->reset_on_fork = t->se.reset_on_fork;
}

void sched_set(struct task *t, const struct sched_params *p)
{
	struct rq *rq = task_rq_lock(t);
	bool queued = t->se.queued;

	if (queued)
		rq_remove(rq, t);
	if (sched_is_rt(t))
		t->se.heap.key = rq->min_vruntime;
	t->se.policy = (u8)p->policy;
	t->se.rt_prio = (u8)p->prio;
	t->se.nice = (s8)p->nice;
	t->se.reset_on_fork = p->reset_on_fork;
	t->se.weight = weight_of(&t->se);
	if (queued)
		rq_insert(rq, t);
	look_again(rq);
}

void sched_set_group(struct task *t, u32 share, struct cpu_limit *limit)
{
	struct rq *rq = task_rq_lock(t);

	t->se.share = share;
	t->se.weight = weight_of(&t->se);
	t->se.limit = limit;
	look_again(rq);
}

u64 sched_throttled_until(void)
{
	struct task *t = task_current();
	struct rq *rq = task_rq_lock(t);
	u64 until = 0;

	if (t->se.limit && !sched_is_rt(t))
		until = cpu_limit_until(t->se.limit, clock_mono());
	spin_unlock(&rq->lock);
	return until;
}

u64 sched_affinity(struct task *t)
{
	return t->se.affinity & sched_all_cpus();
}

int sched_set_affinity(struct task *t, u64 mask)
{
	struct rq *rq, *to;
	u64 min;

	mask &= sched_all_cpus();
	if (!mask)
		return -EINVAL;
	rq = task_rq_lock(t);
	t->se.affinity = mask;
	if (mask >> rq->cpu->id & 1) {
		spin_unlock(&rq->lock);
		return 0;
	}
	if (t->se.queued && !atomic_load(&t->se.on_cpu)) {
		rq_remove(rq, t);
		min = rq->min_vruntime;
		to = sched_place(t);
		spin_unlock(&rq->lock);
		spin_lock(&to->lock);
		sched_enqueue(to, t, min);
		return 0;
	}
	/* Running there: it moves at its next look at need_resched. Asleep: placed at its next wake-up. */
	look_again(rq);
	return 0;
}

u64 sched_interval(struct task *t)
{
	if (t->se.policy == SCHED_FIFO)
		return 0;
	return t->se.policy == SCHED_RR ? RR_SLICE_NS : SLICE_NS;
}

u64 sched_runtime(struct task *t)
{
	struct rq *rq = task_rq_lock(t);
	u64 now = clock_mono(), sum = t->se.sum_exec;

	if (rq->curr == t && now > t->se.exec_start)
		sum += now - t->se.exec_start;
	spin_unlock(&rq->lock);
	return sum;
}

bool sched_blocked_regs(struct task *t, struct user_regs *out)
{
	struct rq *rq = task_rq_lock(t);
	bool ok = t->state != TASK_RUNNING && rq->curr != t && !atomic_load(&t->se.on_cpu) &&
		  t->utask;

	/* It cannot get a CPU, and so not lose its utask, while its queue is locked. */
	if (ok)
		*out = *utask_regs(t->utask);
	spin_unlock(&rq->lock);
	return ok;
}

unsigned sched_blocked_stack(struct task *t, u64 *at, unsigned max)
{
	struct rq *rq = task_rq_lock(t);
	bool ok = t->state != TASK_RUNNING && rq->curr != t && !atomic_load(&t->se.on_cpu);
	unsigned n = ok && t->kstack ? kctx_backtrace(&t->kctx, t->kstack, at, max) : 0;

	spin_unlock(&rq->lock);
	return n;
}

unsigned sched_nr_running(void)
{
	unsigned i, n = 0;

	for (i = 0; i < cpu_count(); i++)
		n += READ_ONCE(sched_rq[i].nr) + (READ_ONCE(sched_rq[i].curr) != NULL);
	return n;
}

void sched_cpu_times(unsigned cpu, struct sched_cpu_times *out)
{
	struct rq *rq = &sched_rq[cpu];

	spin_lock(&rq->lock);
	*out = rq->times;
	sched_add_times(rq, rq->curr, clock_mono(), out);
	spin_unlock(&rq->lock);
}

void sched_settle(struct task *t)
{
	struct rq *rq;
	u64 now;

	rq = &sched_rq[cpu_this()->id];
	spin_lock(&rq->lock);
	now = clock_mono();
	rq_account(rq, t, now);
	sched_add_times(rq, t, now, &rq->times);
	rq->since = now;
	rq->user_base = 0;
	spin_unlock(&rq->lock);
}

u64 sched_nr_switches(void)
{
	u64 n = 0;
	unsigned i;

	for (i = 0; i < cpu_count(); i++)
		n += READ_ONCE(sched_rq[i].nr_switches);
	return n;
}
