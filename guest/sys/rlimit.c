/*
 * rlimit.c - limits and usage.
 */
#include <linux/capability.h>

#include "lib/err.h"
#include "sys/abi_task.h"
#include "sys/sys.h"
#include "mm/mm.h"
#include "task/time/itimer.h"
#include "task/info.h"
#include "task/ns/pidns.h"
#include "task/task.h"

#define RLIMIT_NOFILE 7
#define NR_OPEN	      1048576

static int change(struct process *p, unsigned resource, const struct rlimit *new,
		  struct rlimit *old)
{
	int err = 0;

	if (resource >= RLIM_NLIMITS)
		return -EINVAL;
	if (new &&new->cur > new->max)
		return -EINVAL;
	if (new &&resource == RLIMIT_NOFILE &&new->max > NR_OPEN)
		return -EPERM;
	spin_lock(&p->sig_lock);
	if (old)
		*old = p->rlim[resource];
	if (new) {
		if (new->max > p->rlim[resource].max && !capable(CAP_SYS_RESOURCE))
			err = -EPERM;
		else
			p->rlim[resource] = *new;
	}
	spin_unlock(&p->sig_lock);
	if (new && !err && resource == 0) /* RLIMIT_CPU */
		itimers_cpu_limit(p);
	return err;
}

/* Are all ids of t's process the caller's own? */
static bool is_own(struct task *t)
{
	const struct cred *c = task_current()->cred;
	struct cred *o = task_cred_get(t);
	bool own = c->uid == o->euid && c->uid == o->suid && c->uid == o->uid &&
		   c->gid == o->egid && c->gid == o->sgid && c->gid == o->gid;

	cred_put(o);
	return own;
}

s64 sys_prlimit64(pid_a pid, uint_a resource, uptr_a new, uptr_a old)
{
	struct process *self = task_current()->process, *p = self;
	struct rlimit n, was;
	int err = 0;

	if (new &&user_read(&n, new, sizeof(n)))
		return -EFAULT;
	if (pid && pid != self->pid) {
		struct task *t = task_find_vpid(pid);

		if (!t)
			return -ESRCH;
		p = t->process;
		ref_get(&p->ref);
		if (p != self && !capable(CAP_SYS_RESOURCE) && !is_own(t))
			err = -EPERM;
		task_put(t);
		if (err)
			goto put;
	}
	err = change(p, resource, new ? &n : NULL, old ? &was : NULL);
	if (!err && old && user_write(old, &was, sizeof(was)))
		err = -EFAULT;
put:
	if (p != self || (pid && pid != self->pid))
		process_put(p);
	return err;
}

s64 sys_getrlimit(uint_a resource, uptr_a rlim)
{
	return sys_prlimit64(0, resource, 0, rlim);
}

s64 sys_setrlimit(uint_a resource, uptr_a rlim)
{
	struct rlimit n;

	if (user_read(&n, rlim, sizeof(n)))
		return -EFAULT;
	return change(task_current()->process, resource, &n, NULL);
}

static void fill_self(struct abi_rusage *r, struct process *p)
{
	struct mm_counters c;
	struct task *t;
	u64 u, s;

	process_times(p, &u, &s);
	r->utime = timeval_of(u);
	r->stime = timeval_of(s);
	spin_lock(&p->sig_lock);
	r->minflt = (s64)p->minflt;
	r->majflt = (s64)p->majflt;
	r->nvcsw = (s64)p->nvcsw;
	r->nivcsw = (s64)p->nivcsw;
	list_for_each(t, &p->threads, thread_node) {
		r->minflt += (s64)t->minflt;
		r->majflt += (s64)t->majflt;
		r->nvcsw += (s64)t->nvcsw;
		r->nivcsw += (s64)t->nivcsw;
	}
	spin_unlock(&p->sig_lock);
	mm_counters(task_current()->mm, &c);
	r->maxrss =
		(s64)(MAX(p->maxrss, MAX(c.hiwater_rss, c.rss_anon + c.rss_file + c.rss_shmem)) /
		      1024);
}

s64 sys_getrusage(int_a who, uptr_a usage)
{
	struct task *t = task_current();
	struct process *p = t->process;
	struct abi_rusage r = { 0 };
	u64 u, s;

	switch (who) {
	case 0: /* RUSAGE_SELF */ fill_self(&r, p); break;
	case -1: /* RUSAGE_CHILDREN */
		r.utime = timeval_of(p->cutime);
		r.stime = timeval_of(p->cstime);
		r.minflt = (s64)p->cminflt;
		r.majflt = (s64)p->cmajflt;
		r.maxrss = (s64)(p->cmaxrss / 1024);
		break;
	case 1: /* RUSAGE_THREAD */
		task_times(t, &u, &s);
		fill_self(&r, p);
		r.utime = timeval_of(u);
		r.stime = timeval_of(s);
		r.minflt = (s64)t->minflt;
		r.majflt = (s64)t->majflt;
		r.nvcsw = (s64)t->nvcsw;
		r.nivcsw = (s64)t->nivcsw;
		break;
	default: return -EINVAL;
	}
	return user_write(usage, &r, sizeof(r)) ? -EFAULT : 0;
}

s64 sys_times(uptr_a buf)
{
	struct process *p = task_current()->process;
	s64 v[4];
	u64 u, s;

	process_times(p, &u, &s);
	v[0] = (s64)(u / 10000000);
	v[1] = (s64)(s / 10000000);
	v[2] = (s64)(p->cutime / 10000000);
	v[3] = (s64)(p->cstime / 10000000);
	if (buf && user_write(buf, v, sizeof(v)))
		return -EFAULT;
	return (s64)(clock_mono() / 10000000);
}
