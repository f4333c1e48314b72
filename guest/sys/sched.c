/*
 * sched.c - the sched_* system calls, priorities, restartable sequences and membarrier.
 */
#include <linux/capability.h>
#include <string.h>

#include "lib/err.h"
#include "lib/log.h"
#include "sys/abi_task.h"
#include "sys/sys.h"
#include "task/info.h"
#include "task/ns/pidns.h"
#include "task/sched/sched.h"

#define RLIMIT_NICE	 13
#define RLIMIT_RTPRIO	 14
#define SCHED_RESET_FLAG 0x40000000

s64 sys_sched_yield(void)
{
	sched_yield();
	return 0;
}

/* pid 0: the caller. With a reference. */
static struct task *target(int pid)
{
	struct task *t;

	if (pid < 0)
		return ERR_PTR(-EINVAL);
	if (pid)
		t = task_find_vpid(pid);
	else
		task_get(t = task_current());
	return t ? t : ERR_PTR(-ESRCH);
}

static bool same_owner(struct task *t)
{
	struct cred *c = task_cred_get(t);
	u32 euid = task_current()->cred->euid;
	bool same = euid == c->euid || euid == c->uid;

	cred_put(c);
	return same;
}

static bool is_rt(int policy)
{
	return policy == SCHED_FIFO || policy == SCHED_RR;
}

/* Rights and values as sched_setscheduler(2) says. */
static int set(struct task *t, struct sched_params *new)
{
	struct sched_params old;
	u64 nice_limit = task_rlimit(RLIMIT_NICE), rt_limit = task_rlimit(RLIMIT_RTPRIO);

	if (new->policy != SCHED_OTHER &&new->policy != SCHED_BATCH &&new->policy != SCHED_IDLE &&
	    !is_rt(new->policy))
		return -EINVAL;
	if (is_rt(new->policy) ? new->prio < 1 || new->prio > 99 : new->prio != 0)
		return -EINVAL;
	sched_get(t, &old);
	if (!capable(CAP_SYS_NICE)) {
		if (!same_owner(t))
			return -EPERM;
		if (is_rt(new->policy) && (new->policy != old.policy || new->prio > old.prio) &&
		    (u64) new->prio > rt_limit)
			return -EPERM;
		if (new->nice < old.nice && (u64)(20 - new->nice) > nice_limit)
			return -EPERM;
		if (old.policy == SCHED_IDLE && new->policy != SCHED_IDLE &&
		    (u64)(20 - old.nice) > nice_limit)
			return -EPERM;
		if (old.reset_on_fork && !new->reset_on_fork)
			return -EPERM;
	}
	sched_set(t, new);
	return 0;
}

/* policy -1: the one that it has. */
static s64 set_param(int pid, int policy, uaddr_t param)
{
	struct sched_params p;
	struct task *t;
	s32 prio;
	int err;

	if (!param)
		return -EINVAL;
	if (user_read(&prio, param, sizeof(prio)))
		return -EFAULT;
	t = target(pid);
	if (IS_ERR(t))
		return PTR_ERR(t);
	sched_get(t, &p);
	if (policy >= 0) {
		p.reset_on_fork = policy & SCHED_RESET_FLAG;
		p.policy = policy & ~SCHED_RESET_FLAG;
	}
	p.prio = prio;
	err = set(t, &p);
	task_put(t);
	return err;
}

s64 sys_sched_setscheduler(pid_a pid, int_a policy, uptr_a param)
{
	return policy < 0 ? -EINVAL : set_param(pid, policy, param);
}

s64 sys_sched_setparam(pid_a pid, uptr_a param)
{
	return set_param(pid, -1, param);
}

s64 sys_sched_getscheduler(pid_a pid)
{
	struct sched_params p;
	struct task *t = target(pid);

	if (IS_ERR(t))
		return PTR_ERR(t);
	sched_get(t, &p);
	task_put(t);
	return p.policy | (p.reset_on_fork ? SCHED_RESET_FLAG : 0);
}

s64 sys_sched_getparam(pid_a pid, uptr_a param)
{
	struct sched_params p;
	struct task *t;
	s32 prio;

	if (!param)
		return -EINVAL;
	t = target(pid);
	if (IS_ERR(t))
		return PTR_ERR(t);
	sched_get(t, &p);
	task_put(t);
	prio = p.prio;
	return user_write(param, &prio, sizeof(prio)) ? -EFAULT : 0;
}

s64 sys_sched_get_priority_max(int_a policy)
{
	return is_rt(policy) ? 99
	       : policy == SCHED_OTHER || policy == SCHED_BATCH || policy == SCHED_IDLE ||
			       policy == 6
		       ? 0
		       : -EINVAL;
}

s64 sys_sched_get_priority_min(int_a policy)
{
	s64 max = sys_sched_get_priority_max(policy);

	return max > 0 ? 1 : max;
}

s64 sys_sched_rr_get_interval(pid_a pid, uptr_a interval)
{
	struct task *t = target(pid);
	u64 ns;

	if (IS_ERR(t))
		return PTR_ERR(t);
	ns = sched_interval(t);
	task_put(t);
	return timespec_write(interval, ns);
}

s64 sys_sched_setaffinity(pid_a pid, uint_a len, uptr_a mask)
{
	struct task *t;
	u64 m = 0;
	int err;

	if (user_read(&m, mask, MIN(len, 8u)))
		return -EFAULT;
	t = pid < 0 ? ERR_PTR(-ESRCH) : target(pid);
	if (IS_ERR(t))
		return PTR_ERR(t);
	err = same_owner(t) || capable(CAP_SYS_NICE) ? sched_set_affinity(t, m) : -EPERM;
	task_put(t);
	if (!err && READ_ONCE(cpu_this()->need_resched))
		sched_resched();
	return err;
}

s64 sys_sched_getaffinity(pid_a pid, uint_a len, uptr_a mask)
{
	struct task *t;
	u64 m;

	if (len < 8 || len & 7)
		return -EINVAL;
	t = pid < 0 ? ERR_PTR(-ESRCH) : target(pid);
	if (IS_ERR(t))
		return PTR_ERR(t);
	m = sched_affinity(t);
	task_put(t);
	return user_write(mask, &m, sizeof(m)) ? -EFAULT : (s64)sizeof(m);
}

/* struct sched_attr, linux/sched/types.h */
struct abi_sched_attr {
	u32 size, policy;
	u64 flags;
	s32 nice;
	u32 priority;
	u64 runtime, deadline, period;
	u32 util_min, util_max;
};
_Static_assert(sizeof(struct abi_sched_attr) == 56, "sched_attr");

s64 sys_sched_setattr(pid_a pid, uptr_a attr, flags_a flags)
{
	struct abi_sched_attr a = { 0 };
	struct sched_params p;
	struct task *t;
	u32 size, want = 56;
	int err;

	if (!attr || pid < 0 || flags)
		return -EINVAL;
	if (user_read(&size, attr, sizeof(size)))
		return -EFAULT;
	if (!size)
		size = 48;
	if (size < 48 || size > PAGE_SIZE) {
		(void)user_write(attr, &want, sizeof(want));
		return -E2BIG;
	}
	if (user_read(&a, attr, MIN(size, 56u)))
		return -EFAULT;
	if (a.flags & ~0x7fULL)
		return -EINVAL;
	if (a.policy == 6) {
		klog_once(6, "%s: SCHED_DEADLINE is not supported", task_current()->comm);
		return -EINVAL;
	}
	t = target(pid);
	if (IS_ERR(t))
		return PTR_ERR(t);
	sched_get(t, &p);
	if (!(a.flags & 8)) /* SCHED_FLAG_KEEP_POLICY */
		p.policy = (int)a.policy;
	p.reset_on_fork = a.flags & 1;
	p.prio = (int)a.priority;
	if (!is_rt(p.policy))
		p.nice = a.nice < -20 ? -20 : a.nice > 19 ? 19 : a.nice;
	err = set(t, &p);
	task_put(t);
	return err;
}

s64 sys_sched_getattr(pid_a pid, uptr_a attr, uint_a size, flags_a flags)
{
	struct abi_sched_attr a = { 0 };
	struct sched_params p;
	struct task *t;

	if (!attr || size < 48 || size > PAGE_SIZE || flags)
		return -EINVAL;
	t = target(pid);
	if (IS_ERR(t))
		return PTR_ERR(t);
	sched_get(t, &p);
	task_put(t);
	a.size = MIN(size, 56u);
	a.policy = (u32)p.policy;
	a.flags = p.reset_on_fork;
	a.nice = is_rt(p.policy) ? 0 : p.nice;
	a.priority = (u32)p.prio;
	a.util_max = 1024;
	return user_write(attr, &a, a.size) ? -EFAULT : 0;
}
