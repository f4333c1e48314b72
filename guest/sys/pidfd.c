/*
 * pidfd.c - descriptors of processes and threads: pidfd_open(2), pidfd_send_signal(2), pidfd_getfd(2), CLONE_PIDFD.
 *
 * The file holds a reference of the process or thread, not its number, so it never names another one later. It is readable
 * for poll when that has ended, and hung up when it was waited for. A directory /proc/PID serves for sending signals alone.
 */
#include "fs/file.h"
#include "fs/poll_bits.h"
#include "fs/procfs.h"
#include "fs/seq.h"
#include "fs/vfs.h"
#include "mm/slab.h"
#include "sys/pidfd.h"
#include "sys/signal_send.h"
#include "sys/sys.h"
#include "task/ns/pidns.h"
#include "task/ptrace/ptrace.h"

#define PIDFD_NONBLOCK 04000
#define PIDFD_THREAD   0200

#define PIDFD_SIGNAL_THREAD	   1u
#define PIDFD_SIGNAL_THREAD_GROUP  2u
#define PIDFD_SIGNAL_PROCESS_GROUP 4u

struct pidfd {
	struct process *p;
	struct task *t; /* PIDFD_THREAD: of p; else NULL */
};

static bool thread_ended(const struct task *t)
{
	u32 state = READ_ONCE(t->state);

	return state == TASK_ZOMBIE || state == TASK_DEAD;
}

static bool reaped(const struct pidfd *d)
{
	return !READ_ONCE(d->p->parent) || (d->t && READ_ONCE(d->t->state) == TASK_DEAD);
}

static u32 pidfd_poll(struct file *f, struct poll_table *pt)
{
	struct pidfd *d = f->priv;

	poll_wait(f, &d->p->exit_wait, pt);
	if (d->t)
		poll_wait(f, &d->p->thread_wait, pt);
	if (reaped(d))
		return POLL_READABLE | POLLHUP;
	return (d->t ? thread_ended(d->t) : READ_ONCE(d->p->zombie)) ? POLL_READABLE : 0;
}

static void pidfd_release(struct file *f)
{
	struct pidfd *d = f->priv;

	task_put(d->t);
	process_put(d->p);
	kfree(d);
}

static void pidfd_fdinfo(struct file *f, struct seq *s)
{
	struct pidfd *d = f->priv;
	int pid = reaped(d) ? -1 : pid_vnr(d->t ? d->t->tid : d->p->pid);

	seq_printf(s, "Pid:\t%d\nNSpid:\t%d\n", pid, pid);
}

static const struct file_ops pidfd_ops = {
	.name = "[pidfd]",
	.poll = pidfd_poll,
	.release = pidfd_release,
	.show_fdinfo = pidfd_fdinfo,
};

/* t NULL: the whole process. */
static struct file *create(struct process *p, struct task *t, u32 flags)
{
	struct pidfd *d = kzalloc(sizeof(*d));
	struct file *f;

	if (!d)
		return ERR_PTR(-ENOMEM);
	f = file_alloc_anon(&pidfd_ops, O_RDWR | flags, d);
	if (IS_ERR(f)) {
		kfree(d);
		return f;
	}
	ref_get(&p->ref);
	d->p = p;
	if (t)
		task_get(t);
	d->t = t;
	return f;
}

int pidfd_prepare(struct process *p, struct file **f)
{
	int fd = p ? fd_reserve(true) : -ESRCH;

	if (fd < 0)
		return fd;
	*f = create(p, NULL, 0);
	if (!IS_ERR(*f))
		return fd;
	fd_cancel(fd);
	return (int)PTR_ERR(*f);
}

/* The file with a reference; -EBADF. */
static struct file *get_pidfd(int fd)
{
	struct file *f = fd_get(fd);

	if (IS_ERR(f) || f->ops == &pidfd_ops)
		return f;
	file_put(f);
	return ERR_PTR(-EBADF);
}

struct process *pidfd_process(int fd)
{
	struct file *f = get_pidfd(fd);
	struct process *p;

	if (IS_ERR(f))
		return (void *)f;
	p = ((struct pidfd *)f->priv)->p;
	ref_get(&p->ref);
	file_put(f);
	return p;
}

int pidfd_pid(int fd)
{
	struct process *p = pidfd_process(fd);
	int pid;

	if (IS_ERR(p))
		return (int)PTR_ERR(p);
	pid = p->pid;
	process_put(p);
	return pid;
}

bool pidfd_nonblock(int fd)
{
	struct file *f = get_pidfd(fd);
	bool nonblock = !IS_ERR(f) && f->flags & PIDFD_NONBLOCK;

	if (!IS_ERR(f))
		file_put(f);
	return nonblock;
}

s64 sys_pidfd_open(pid_a pid, flags_a flags)
{
	struct task *t;
	s64 fd = -EINVAL;

	if (flags & ~(u32)(PIDFD_NONBLOCK | PIDFD_THREAD) || pid <= 0)
		return -EINVAL;
	t = task_find_vpid(pid);
	if (!t)
		return -ESRCH;
	if (flags & PIDFD_THREAD)
		fd = fd_install_new(create(t->process, t, flags), true);
	else if (t->process->leader == t)
		fd = fd_install_new(create(t->process, NULL, flags), true);
	task_put(t);
	return fd;
}

/* ---- signals ---- */

/* What the caller says about the signal, or what the kernel does. */
static int signal_info(struct siginfo *info, int sig, uptr_a from, bool to_self)
{
	struct task *self = task_current();

	if (!from) {
		*info = (struct siginfo){ .signo = sig };
		info->kill.pid = self->process->pid;
		info->kill.uid = self->cred->uid;
		return 0;
	}
	if (user_read(info, from, sizeof(*info)))
		return -EFAULT;
	if (info->signo != sig)
		return -EINVAL;
	return !to_self && (info->code >= 0 || info->code == SI_TKILL) ? -EPERM : 0;
}

/* The thread that it names, with a reference; NULL: reaped. */
static struct task *thread_of(const struct pidfd *d)
{
	if (!d->t)
		return process_leader(d->p);
	task_get(d->t);
	return d->t;
}

static s64 send(const struct pidfd *d, u32 scope, int sig, const struct siginfo *info)
{
	struct task *t;
	int err;

	if (sig < 0 || sig > NSIG)
		return -EINVAL;
	if (scope == PIDFD_SIGNAL_PROCESS_GROUP)
		return kill_group(d->p->pid, sig, info);
	if (!signal_may_send(d->p, sig))
		return -EPERM;
	if (!sig)
		return 0;
	if (scope == PIDFD_SIGNAL_THREAD) {
		t = thread_of(d);
		err = t ? signal_task(t, sig, info) : -ESRCH;
		task_put(t);
		return err;
	}
	return signal_process(d->p, sig, info);
}

static s64 send_checked(const struct pidfd *d, u32 scope, int sig, uptr_a uinfo)
{
	struct siginfo info;
	bool self = d->p == task_current()->process && (!d->t || d->t == task_current()) &&
		    scope != PIDFD_SIGNAL_PROCESS_GROUP;
	s64 err = signal_info(&info, sig, uinfo, self);

	if (!err && reaped(d) && scope != PIDFD_SIGNAL_PROCESS_GROUP)
		err = -ESRCH;
	return err ? err : send(d, scope, sig, &info);
}

s64 sys_pidfd_send_signal(fd_a pidfd, sig_a sig, uptr_a uinfo, flags_a flags)
{
	struct pidfd of_dir = {};
	struct pidfd *d = &of_dir;
	struct file *f;
	s64 err;

	if (flags > PIDFD_SIGNAL_PROCESS_GROUP || flags & (flags - 1))
		return -EINVAL;
	f = fd_get(pidfd);
	if (IS_ERR(f))
		return PTR_ERR(f);
	if (f->ops == &pidfd_ops) {
		d = f->priv;
	} else {
		of_dir.p = proc_dir_process(f);
		if (IS_ERR(of_dir.p)) {
			file_put(f);
			return PTR_ERR(of_dir.p);
		}
	}
	if (!flags)
		flags = d->t ? PIDFD_SIGNAL_THREAD : PIDFD_SIGNAL_THREAD_GROUP;
	err = send_checked(d, flags, sig, uinfo);
	if (of_dir.p)
		process_put(of_dir.p);
	file_put(f);
	return err;
}

/* ---- descriptors of others ---- */

s64 sys_pidfd_getfd(fd_a pidfd, fd_a fd, flags_a flags)
{
	struct file *f = NULL, *pf;
	struct pidfd *d;
	struct task *t;
	s64 ret = -EPERM;

	if (flags)
		return -EINVAL;
	pf = get_pidfd(pidfd);
	if (IS_ERR(pf))
		return PTR_ERR(pf);
	d = pf->priv;
	t = reaped(d) ? NULL : thread_of(d);
	if (!t) {
		file_put(pf);
		return -ESRCH;
	}
	if (ptrace_may_access(t, PTRACE_ATTACH)) {
		struct fdtable *files = fdtable_of(t);

		ret = files ? -EBADF : -ESRCH;
		if (files) {
			f = fdtable_file(files, fd);
			fdtable_put(files);
		}
		if (f && !IS_ERR(f))
			ret = fd_install_new(f, true);
	}
	task_put(t);
	file_put(pf);
	return ret;
}
