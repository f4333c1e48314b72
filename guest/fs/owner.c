/*
 * owner.c - see owner.h. Who chose the owner may be another by the time of a signal: its user numbers are kept with the choice,
 * and decide (fcntl(2), "F_SETOWN").
 */
#include "fs/owner.h"

#include "fs/landlock/landlock.h"
#include "lib/err.h"
#include "task/info.h"
#include "task/ns/pidns.h"
#include "task/task.h"

static void same_group(struct process *p, void *arg)
{
	if (p->pgid == -*(int *)arg)
		*(int *)arg = 1;
}

static bool exists(int type, int pid)
{
	struct process *p;
	struct task *t;
	int found = -pid;

	switch (type) {
	case OWNER_PGRP: process_for_each(same_group, &found); return found == 1;
	case OWNER_TID:
		t = task_find(pid);
		if (t)
			task_put(t);
		return t;
	default:
		p = process_find(pid);
		if (p)
			process_put(p);
		return p;
	}
}

int file_owner_set(struct file *f, int type, int nr)
{
	const struct cred *c = task_current()->cred;
	int pid = nr > 0 ? pid_from_vnr(nr) : 0;

	if (nr && (!pid || !exists(type, pid)))
		return -ESRCH;
	/* Nobody, while it is neither the old one nor the new one. */
	WRITE_ONCE(f->owner.pid, 0);
	f->owner.type = type;
	f->owner.uid = c->uid;
	f->owner.euid = c->euid;
	atomic_store(&f->owner.pid, pid);
	return 0;
}

int file_owner_get(const struct file *f)
{
	int nr = pid_vnr(f->owner.pid);

	return f->owner.type == OWNER_PGRP ? -nr : nr;
}

struct sending {
	const struct file_owner *o;
	const struct cred *opener;
	int signo;
	const struct siginfo *info;
};

/* task_lock held. */
static bool permitted(const struct sending *s, const struct process *to)
{
	const struct file_owner *o = s->o;
	const struct cred *c = to->leader ? to->leader->cred : NULL;

	if (!c || (s->opener && s->opener->landlock &&
		   landlock_scoped(s->opener->landlock, c->landlock, LANDLOCK_SCOPE_SIGNAL)))
		return false;
	return !o->euid || o->euid == c->suid || o->euid == c->uid || o->uid == c->suid ||
	       o->uid == c->uid;
}

static void to_member(struct process *p, void *arg)
{
	const struct sending *s = arg;

	if (p->pgid == s->o->pid && permitted(s, p))
		signal_process(p, s->signo, s->info);
}

static bool may_reach(const struct sending *s, const struct process *p)
{
	bool ok;

	spin_lock(&task_lock);
	ok = permitted(s, p);
	spin_unlock(&task_lock);
	return ok;
}

void file_owner_signal(const struct file_owner *o, const struct cred *opener, int signo,
		       const struct siginfo *info)
{
	struct sending s = { o, opener, signo, info };
	struct process *p;
	struct task *t;

	if (!o->pid)
		return;
	switch (o->type) {
	case OWNER_TID:
		t = task_find(o->pid);
		if (t && may_reach(&s, t->process))
			signal_task(t, signo, info);
		if (t)
			task_put(t);
		break;
	case OWNER_PID:
		p = process_find(o->pid);
		if (p && may_reach(&s, p))
			signal_process(p, signo, info);
		if (p)
			process_put(p);
		break;
	default: process_for_each(to_member, &s);
	}
}

void file_owner_io(const struct file_owner *o, const struct cred *opener, int code, u32 band)
{
	int signo = o->sig ? o->sig : SIGIO;
	struct siginfo si = {
		.signo = signo,
		.code = code,
		.poll = { .band = band, .fd = o->fd },
	};

	file_owner_signal(o, opener, signo, o->sig ? &si : NULL);
}
