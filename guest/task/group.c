/*
 * group.c - process groups and sessions: numbers in struct process, under task_lock.
 */
#include "lib/err.h"
#include "task/group.h"
#include "task/private.h"

int process_ppid(struct process *p)
{
	int pid;

	spin_lock(&task_lock);
	pid = p->parent ? p->parent->pid : 0; /* the kernel's own process has number 0 */
	spin_unlock(&task_lock);
	return pid;
}

/* task_lock held. */
static struct process *by_pid(int pid)
{
	struct task *t;

	if (!pid)
		return task_current()->process;
	t = pid_task(pid);
	return t ? t->process : NULL;
}

int process_getpgid(int pid)
{
	struct process *p;
	int ret = -ESRCH;

	spin_lock(&task_lock);
	p = by_pid(pid);
	if (p)
		ret = p->pgid;
	spin_unlock(&task_lock);
	return ret;
}

int process_getsid(int pid)
{
	struct process *p;
	int ret = -ESRCH;

	spin_lock(&task_lock);
	p = by_pid(pid);
	if (p)
		ret = p->sid;
	spin_unlock(&task_lock);
	return ret;
}

static void move_group(struct process *p, int pgid)
{
	pid_drop(p->pgid);
	p->pgid = pgid;
	pid_hold(pgid);
}

/* Is there a group of this number in this session? */
static bool group_in_session(int pgid, int sid)
{
	struct process *p;

	list_for_each(p, &all_processes, all_node)
		if (p->pgid == pgid && p->sid == sid)
			return true;
	return false;
}

static int setpgid_locked(int pid, int pgid)
{
	struct process *self = task_current()->process, *p;

	p = by_pid(pid);
	if (!p || p->pid != (pid ? pid : self->pid))
		return -ESRCH;
	if (!pgid)
		pgid = p->pid;
	if (p != self) {
		if (p->parent != self)
			return -ESRCH;
		if (p->sid != self->sid)
			return -EPERM;
		if (p->did_exec)
			return -EACCES;
	}
	if (p->pid == p->sid)
		return -EPERM;
	if (pgid != p->pid && !group_in_session(pgid, self->sid))
		return -EPERM;
	if (pgid != p->pgid)
		move_group(p, pgid);
	return 0;
}

int process_setpgid(int pid, int pgid)
{
	int err;

	if (!pgid && pid)
		pgid = pid;
	if (pgid < 0)
		return -EINVAL;
	spin_lock(&task_lock);
	err = setpgid_locked(pid, pgid);
	spin_unlock(&task_lock);
	return err;
}

int process_setsid(void)
{
	struct process *p = task_current()->process, *q;
	int err = 0;

	spin_lock(&task_lock);
	list_for_each(q, &all_processes, all_node)
		if (q->pgid == p->pid)
			err = -EPERM;
	if (!err) {
		move_group(p, p->pid);
		pid_drop(p->sid);
		p->sid = p->pid;
		pid_hold(p->sid);
		p->ctty = NULL;
	}
	spin_unlock(&task_lock);
	return err ? err : p->pid;
}
