/*
 * info.c - what is to be said about a container: its processes and where they wait, what it used, the log. The log is the
 * whole sandbox's.
 */
#include <string.h>

#include "container/session.h"
#include "dev/control.h"
#include "lib/err.h"
#include "lib/logread.h"
#include "mm/frame.h"
#include "mm/slab.h"
#include "task/time/clock.h"
#include "task/info.h"
#include "task/sched/sched.h"

#define LIST_MAX sizeof(((struct ctl_msg *)0)->data)
#ifdef MOAT_KVM
#define ON_KVM 1
#else
#define ON_KVM 0
#endif
#define PER_LIST (LIST_MAX / sizeof(struct ctl_pid))

/* The first process of the container with a number from *pid on, which is moved behind it. */
static bool next_pid(struct container *c, int *pid, struct ctl_pid *out)
{
	while ((*pid = process_next(*pid)) > 0) {
		struct task *t = task_find((*pid)++);
		bool found = t && t->process->container == c && !t->process->zombie;
		struct task_info i;
		struct cred *cred;

		if (found) {
			task_info_get(t, &i);
			cred = task_cred_get(t);
			*out = (struct ctl_pid){ .pid = i.tgid,
						 .ppid = i.ppid,
						 .start_ns = t->process->start_time };
			out->cpu_ns = i.process_utime + i.process_stime;
			out->uid = (s32)cred->uid;
			cred_put(cred);
			memcpy(out->name, i.comm, sizeof(i.comm));
		}
		if (t)
			task_put(t);
		if (found)
			return true;
	}
	return false;
}

void info_pids(struct session *s)
{
	struct ctl_pid list[PER_LIST], ahead;
	int pid = 1;
	bool more = next_pid(s->container, &pid, &ahead);

	do {
		size_t n = 0;

		while (more && n < PER_LIST) {
			list[n++] = ahead;
			more = next_pid(s->container, &pid, &ahead);
		}
		control_send_wait(CTL_LIST, s->handle, more, 0, list, n * sizeof(list[0]));
	} while (more);
}

/* Takes over t's reference; false: it is not of this container. */
static bool stack_of(struct task *t, struct container *c, struct ctl_stack *out)
{
	u64 at[CTL_STACK_DEPTH];
	struct task_info i;
	bool found = t->process->container == c;

	if (found) {
		task_info_get(t, &i);
		*out = (struct ctl_stack){ .pid = i.tgid,
					   .tid = i.tid,
					   .syscall_nr = READ_ONCE(t->syscall_nr),
					   .state = (u8)i.state,
					   .kvm = ON_KVM };
		memcpy(out->name, i.comm, sizeof(i.comm));
		out->depth = (u16)sched_blocked_stack(t, at, ARRAY_SIZE(at));
		for (unsigned n = 0; n < out->depth; n++)
			out->at[n] = (s64)(at[n] - (u64)kctx_switch);
	}
	task_put(t);
	return found;
}

void info_stacks(struct session *s)
{
	struct ctl_stack st;

	for (int tid = 1; (tid = task_next(tid)) > 0; tid++) {
		struct task *t = task_find(tid);

		if (t && stack_of(t, s->container, &st))
			control_send_wait(CTL_LIST, s->handle, 1, 0, &st, sizeof(st));
	}
	control_send_wait(CTL_LIST, s->handle, 0, 0, "", 0);
}

struct sum {
	struct container *c;
	struct ctl_stats *st;
};

static void add_times(struct process *p, void *arg)
{
	struct sum *sum = arg;

	if (p->container == sum->c)
		sum->st->cpu_ns += process_cpu_time(p, CPU_SCHED) + p->cutime + p->cstime;
}

void info_stats(struct session *s)
{
	struct ctl_stats st = { .pids = READ_ONCE(s->container->cgroup->pids),
				.oom_kills = s->container->oom_kills };
	struct sum sum = { s->container, &st };
	u64 used, limit;

	frame_group_stats(s->container->mem_group, &used, &limit);
	st.memory_used = used * PAGE_SIZE;
	st.memory_limit = limit * PAGE_SIZE;
	process_for_each(add_times, &sum);
	control_send_wait(CTL_LIST, s->handle, 0, 0, &st, sizeof(st));
}

/* The sequence number is a place in the text. */
void info_dmesg(struct session *s, u64 from)
{
	char *buf = kmalloc(LOGREAD_MAX);
	size_t len = buf ? logread_all(buf, LOGREAD_MAX) : 0;
	size_t at = (size_t)MIN(from, (u64)len), n = MIN(len - at, LIST_MAX);

	control_send_wait(CTL_LIST, s->handle, 0, at + n, buf ? buf + at : "", n);
	kfree(buf);
}
