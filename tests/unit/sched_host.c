/*
 * sched_host.c - the few scheduler functions that guest/task/{mutex,wait}.c need, for unit tests: every host thread that
 * called unit_cpu_init is one task; a sleep yields until somebody wakes it. A sleep that nobody can end is a hang, which
 * the test's time limit reports.
 */
#include <unistd.h>
#include <stdlib.h>

#include "lib/err.h"
#include "task/sched/sched.h"
#include "task/task.h"
#include "tests/unit/platform_host.h"

void unit_task_init(struct cpu *c);

void unit_task_init(struct cpu *c)
{
	static struct task tasks[MAX_CPUS + 1];

	c->task = &tasks[c->id];
	c->task->tid = (int)c->id + 1;
	c->task->state = TASK_RUNNING;
}

void sched_prepare(enum sleep_mode mode)
{
	__atomic_store_n(&task_current()->state, TASK_SLEEPING, __ATOMIC_SEQ_CST);
}

void sched_awake(void)
{
	__atomic_store_n(&task_current()->state, TASK_RUNNING, __ATOMIC_SEQ_CST);
}

int sched_sleep(u64 deadline)
{
	while (__atomic_load_n(&task_current()->state, __ATOMIC_SEQ_CST) != TASK_RUNNING) {
		if (deadline != NO_DEADLINE && clock_mono() >= deadline)
			return -ETIMEDOUT;
		usleep(10);
	}
	return 0;
}

bool sched_alone(void)
{
	return false; /* other host threads do the work */
}

bool sched_wake(struct task *t)
{
	return __atomic_exchange_n(&t->state, TASK_RUNNING, __ATOMIC_SEQ_CST) == TASK_SLEEPING;
}
