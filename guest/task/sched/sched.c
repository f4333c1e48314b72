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
 * Locks: one run-queue lock at a time, innermost of all but those of CPU limits, frames and the log. Differs from Linux: a
 * control group's weight multiplies those of its tasks, whatever their number; no deadline class, no decayed load average.
 *
 * Cost: a wake-up on the own CPU is one lock and one heap insert; a switch one lock, one heap removal, two clock reads.
 */
#include "lib/err.h"
#include "lib/log.h"
#include "mm/frame.h"
#include "mm/mm.h"
#include "task/sched/priv.h"

struct rq sched_rq[MAX_CPUS];
static u64 idle_mask; /* CPUs in cpu_idle or about to be */

static struct rq *rq_this(void)
{
	return &sched_rq[cpu_this()->id];
}

/* ---- the queue; its lock is held ---- */

void rq_insert(struct rq *rq, struct task *t)
{
	struct list *pos;

	if (sched_is_rt(t)) {
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

void rq_remove(struct rq *rq, struct task *t)
{
	if (sched_is_rt(t))
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

void rq_account(struct rq *rq, struct task *t, u64 now)
{
	u64 d = now > t->se.exec_start ? now - t->se.exec_start : 0, least;

	t->se.exec_start = now;
	t->se.sum_exec += d;
	t->se.slice_used += d;
	/* Switches happen in the kernel: what is not yet charged is system time. */
	t->stime += now > t->mode_start ? now - t->mode_start : 0;
	t->mode_start = now;
	if (sched_is_rt(t))
		return;
	if (unlikely(t->se.limit != NULL))
		cpu_limit_charge(t->se.limit, now, d);
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

/* Should first run instead of curr? By class, priority, a used-up slice, or virtual time that is far enough behind. */
static bool preempts(const struct rq *rq, const struct task *first, const struct task *curr)
{
	if (sched_is_rt(first))
		return !sched_is_rt(curr) || first->se.rt_prio > curr->se.rt_prio ||
		       (first->se.rt_prio == curr->se.rt_prio && curr->se.policy == SCHED_RR &&
			curr->se.slice_used >= RR_SLICE_NS);
	if (sched_is_rt(curr))
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

struct rq *sched_place(struct task *t)
{
	struct cpu *here = cpu_this();
	unsigned last = t->cpu->id;
	struct task *waker = here->io ? NULL : here->task;
	int c;

	if (!here->io && t->se.affinity >> here->id & 1) {
		/* An upcall of the idle loop: this CPU is awake and free. */
		if (!waker && !READ_ONCE(sched_rq[here->id].nr))
			return &sched_rq[here->id];
		if (waker && waker->se.sync && !READ_ONCE(sched_rq[here->id].nr))
			return &sched_rq[here->id];
	}
	c = idle_cpu(t, last);
	if (c >= 0)
		return &sched_rq[c];
	if (t->se.affinity >> last & 1)
		return &sched_rq[last];
	return &sched_rq[__builtin_ctzll(t->se.affinity & sched_all_cpus())];
}

/*
 * Queue a runnable task that belongs to no queue on rq (locked), and make that CPU notice. Unlocks.
 *
 * A queued task is never forgotten: as long as it is queued, its CPU is idle with a kick on its way, or has need_resched
 * set and looks at that before user mode, or is kicked, or has slice_end set, for which sched_resched arms the timer
 * after it has let go of the lock and before user mode; the timer's upcall sets need_resched again. So a kick may be
 * left out only when slice_end is set. Only the CPU itself changes slice_end, and clears it under the lock when it
 * finds the queue empty or switches (and then finish_switch sets need_resched).
 */
void sched_enqueue(struct rq *rq, struct task *t, u64 from_min)
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

/* Make t runnable if its state is in the mask of 1 << TASK_*; false if it was not. */
static bool sched_try_wake(struct task *t, u32 states)
{
	struct rq *rq, *to;
	u64 min;

	atomic_fence();
	for (;;) {
		if (!(1u << atomic_load(&t->state) & states))
			return false;
		rq = &sched_rq[atomic_load(&t->cpu)->id];
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
		to = sched_place(t);
		if (to != rq) {
			spin_unlock(&rq->lock);
			spin_lock(&to->lock);
			rq = to;
		}
	}
	sched_enqueue(rq, t, min);
	if (!cpu_this()->io && task_current())
		task_current()->se.last_wake = clock_mono();
	return true;
}

bool sched_wake(struct task *t)
{
	return sched_try_wake(t, 1u << TASK_SLEEPING);
}

void sched_wake_stopped(struct task *t)
{
	sched_try_wake(t, 1u << TASK_STOPPED | 1u << TASK_TRACED);
}

void sched_wake_jobstop(struct task *t)
{
	sched_try_wake(t, 1u << TASK_STOPPED);
}

/* Make the task leave user mode soon, if it is there. */
static void sched_kick(struct task *t)
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
		to = sched_place(prev);
		spin_lock(&to->lock);
		sched_enqueue(to, prev, rq->min_vruntime);
	}
}

/* Add what happened since rq->since: t (or nobody) ran. The lock is held. */
void sched_add_times(const struct rq *rq, const struct task *t, u64 now, struct sched_cpu_times *to)
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
	sched_add_times(rq, prev, now, &rq->times);
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
	rq_account(rq, t, now);
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
	sched_rq[cpu->id].armed = 0;
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
	rq_account(rq, t, now);
	first = rq_first(rq);
	if (!(t->se.affinity >> rq->cpu->id & 1)) {
		preempt(rq, t, pick(rq), now);
	} else if (!first) {
		/* What is limited may have used up its time by then. */
		rq->slice_end = t->se.limit ? now + SLICE_NS : 0;
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
		u64 m = atomic_load(&idle_mask) & sched_all_cpus();

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
	rq_account(rq, t, now);
	first = rq_first(rq);
	if (!first ||
	    (sched_is_rt(t) && (!sched_is_rt(first) || first->se.rt_prio < t->se.rt_prio))) {
		spin_unlock(&rq->lock);
		return;
	}
	if (!sched_is_rt(t) && !sched_is_rt(first) && first->se.heap.key >= t->se.heap.key)
		t->se.heap.key = first->se.heap.key + 1;
	preempt(rq, t, pick(rq), now);
}

bool sched_alone(void)
{
	return !READ_ONCE(rq_this()->nr) && !READ_ONCE(cpu_this()->need_resched);
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
		rq = &sched_rq[(me->cpu->id + i) % n];
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
	struct rq *rq = &sched_rq[cpu->id];
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
		spin_init(&sched_rq[i].lock);
		list_init(&sched_rq[i].rt);
		sched_rq[i].cpu = cpu_get(i);
		sched_rq[i].min_vruntime = VRUNTIME_START;
		sched_rq[i].since = clock_mono();
		sched_rq[i].cpu->sched = &sched_rq[i];
		timer_init_cpu(i);
	}
}

void sched_start(struct task *t)
{
	sched_try_wake(t, 1u << TASK_SLEEPING);
}

void sched_first(void)
{
	finish_switch();
}
