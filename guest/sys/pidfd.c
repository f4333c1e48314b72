/*
 * pidfd.c - descriptors of processes: pidfd_open(2), pidfd_send_signal(2), pidfd_getfd(2), CLONE_PIDFD.
 *
 * The file holds a reference of the process, not its number, so it never names another process later. It is readable
 * for poll when the process is a zombie or gone. Threads other than the leader have none (as Linux before 6.9).
 */
#include <string.h>

#include "fs/file.h"
#include "fs/vfs.h"
#include "lib/err.h"
#include "sys/pidfd.h"
#include "sys/sys.h"
#include "task/task.h"

#define O_RDWR_BITS    2
#define O_NONBLOCK_BIT 04000
#define POLL_IN	       1
#define CAP_SYS_PTRACE 19

static u32 pidfd_poll(struct file *f, struct poll_table *pt)
{
	struct process *p = f->priv;

	poll_wait(f, &p->exit_wait, pt);
	return READ_ONCE(p->zombie) ? POLL_IN : 0;
}

static void pidfd_release(struct file *f)
{
	process_put(f->priv);
}

static void pidfd_fdinfo(struct file *f, struct seq *s)
{
	struct process *p = f->priv;

	seq_printf(s, "Pid:\t%d\nNSpid:\t%d\n", p->parent ? p->pid : -1, p->parent ? p->pid : -1);
}

static const struct file_ops pidfd_ops = {
	.name = "[pidfd]",
	.poll = pidfd_poll,
	.release = pidfd_release,
	.show_fdinfo = pidfd_fdinfo,
};

int pidfd_create(struct process *p, u32 flags)
{
	struct file *f;
	int fd;

	ref_get(&p->ref);
	f = file_alloc_anon(&pidfd_ops, O_RDWR_BITS | flags, p);
	if (IS_ERR(f)) {
		process_put(p);
		return PTR_ERR(f);
	}
	fd = fd_install(f, 0, true);
	if (fd < 0)
		file_put(f);
	return fd;
}

int pidfd_create_plain(struct process *p)
{
	return pidfd_create(p, 0);
}

/* With a reference; -EBADF. */
static struct process *process_of(int fd)
{
	struct file *f = fd_get(fd);
	struct process *p = ERR_PTR(-EBADF);

	if (IS_ERR(f))
		return ERR_PTR(PTR_ERR(f));
	if (f->ops == &pidfd_ops) {
		p = f->priv;
		ref_get(&p->ref);
	}
	file_put(f);
	return p;
}

int pidfd_pid(int fd)
{
	struct process *p = process_of(fd);
	int pid;

	if (IS_ERR(p))
		return PTR_ERR(p);
	pid = p->pid;
	process_put(p);
	return pid;
}

s64 sys_pidfd_open(pid_a pid, flags_a flags)
{
	struct process *p;
	s64 fd;

	if (flags & ~(u32)O_NONBLOCK_BIT || pid <= 0)
		return -EINVAL;
	p = process_find(pid);
	if (!p) {
		struct task *t = task_find(pid);

		task_put(t);
		return t ? -EINVAL : -ESRCH;
	}
	fd = pidfd_create(p, flags);
	process_put(p);
	return fd;
}

s64 sys_pidfd_send_signal(fd_a pidfd, sig_a sig, uptr_a uinfo, flags_a flags)
{
	struct task *self = task_current();
	struct siginfo info = { 0 };
	struct process *p;
	s64 err = 0;

	if (flags)
		return -EINVAL;
	p = process_of(pidfd);
	if (IS_ERR(p))
		return PTR_ERR(p);
	if (sig < 0 || sig > NSIG) {
		err = -EINVAL;
	} else if (uinfo) {
		if (user_read(&info, uinfo, sizeof(info)))
			err = -EFAULT;
		else if (info.signo != sig)
			err = -EINVAL;
		else if (p != self->process && (info.code >= 0 || info.code == SI_TKILL))
			err = -EPERM;
	} else {
		info.signo = sig;
		info.kill.pid = self->process->pid;
		info.kill.uid = self->cred->uid;
	}
	if (!err && !READ_ONCE(p->parent)) /* reaped */
		err = -ESRCH;
	if (!err && !signal_may_send(p, sig))
		err = -EPERM;
	if (!err && sig)
		err = signal_process(p, sig, &info);
	process_put(p);
	return err;
}

s64 sys_pidfd_getfd(fd_a pidfd, fd_a fd, flags_a flags)
{
	const struct cred *c = task_current()->cred, *o;
	struct process *p;
	struct file *f = NULL;
	struct task *t;
	s64 ret = -EPERM;

	if (flags)
		return -EINVAL;
	p = process_of(pidfd);
	if (IS_ERR(p))
		return PTR_ERR(p);
	t = task_find(p->pid);
	if (!t || t->process != p) {
		ret = -ESRCH;
		goto out;
	}
	o = t->cred;
	if (p != task_current()->process && !capable(CAP_SYS_PTRACE) &&
	    !(c->uid == o->uid && c->uid == o->euid && c->uid == o->suid && c->gid == o->gid &&
	      p->dumpable))
		goto out;
	ret = -EBADF;
	if (t->files)
		f = fdtable_file(t->files, fd);
	if (!f || IS_ERR(f))
		goto out;
	ret = fd_install(f, 0, true);
	if (ret < 0)
		file_put(f);
out:
	task_put(t);
	process_put(p);
	return ret;
}
