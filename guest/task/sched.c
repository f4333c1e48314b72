/*
 * sched.c - per-CPU run queues: who runs where, and the switch from one task to the next.
 *
 * Real-time tasks (FIFO, RR) go first by priority; the others share a CPU by weight (nice) with the least virtual run
 * time first. A CPU that runs dry steals; a waker keeps a task on its own CPU when it is likely to sleep soon itself
 * (pipes, futexes), because waking another host CPU costs ten times the hand-over; a task that was left waiting so for
 * longer than HANDOVER_NS is offered to an idle CPU. The CPU timer is armed only while something waits in the queue.
 *
 * Wake-ups: a sleeper sets its state, then looks at its condition, then calls sched_block(), which under the run-queue
 * lock goes on only if the state is still not RUNNING. A waker makes the condition true, then, under the lock of the
 * queue that the task belongs to, sets RUNNING. If the task is still current on its CPU (rq->curr) that is all: it will
 * see it in sched_block. If its context is still being saved (on_cpu) it is queued on that same CPU, which cannot pick
 * it before the switch is over, and stealers leave it alone.
 *
 * Locks: one run-queue lock at a time, innermost of all but the frame and log locks. Differs from Linux: no group
 * scheduling, no deadline class, no load average of decayed weights.
 *
 * Cost: a wake-up on the own CPU is one lock and one heap insert; a switch one lock, one heap removal, two clock reads.
 */
#include "lib/err.h"
#include "lib/log.h"
#include "mm/frame.h"
#include "mm/mm.h"
#include "task/sched.h"

#define SLICE_NS    3000000ULL
#define RR_SLICE_NS 100000000ULL
#define GRAN_NS	    1000000ULL /* a woken task preempts only if it is behind by this much */
#define HANDOVER_NS 100000ULL

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

static struct rq rqs[MAX_CPUS];
static u64 idle_mask; /* CPUs in cpu_idle or about to be */

static struct rq *rq_this(void)
{
	return &rqs[cpu_this()->id];
}

static u64 all_cpus(void)
{
	unsigned n = cpu_count();

	return n >= 64 ? ~0ULL : (1ULL << n) - 1;
}

/* Nice level to weight: a step is about 25 %, as on Linux. */
static u32 weight_of(int nice)
{
	static const u32 w[40] = { 88761, 71755, 56483, 46273, 36291, 29154, 23254, 18705,
				   14949, 11916, 9548,	7620,  6100,  4904,  3906,  3121,
				   2501,  1991,	 1586,	1277,  1024,  820,   655,   526,
				   423,	  335,	 272,	215,   172,   137,   110,   87,
				   70,	  56,	 45,	36,    29,    23,    18,    15 };

	return w[nice + 20];
}

static bool is_rt(const struct task *t)
{
	return t->se.policy == SCHED_FIFO || t->se.policy == SCHED_RR;
}

/* ---- the queue; its lock is held ---- */

static void rq_insert(struct rq *rq, struct task *t)
{
	struct list *pos;

	if (is_rt(t)) {
		for (pos = rq->rt.next; pos != &rq->rt; pos = pos->next)
			if (list_entry(pos, struct task, se.rt_node)->se.rt_prio < t->se.rt_prio)
				break;
		list_add_tail(pos, &t->se.rt_node);
	} else {
		pheap_insert(&rq->fair, &t->se.heap);
	}
	t->se.queued = true;
	WRITE_ONCE(rq->nr, rq->nr + 1);
}

static void rq_remove(struct rq *rq, struct task *t)
{
	if (is_rt(t))
		list_del(&t->se.rt_node);
	else
		pheap_remove(&rq->fair, &t->se.heap);
	t->se.queued = false;
	WRITE_ONCE(rq->nr, rq->nr - 1);
}

static struct task *rq_first(struct rq *rq)
{
	if (!list_empty(&rq->rt))
		return list_first(&rq->rt, struct task, se.rt_node);
	if (rq->fair.root)
		return container_of(rq->fair.root, struct task, se.heap);
	return NULL;
}

static void account(struct rq *rq, struct task *t, u64 now)
{
	u64 d = now > t->se.exec_start ? now - t->se.exec_start : 0, least;

	t->se.exec_start = now;
	t->se.sum_exec += d;
	t->se.slice_used += d;
	/* Switches happen in the kernel: what is not yet charged is system time. */
	t->stime += now > t->mode_start ? now - t->mode_start : 0;
	t->mode_start = now;
	if (is_rt(t))
		return;
	t->se.heap.key += t->se.weight == 1024 ? d : d * 1024 / t->se.weight;
	least = t->se.heap.key;
	if (rq->fair.root && rq->fair.root->key < least)
		least = rq->fair.root->key;
	rq->min_vruntime = MAX(rq->min_vruntime, least);
}

static u64 slice_of(const struct rq *rq, const struct task *t)
{
	if (t->se.policy == SCHED_FIFO)
		return ~0ULL;
	if (t->se.policy == SCHED_RR)
		return RR_SLICE_NS;
	return MAX(SLICE_NS * 2 / (rq->nr + 1), GRAN_NS);
}

/* Should first run instead of curr? used_up: look at the time slice too, not only at a fresh wake-up. */
static bool preempts(const struct rq *rq, const struct task *first, const struct task *curr)
{
	if (is_rt(first))
		return !is_rt(curr) || first->se.rt_prio > curr->se.rt_prio ||
		       (first->se.rt_prio == curr->se.rt_prio && curr->se.policy == SCHED_RR &&
			curr->se.slice_used >= RR_SLICE_NS);
	if (is_rt(curr))
		return false;
	if (curr->se.policy == SCHED_IDLE && first->se.policy != SCHED_IDLE)
		return true;
	if (curr->se.slice_used >= slice_of(rq, curr))
		return first->se.heap.key <= curr->se.heap.key;
	return first->se.policy == SCHED_OTHER && first->se.heap.key + GRAN_NS < curr->se.heap.key;
}

/* ---- placement ---- */

/* An idle CPU that the task may use; -1 if there is none. */
static int idle_cpu(const struct task *t, unsigned prefer)
{
	u64 m = atomic_load(&idle_mask) & t->se.affinity;

	if (!m)
		return -1;
	return m >> prefer & 1 ? (int)prefer : __builtin_ctzll(m);
}

static struct rq *place(struct task *t)
{
	struct cpu *here = cpu_this();
	unsigned last = t->cpu->id;
	struct task *waker = here->io ? NULL : here->task;
	int c;

	if (!here->io && t->se.affinity >> here->id & 1) {
		/* An upcall of the idle loop: this CPU is awake and free. */
		if (!waker && !READ_ONCE(rqs[here->id].nr))
			return &rqs[here->id];
		if (waker && waker->se.sync && !READ_ONCE(rqs[here->id].nr))
			return &rqs[here->id];
	}
	c = idle_cpu(t, last);
	if (c >= 0)
		return &rqs[c];
	if (t->se.affinity >> last & 1)
		return &rqs[last];
	return &rqs[__builtin_ctzll(t->se.affinity & all_cpus())];
}

/* Queue a runnable task that belongs to no queue on rq (locked), and make that CPU notice. Unlocks. */
static void enqueue(struct rq *rq, struct task *t, u64 from_min)
{
	struct cpu *here = cpu_this();
	struct task *curr;
	s64 rel;
	bool kick;

	/* Virtual time is relative to the queue's; sleepers get at most one slice of credit. */
	rel = MAX((s64)(t->se.heap.key - from_min), -(s64)SLICE_NS);
	t->se.heap.key = rq->min_vruntime + (u64)rel;
	atomic_store(&t->cpu, rq->cpu);
	rq_insert(rq, t);
	WRITE_ONCE(rq->cpu->need_resched, 1);
	curr = rq->curr;
	kick = rq->cpu != here && (!curr || preempts(rq, t, curr) || !rq->slice_end);
	spin_unlock(&rq->lock);
	if (kick)
		cpu_kick(rq->cpu);
}

static bool try_wake(struct task *t, u32 states)
{
	struct rq *rq, *to;
	u64 min;

	atomic_fence();
	for (;;) {
		if (!(1u << atomic_load(&t->state) & states))
			return false;
		rq = &rqs[atomic_load(&t->cpu)->id];
		spin_lock(&rq->lock);
		if (t->cpu == rq->cpu)
			break;
		spin_unlock(&rq->lock);
	}
	if (!(1u << t->state & states)) {
		spin_unlock(&rq->lock);
		return false;
	}
	atomic_store(&t->state, TASK_RUNNING);
	if (rq->curr == t) {
		spin_unlock(&rq->lock);
		return true;
	}
	min = rq->min_vruntime;
	if (!atomic_load(&t->se.on_cpu)) {
		to = place(t);
		if (to != rq) {
			spin_unlock(&rq->lock);
			spin_lock(&to->lock);
			rq = to;
		}
	}
	enqueue(rq, t, min);
	if (!cpu_this()->io && task_current())
		task_current()->se.last_wake = clock_mono();
	return true;
}

bool sched_wake(struct task *t)
{
	return try_wake(t, 1u << TASK_SLEEPING);
}

void sched_wake_stopped(struct task *t)
{
	try_wake(t, 1u << TASK_STOPPED | 1u << TASK_TRACED);
}

void sched_kick(struct task *t)
{
	struct cpu *c = atomic_load(&t->cpu);

	if (atomic_load(&t->se.on_cpu) && c != cpu_this())
		cpu_kick(c);
}

void sched_signal(struct task *t, bool fatal)
{
	u32 mode = atomic_load(&t->sleep_mode);

	atomic_fence();
	if (atomic_load(&t->state) == TASK_SLEEPING &&
	    (mode == SLEEP_INTERRUPTIBLE || (fatal && mode == SLEEP_KILLABLE)))
		sched_wake(t);
	else if (fatal && 1u << atomic_load(&t->state) & (1u << TASK_STOPPED | 1u << TASK_TRACED))
		sched_wake_stopped(t);
	else
		sched_kick(t);
}

/* ---- switching ---- */

/* In the new context: the old one is completely saved now. */
static void finish_switch(void)
{
	struct rq *rq = rq_this();
	struct task *prev = rq->prev;
	bool moves = rq->prev_moves;
	struct rq *to;

	/* Before user mode: the slice of the task that runs now, and timers that the last one started. */
	WRITE_ONCE(rq->cpu->need_resched, 1);

	rq->prev = NULL;
	rq->prev_moves = false;
	if (!prev)
		return;
	if (prev->state == TASK_ZOMBIE || prev->state == TASK_DEAD) {
		atomic_store(&prev->se.on_cpu, 0);
		task_put(prev);
		return;
	}
	atomic_store(&prev->se.on_cpu, 0);
	if (moves) {
		to = place(prev);
		spin_lock(&to->lock);
		enqueue(to, prev, rq->min_vruntime);
	}
}

/* Add what happened since rq->since: t (or nobody) ran. The lock is held. */
static void add_times(const struct rq *rq, const struct task *t, u64 now, struct sched_cpu_times *to)
{
	u64 d = now > rq->since ? now - rq->since : 0, user;

	if (!t) {
		to->idle += d;
		return;
	}
	user = t->utime > rq->user_base ? MIN(t->utime - rq->user_base, d) : 0;
	*(t->se.nice > 0 ? &to->nice : &to->user) += user;
	to->system += d - user;
}

/* From the current context (prev, or the idle loop) to next (or the idle loop). The lock is held, and dropped. */
static void switch_to(struct rq *rq, struct task *prev, struct task *next, u64 now)
{
	struct cpu *cpu = rq->cpu;

	load_tick(now);
	add_times(rq, prev, now, &rq->times);
	rq->since = now;
	rq->user_base = next ? next->utime : 0;
	rq->curr = next;
	rq->prev = prev;
	rq->slice_end = 0;
	rq->nr_switches++;
	if (next) {
		next->se.exec_start = next->mode_start = now;
		next->se.slice_used = 0;
		atomic_store(&next->se.on_cpu, 1);
		atomic_store(&next->cpu, cpu);
		next->rseq_event = true;
	}
	spin_unlock(&rq->lock);
	if (prev)
		utask_switch_out(prev->utask);
	cpu->task = next;
	cpu->utask = next ? next->utask : NULL;
	if (next)
		utask_switch_in(next->utask);
	kctx_switch(prev ? &prev->kctx : &rq->idle, next ? &next->kctx : &rq->idle);
	finish_switch();
}

static struct task *pick(struct rq *rq)
{
	struct task *t = rq_first(rq);

	if (t)
		rq_remove(rq, t);
	return t;
}

/* t, which woke another task a while ago, sleeps now: was that soon enough to keep such tasks on its CPU? */
static void learn_sync(struct task *t, u64 now)
{
	if (!t->se.last_wake)
		return;
	if (now - t->se.last_wake > HANDOVER_NS)
		t->se.sync = t->se.sync ? t->se.sync - 1 : 0;
	else if (t->se.sync < 3)
		t->se.sync++;
	t->se.last_wake = 0;
}

void sched_block(void)
{
	struct rq *rq = rq_this();
	struct task *t = rq->cpu->task;
	u64 now;

	spin_lock(&rq->lock);
	if (t->state == TASK_RUNNING) {
		spin_unlock(&rq->lock);
		return;
	}
	now = clock_mono();
	account(rq, t, now);
	learn_sync(t, now);
	t->nvcsw++;
	switch_to(rq, t, pick(rq), now);
}

void sched_exit(void)
{
	sched_block();
	panic("a dead task was scheduled");
}

/* Arm the hardware timer for what this CPU waits for, if it is not armed for something earlier. */
static void program_timer(struct rq *rq, bool exact)
{
	u64 want = timer_next(rq->cpu->id);

	if (rq->slice_end && (!want || rq->slice_end < want))
		want = rq->slice_end;
	if (want == rq->armed || (!exact && rq->armed && (!want || rq->armed <= want)))
		return;
	rq->armed = want;
	cpu_timer_set(want);
}

void sched_timer_upcall(void)
{
	struct cpu *cpu = cpu_this();

	if (cpu->io)
		return;
	rqs[cpu->id].armed = 0;
	WRITE_ONCE(cpu->need_resched, 1);
	timer_run(cpu->id);
}

/* Give the CPU to `next` (removed from the queue), keeping t runnable. Locked; unlocks. */
static void preempt(struct rq *rq, struct task *t, struct task *next, u64 now)
{
	t->nivcsw++;
	if (t->se.affinity >> rq->cpu->id & 1)
		rq_insert(rq, t);
	else
		rq->prev_moves = true;
	switch_to(rq, t, next, now);
}

void sched_resched(void)
{
	struct rq *rq = rq_this();
	struct task *t = rq->cpu->task, *first;
	bool offer = false;
	u64 now;

	if (t->state != TASK_RUNNING)
		return; /* between sched_prepare and sched_sleep: it is about to give the CPU away anyway */
	WRITE_ONCE(rq->cpu->need_resched, 0);
	spin_lock(&rq->lock);
	now = clock_mono();
	account(rq, t, now);
	first = rq_first(rq);
	if (!(t->se.affinity >> rq->cpu->id & 1)) {
		preempt(rq, t, pick(rq), now);
	} else if (!first) {
		rq->slice_end = 0;
		spin_unlock(&rq->lock);
	} else if (preempts(rq, first, t)) {
		preempt(rq, t, pick(rq), now);
	} else {
		/* Something waits. Unless t is known to sleep soon after a wake-up, an idle CPU may have it. */
		offer = idle_mask && (!t->se.sync || (rq->slice_end && now >= rq->slice_end));
		if (offer)
			t->se.sync = 0;
		if (!rq->slice_end || now >= rq->slice_end)
			rq->slice_end = now + (idle_mask && !offer ? HANDOVER_NS : SLICE_NS);
		spin_unlock(&rq->lock);
	}
	rq = rq_this();
	if (offer) {
		u64 m = atomic_load(&idle_mask) & all_cpus();

		if (m)
			cpu_kick(cpu_get((unsigned)__builtin_ctzll(m)));
	}
	program_timer(rq, false);
}

void sched_yield(void)
{
	struct rq *rq = rq_this();
	struct task *t = rq->cpu->task, *first;
	u64 now;

	platform_poll();
	rq = rq_this();
	spin_lock(&rq->lock);
	now = clock_mono();
	account(rq, t, now);
	first = rq_first(rq);
	if (!first || (is_rt(t) && (!is_rt(first) || first->se.rt_prio < t->se.rt_prio))) {
		spin_unlock(&rq->lock);
		return;
	}
	if (!is_rt(t) && !is_rt(first) && first->se.heap.key >= t->se.heap.key)
		t->se.heap.key = first->se.heap.key + 1;
	preempt(rq, t, pick(rq), now);
}

void task_poll(void)
{
	platform_poll();
	if (unlikely(READ_ONCE(cpu_this()->need_resched)) && task_current())
		sched_resched();
}

/* ---- idle ---- */

/* Take a task that waits elsewhere and may run here. */
static struct task *steal(struct rq *me)
{
	unsigned n = cpu_count(), i;
	struct rq *rq;
	struct task *t;

	for (i = 1; i < n; i++) {
		rq = &rqs[(me->cpu->id + i) % n];
		if (!READ_ONCE(rq->nr))
			continue;
		spin_lock(&rq->lock);
		t = rq_first(rq);
		if (t && !atomic_load(&t->se.on_cpu) && t->se.affinity >> me->cpu->id & 1) {
			rq_remove(rq, t);
			t->se.heap.key -= MIN(t->se.heap.key, rq->min_vruntime);
			atomic_store(&t->cpu, me->cpu);
			spin_unlock(&rq->lock);
			t->se.heap.key += me->min_vruntime;
			return t;
		}
		spin_unlock(&rq->lock);
	}
	return NULL;
}

/* Free memory that nobody wanted for a while goes back to the host; one timer, only while there is some. */
static u32 report_armed;

static void report_tick(struct ktimer *t)
{
	atomic_store(&report_armed, 0);
}

static void give_memory_back(struct cpu *cpu)
{
	static struct ktimer timer;
	u64 now = clock_mono(), again;

	do
		again = frame_report_free(now);
	while (again && again <= now && !READ_ONCE(cpu->kicked));
	if (again > now && atomic_cas(&report_armed, 0, 1)) {
		if (!timer.fn)
			ktimer_init(&timer, report_tick);
		ktimer_start(&timer, again);
	}
}

void sched_cpu_main(void)
{
	struct cpu *cpu = cpu_this();
	struct rq *rq = &rqs[cpu->id];
	struct task *next;
	u64 bit = 1ULL << cpu->id;

	for (;;) {
		/*
		 * Whoever queues a task here kicks, and the kick is sticky; whoever leaves a task waiting elsewhere offers it
		 * to a CPU in idle_mask by a kick. So the bit is set before the last look at the queues.
		 */
		atomic_or(&idle_mask, bit);
		WRITE_ONCE(cpu->need_resched, 0);
		spin_lock(&rq->lock);
		next = pick(rq);
		if (!next) {
			spin_unlock(&rq->lock);
			next = steal(rq);
			spin_lock(&rq->lock);
		}
		if (next) {
			atomic_and(&idle_mask, ~bit);
			switch_to(rq, NULL, next, clock_mono());
			continue;
		}
		rq->slice_end = 0;
		spin_unlock(&rq->lock);
		utask_switch_in(NULL);
		give_memory_back(cpu);
		program_timer(rq, true);
		cpu_idle();
		timer_run(cpu->id);
	}
}

/* ---- tasks ---- */

void sched_init(void)
{
	unsigned i;

	for (i = 0; i < cpu_count(); i++) {
		spin_init(&rqs[i].lock);
		list_init(&rqs[i].rt);
		rqs[i].cpu = cpu_get(i);
		rqs[i].since = clock_mono();
		rqs[i].cpu->sched = &rqs[i];
		timer_init_cpu(i);
	}
}

void sched_init_task(struct task *t, const struct task *parent)
{
	struct sched_entity *se = &t->se;

	list_init(&se->rt_node);
	se->affinity = parent ? parent->se.affinity : all_cpus();
	se->policy = SCHED_OTHER;
	se->sync = 2;
	if (parent && !parent->se.reset_on_fork) {
		se->policy = parent->se.policy;
		se->nice = parent->se.nice;
		se->rt_prio = parent->se.rt_prio;
	} else if (parent && parent->se.nice > 0) {
		se->nice = parent->se.nice;
	}
	se->weight = se->policy == SCHED_IDLE ? 3 : weight_of(se->nice);
	t->state = TASK_SLEEPING;
	t->sleep_mode = SLEEP_UNINTERRUPTIBLE;
	t->cpu = cpu_this()->io ? cpu_get(0) : cpu_this();
	if (!(se->affinity >> t->cpu->id & 1))
		t->cpu = cpu_get((unsigned)__builtin_ctzll(se->affinity & all_cpus()));
	se->heap.key = rqs[t->cpu->id].min_vruntime;
}

void sched_start(struct task *t)
{
	try_wake(t, 1u << TASK_SLEEPING);
}

void sched_first(void)
{
	finish_switch();
}

/* Lock the queue that t belongs to. */
static struct rq *task_rq_lock(struct task *t)
{
	struct rq *rq;

	for (;;) {
		rq = &rqs[atomic_load(&t->cpu)->id];
		spin_lock(&rq->lock);
		if (t->cpu == rq->cpu)
			return rq;
		spin_unlock(&rq->lock);
	}
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
	if (is_rt(t))
		t->se.heap.key = rq->min_vruntime;
	t->se.policy = (u8)p->policy;
	t->se.rt_prio = (u8)p->prio;
	t->se.nice = (s8)p->nice;
	t->se.reset_on_fork = p->reset_on_fork;
	t->se.weight = p->policy == SCHED_IDLE ? 3 : weight_of(p->nice);
	if (queued)
		rq_insert(rq, t);
	WRITE_ONCE(rq->cpu->need_resched, 1);
	spin_unlock(&rq->lock);
	if (rq->cpu != cpu_this())
		cpu_kick(rq->cpu);
}

u64 sched_affinity(struct task *t)
{
	return t->se.affinity & all_cpus();
}

int sched_set_affinity(struct task *t, u64 mask)
{
	struct rq *rq, *to;
	u64 min;

	mask &= all_cpus();
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
		to = place(t);
		spin_unlock(&rq->lock);
		spin_lock(&to->lock);
		enqueue(to, t, min);
		return 0;
	}
	/* Running there: it moves at its next look at need_resched. Asleep: placed at its next wake-up. */
	WRITE_ONCE(rq->cpu->need_resched, 1);
	spin_unlock(&rq->lock);
	if (rq->cpu != cpu_this())
		cpu_kick(rq->cpu);
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
	bool ok = t->state != TASK_RUNNING && rq->curr != t && !atomic_load(&t->se.on_cpu) && t->utask;

	/* It cannot get a CPU, and so not lose its utask, while its queue is locked. */
	if (ok)
		*out = *utask_regs(t->utask);
	spin_unlock(&rq->lock);
	return ok;
}

unsigned sched_nr_running(void)
{
	unsigned i, n = 0;

	for (i = 0; i < cpu_count(); i++)
		n += READ_ONCE(rqs[i].nr) + (READ_ONCE(rqs[i].curr) != NULL);
	return n;
}

void sched_cpu_times(unsigned cpu, struct sched_cpu_times *out)
{
	struct rq *rq = &rqs[cpu];

	spin_lock(&rq->lock);
	*out = rq->times;
	add_times(rq, rq->curr, clock_mono(), out);
	spin_unlock(&rq->lock);
}

void sched_settle(struct task *t)
{
	struct rq *rq;
	u64 now;

	rq = rq_this();
	spin_lock(&rq->lock);
	now = clock_mono();
	add_times(rq, t, now, &rq->times);
	rq->since = now;
	rq->user_base = 0;
	spin_unlock(&rq->lock);
}

u64 sched_nr_switches(void)
{
	u64 n = 0;
	unsigned i;

	for (i = 0; i < cpu_count(); i++)
		n += READ_ONCE(rqs[i].nr_switches);
	return n;
}

/* ---- sleeping ---- */

void sched_prepare(enum sleep_mode mode)
{
	struct task *t = task_current();

	atomic_store(&t->sleep_mode, mode);
	(void)atomic_xchg(&t->state, TASK_SLEEPING);
}

void sched_awake(void)
{
	atomic_store(&task_current()->state, TASK_RUNNING);
}

static int interrupted(struct task *t)
{
	if (t->sleep_mode == SLEEP_INTERRUPTIBLE && signal_pending(t))
		return -ERESTARTSYS;
	if (t->sleep_mode == SLEEP_KILLABLE && signal_fatal_pending(t))
		return -EINTR;
	return 0;
}

struct sleep_timer {
	struct ktimer timer;
	struct task *task;
};

static void sleep_expired(struct ktimer *k)
{
	sched_wake(container_of(k, struct sleep_timer, timer)->task);
}

int sched_sleep(u64 deadline)
{
	struct task *t = task_current();
	struct sleep_timer st;
	int err = interrupted(t);

	if (!err && deadline != NO_DEADLINE && clock_mono() >= deadline)
		err = -ETIMEDOUT;
	if (err) {
		sched_awake();
		return err;
	}
	if (deadline == NO_DEADLINE) {
		sched_block();
		return interrupted(t);
	}
	st.task = t;
	ktimer_init(&st.timer, sleep_expired);
	ktimer_start(&st.timer, deadline);
	sched_block();
	ktimer_cancel(&st.timer);
	err = interrupted(t);
	if (!err && clock_mono() >= deadline)
		err = -ETIMEDOUT;
	return err;
}
