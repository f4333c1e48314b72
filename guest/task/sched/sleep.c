/*
 * sleep.c - sleeping until woken, a signal or a deadline (wait.h has the lost-wakeup argument).
 */
#include "lib/err.h"
#include "task/sched/sched.h"

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

	LOCKCHECK_SLEEP("sched_sleep");
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
