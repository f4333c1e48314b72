/*
 * timens.h - time namespaces (time_namespaces(7)): what is added to CLOCK_MONOTONIC and CLOCK_BOOTTIME.
 *
 * A task is in the one that its address space was made in: unshare(2) and setns(2) choose that of its children and of its
 * next program. In a further namespace the vDSO finds no calibrated clock (mm_hide_clock) and makes system calls, so the
 * offsets are in one place, task/time/clock.c. They can be set until the first process is in it.
 * Differs from Linux: the start time in /proc/PID/stat has no offset; io_uring's absolute timeouts have none.
 */
#ifndef MOAT_TASK_TIMENS_H
#define MOAT_TASK_TIMENS_H

#include "task/ns/ns.h"
#include "task/task.h"

void time_ns_init(void); /* at boot */
/* What the current task's clock is ahead of the Sentry's, ns. Clocks that are not in such a namespace: 0. */
s64 time_ns_offset(int clock);
/* t, the current task or its child that is not published, enters the one for children. True: that has offsets of its own. */
bool time_ns_switch(struct task *t);
/* Would time_ns_switch of the current task say so? */
bool time_ns_for_next(void);

/* /proc/PID/timens_offsets, of the one for t's children; store: the current task's rights decide. */
int time_ns_offsets(struct task *t, s64 *mono, s64 *boot);
/* clock: CLOCK_MONOTONIC or CLOCK_BOOTTIME. -EACCES: someone is in it; -EPERM, -EINVAL, -ERANGE. */
int time_ns_set_offset(struct task *t, int clock, s64 ns);

#endif
