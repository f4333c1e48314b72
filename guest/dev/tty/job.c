/*
 * job.c - job control: controlling terminals, sessions, the foreground process group. credentials(7), tty_ioctl(4).
 *
 * sid and pgid of a tty and ctty of processes change under task_lock. Signals go out after it is dropped.
 */
#include <linux/capability.h>

#include "dev/tty/tty.h"
#include "fs/abi.h"
#include "lib/err.h"
#include "platform/platform.h"
#include "task/ns/pidns.h"
#include "task/task.h"

int tty_job_control(struct tty *t, int signo)
{
	struct process *p = task_current()->process;
	int pgid;

	if (p->ctty != t || !t->pgid || t->pgid == p->pgid)
		return 0;
	if (signal_ignored(task_current(), signo))
		return signo == SIGTTIN ? -EIO : 0;
	pgid = p->pgid;
	if (signal_pgrp_orphaned(pgid))
		return -EIO;
	signal_pgrp(pgid, signo, NULL);
	return -ERESTARTSYS;
}

void tty_signal_foreground(struct tty *t, int signo)
{
	int pgid = READ_ONCE(t->pgid);

	if (pgid)
		signal_pgrp(pgid, signo, NULL);
}

/* ---- looking at all processes ---- */

struct scan {
	struct tty *tty;
	int sid, pgid, found_sid;
};

static void find_group(struct process *p, void *arg)
{
	struct scan *s = arg;

	if (p->pgid == s->pgid)
		s->found_sid = p->sid;
}

/* The session of a process group, 0 if there is no such group. */
static int session_of_group(int pgid)
{
	struct scan s = { .pgid = pgid };

	process_for_each(find_group, &s);
	return s.found_sid;
}

static void clear_ctty(struct process *p, void *arg)
{
	struct scan *s = arg;

	if (p->ctty == s->tty)
		p->ctty = NULL;
}

void tty_forget(struct tty *t)
{
	struct scan s = { .tty = t };

	process_for_each(clear_ctty, &s);
}

struct tty *tty_controlling(void)
{
	struct tty *t;

	spin_lock(&task_lock);
	t = task_current()->process->ctty;
	if (t && !ref_tryget(&t->ref))
		t = NULL;
	spin_unlock(&task_lock);
	return t;
}

/* ---- gaining and losing the terminal ---- */

static int set_ctty(struct tty *t, bool steal)
{
	struct process *p = task_current()->process;
	int ret = 0;

	spin_lock(&task_lock);
	if (p->pid != p->sid || (p->ctty && p->ctty != t))
		ret = -EPERM;
	else if (t->sid && t->sid != p->sid && !steal)
		ret = -EPERM;
	spin_unlock(&task_lock);
	if (ret)
		return ret;
	if (t->sid && t->sid != p->sid)
		tty_forget(t);
	spin_lock(&task_lock);
	t->sid = p->sid;
	t->pgid = p->pgid;
	p->ctty = t;
	spin_unlock(&task_lock);
	return 0;
}

void tty_open_ctty(struct tty *t)
{
	struct process *p = task_current()->process;

	if (p->pid == p->sid && !p->ctty && !t->sid)
		set_ctty(t, false);
}

static void drop_session(struct tty *t)
{
	tty_forget(t);
	spin_lock(&task_lock);
	t->sid = t->pgid = 0;
	spin_unlock(&task_lock);
}

void tty_disassociate(struct process *p)
{
	struct tty *t;
	int pgid = 0;

	spin_lock(&task_lock);
	t = p->ctty;
	if (t && !ref_tryget(&t->ref))
		t = NULL;
	if (t)
		pgid = t->pgid;
	spin_unlock(&task_lock);
	if (!t) {
		pgid = p->tty_old_pgrp;
		p->tty_old_pgrp = 0;
		if (pgid) {
			signal_pgrp(pgid, SIGHUP, NULL);
			signal_pgrp(pgid, SIGCONT, NULL);
		}
		return;
	}
	drop_session(t);
	if (pgid) {
		signal_pgrp(pgid, SIGHUP, NULL);
		signal_pgrp(pgid, SIGCONT, NULL);
	}
	tty_put(t);
}

void tty_hangup(struct tty *t)
{
	int pgid = READ_ONCE(t->pgid), sid = READ_ONCE(t->sid);
	struct process *leader = sid ? process_find(sid) : NULL;

	if (leader) {
		signal_process(leader, SIGHUP, NULL);
		signal_process(leader, SIGCONT, NULL);
		leader->tty_old_pgrp = pgid;
		process_put(leader);
	}
	drop_session(t);
}

/* ---- ioctls ---- */

static int set_foreground(struct tty *t, uaddr_t arg)
{
	struct process *p = task_current()->process;
	s32 pgid;
	int err = tty_job_control(t, SIGTTOU), sid;

	if (err == -EIO)
		return -ENOTTY;
	if (err)
		return err;
	if (p->ctty != t || t->sid != p->sid)
		return -ENOTTY;
	if (user_read(&pgid, arg, sizeof(pgid)))
		return -EFAULT;
	if (pgid < 0)
		return -EINVAL;
	pgid = pid_from_vnr(pgid);
	sid = session_of_group(pgid);
	if (!sid)
		return -ESRCH;
	if (sid != p->sid)
		return -EPERM;
	spin_lock(&task_lock);
	t->pgid = pgid;
	spin_unlock(&task_lock);
	return 0;
}

static int give_up(struct tty *t)
{
	struct process *p = task_current()->process;

	if (p->ctty != t)
		return -ENOTTY;
	if (p->pid == p->sid) {
		tty_disassociate(p);
	} else {
		spin_lock(&task_lock);
		p->ctty = NULL;
		spin_unlock(&task_lock);
	}
	return 0;
}

static s64 put_int(uaddr_t arg, s32 v)
{
	return user_write(arg, &v, sizeof(v)) ? -EFAULT : 0;
}

s64 tty_job_ioctl(struct tty *t, unsigned cmd, u64 arg, bool readable)
{
	bool mine = task_current()->process->ctty == t;

	switch (cmd) {
	case TIOCSCTTY:
		if (!readable && !capable(CAP_SYS_ADMIN))
			return -EPERM;
		return set_ctty(t, arg == 1 && capable(CAP_SYS_ADMIN));
	case TIOCNOTTY: return give_up(t);
	case TIOCGPGRP: return mine ? put_int(arg, pid_vnr(t->pgid)) : -ENOTTY;
	case TIOCSPGRP: return set_foreground(t, arg);
	case TIOCGSID: return mine && t->sid ? put_int(arg, pid_vnr(t->sid)) : -ENOTTY;
	default: return -ENOIOCTLCMD;
	}
}
