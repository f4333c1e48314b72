/*
 * access.c - who may look into a task or control it: Linux's __ptrace_may_access, with landlock as its only
 * security module (without Yama: relation between the two does not matter).
 */
#include <linux/capability.h>

#include "fs/landlock/landlock.h"
#include "task/info.h"
#include "task/private.h"
#include "task/ptrace/ptrace.h"
#include "task/ns/userns.h"

bool ptrace_may_access(struct task *t, unsigned mode)
{
	const struct cred *c = task_current()->cred;
	u32 uid = mode & PTRACE_FSIDS ? c->fsuid : c->uid;
	u32 gid = mode & PTRACE_FSIDS ? c->fsgid : c->gid;
	u64 caps = mode & PTRACE_FSIDS ? c->cap_effective : c->cap_permitted;
	struct cred *tc;
	bool same, dumpable, inside;

	if (t->process == task_current()->process)
		return true;
	tc = task_cred_get(t);
	if (ns_capable(cred_user_ns(tc), CAP_SYS_PTRACE)) {
		inside = landlock_inside(tc->landlock, c->landlock);
		cred_put(tc);
		return inside;
	}
	same = c->user_ns == tc->user_ns && uid == tc->euid && uid == tc->suid && uid == tc->uid &&
	       gid == tc->egid && gid == tc->sgid && gid == tc->gid && !(tc->cap_permitted & ~caps);
	dumpable = !t->mm || t->process->dumpable;
	inside = landlock_inside(tc->landlock, c->landlock);
	cred_put(tc);
	return same && dumpable && inside;
}

bool ptrace_unsafe_exec(void)
{
	struct task *t = task_current();
	struct tracee *tr;
	bool unsafe;

	if (likely(!t->ptrace))
		return false;
	spin_lock(&task_lock);
	tr = ptrace_of(t);
	unsafe = tr && !(tr->cred->cap_effective >> CAP_SYS_PTRACE & 1);
	spin_unlock(&task_lock);
	return unsafe;
}
