/*
 * itimer.h - timers that send signals: setitimer(2) and timer_create(2).
 */
#ifndef MOAT_TASK_ITIMER_H
#define MOAT_TASK_ITIMER_H

#include "task/task.h"

enum { ITIMER_REAL, ITIMER_VIRTUAL, ITIMER_PROF };

/* Remaining time and interval of the current process's timer, ns; 0: not armed. -EINVAL, -ENOMEM. */
int itimer_get(int which, u64 *value, u64 *interval);
int itimer_set(int which, u64 value, u64 interval, u64 *old_value, u64 *old_interval);

enum { SIGEV_SIGNAL, SIGEV_NONE, SIGEV_THREAD, SIGEV_THREAD_ID = 4 };

struct ptimer_event {
	int notify, signo, tid;
	u64 value;
	bool value_is_id; /* no sigevent was given: the value is the timer's number */
};

/* RLIMIT_CPU of p was set. */
void itimers_cpu_limit(struct process *p);

/* The number of the new timer; -EINVAL, -EAGAIN. */
int ptimer_create(int clock, const struct ptimer_event *ev);
int ptimer_delete(int id);
int ptimer_get(int id, u64 *value, u64 *interval);
int ptimer_set(int id, bool absolute, u64 value, u64 interval, u64 *old_value, u64 *old_interval);
int ptimer_overrun(int id);

#endif
