/*
 * task.c - system calls that make, end and wait for tasks.
 */
#include <linux/capability.h>

#include "fs/cgroup/cgroupfs.h"
#include "lib/err.h"
#include "sys/abi_task.h"
#include "sys/pidfd.h"
#include "sys/sys.h"
#include "task/cgroup/cgroup.h"
#include "task/ns/pidns.h"
#include "task/reap.h"
#include "task/task.h"

#define CSIGNAL		    0xffULL
#define CLONE_VM	    0x100ULL
#define CLONE_VFORK	    0x4000ULL
#define CLONE_PIDFD	    0x1000ULL
#define CLONE_PARENT_SETTID 0x100000ULL
#define CLONE_THREAD	    0x10000ULL
#define CLONE_INTO_CGROUP   0x200000000ULL

s64 sys_clone(ulong_a flags, addr_a stack, uptr_a parent_tid, uptr_a child_tid, ulong_a tls)
{
	struct clone_request r = {
		.flags = (u32)flags & ~CSIGNAL,
		.exit_signal = (int)(flags & CSIGNAL),
		.stack = stack,
		.parent_tid = parent_tid,
		.pidfd = parent_tid,
		.child_tid = child_tid,
		.tls = tls,
	};

	if ((flags & (CLONE_PIDFD | CLONE_PARENT_SETTID)) == (CLONE_PIDFD | CLONE_PARENT_SETTID))
		return -EINVAL;
	if (r.exit_signal > NSIG)
		return -EINVAL;
	return task_clone(&r);
}

s64 sys_fork(void)
{
	struct clone_request r = { .exit_signal = SIGCHLD };

	return task_clone(&r);
}

s64 sys_vfork(void)
{
	struct clone_request r = { .exit_signal = SIGCHLD, .flags = CLONE_VM | CLONE_VFORK };

	return task_clone(&r);
}

/* struct clone_args, linux/sched.h */
struct clone_args {
	u64 flags, pidfd, child_tid, parent_tid, exit_signal, stack, stack_size, tls;
	u64 set_tid, set_tid_size, cgroup;
};
_Static_assert(sizeof(struct clone_args) == 88, "clone_args");

/* The child is to be in the group whose directory fd is open on. A thread cannot leave its process's. */
static s64 clone_into(struct clone_request *r, u64 fd, size_t size)
{
	struct cgroup *g;
	s64 ret = -EOPNOTSUPP;

	if (fd > 0x7fffffff || size < sizeof(struct clone_args))
		return -EINVAL;
	g = cgroupfs_for_child((int)fd);
	if (IS_ERR(g))
		return PTR_ERR(g);
	r->cgroup = g;
	if (!(r->flags & CLONE_THREAD) || g == task_current()->process->cgroup)
		ret = task_clone(r);
	cgroup_put(g);
	return ret;
}

s64 sys_clone3(uptr_a args, size_a size)
{
	struct clone_args a = { 0 };
	struct clone_request r = { 0 };
	u64 known = 0x3ffffff00ULL | 0x80; /* CLONE_NEWTIME is 0x80, inside of CSIGNAL */
	int set_tid[PID_NS_DEEP];
	int err;
	u64 i;

	if (size < 64)
		return -EINVAL;
	err = user_read_struct(&a, sizeof(a), args, size);
	if (err)
		return err;
	if (a.flags & ~known || a.flags & 0x400000 /* CLONE_DETACHED */)
		return -EINVAL;
	if (a.stack_size > USER_END || a.stack > USER_END - a.stack_size)
		return -EINVAL;
	if (a.exit_signal > NSIG || (!a.stack) != (!a.stack_size) ||
	    (a.flags & 0x18000 /* CLONE_THREAD, CLONE_PARENT */ && a.exit_signal))
		return -EINVAL;
	if (a.set_tid_size > PID_NS_DEEP || (!a.set_tid) != (!a.set_tid_size))
		return -EINVAL;
	if (a.set_tid_size) {
		if (user_read(set_tid, a.set_tid, sizeof(int) * a.set_tid_size))
			return -EFAULT;
		for (i = 0; i < a.set_tid_size; i++)
			if (set_tid[i] < 1)
				return -EINVAL;
		if (!capable(CAP_CHECKPOINT_RESTORE) && !capable(CAP_SYS_ADMIN))
			return -EPERM;
	}
	r.flags = a.flags;
	r.exit_signal = (int)a.exit_signal;
	r.stack = a.stack;
	r.stack_size = a.stack_size;
	r.tls = a.tls;
	r.parent_tid = a.parent_tid;
	r.child_tid = a.child_tid;
	r.pidfd = a.pidfd;
	r.set_tid = set_tid;
	r.nr_set_tid = (unsigned)a.set_tid_size;
	return a.flags & CLONE_INTO_CGROUP ? clone_into(&r, a.cgroup, size) : task_clone(&r);
}

s64 sys_exit(int_a status)
{
	task_exit((status & 0xff) << 8);
}

s64 sys_exit_group(int_a status)
{
	task_exit_group((status & 0xff) << 8);
}

s64 sys_set_tid_address(uptr_a ptr)
{
	struct task *t = task_current();

	t->clear_child_tid = ptr;
	return t->nr;
}

s64 sys_unshare(ulong_a flags)
{
	return task_unshare(flags);
}

/* ---- wait ---- */

static int put_rusage(uaddr_t dst, const struct wait_result *w)
{
	struct abi_rusage r = { 0 };

	r.utime = timeval_of(w->utime);
	r.stime = timeval_of(w->stime);
	r.maxrss = (s64)(w->maxrss / 1024);
	r.minflt = (s64)w->minflt;
	r.majflt = (s64)w->majflt;
	r.nvcsw = (s64)w->nvcsw;
	r.nivcsw = (s64)w->nivcsw;
	return user_write(dst, &r, sizeof(r)) ? -EFAULT : 0;
}

s64 sys_wait4(pid_a pid, uptr_a status, flags_a options, uptr_a rusage)
{
	struct wait_request w = { .options = options | W_EXITED };
	struct wait_result r;
	int ret;

	if (options & ~(W_NOHANG | W_STOPPED | W_CONTINUED | W_NOTHREAD | W_CLONE | W_ALL))
		return -EINVAL;
	if (pid == (s32)0x80000000)
		return -ESRCH;
	if (pid == -1) {
		w.type = WAIT_ANY;
	} else if (pid > 0) {
		w.type = WAIT_PID;
		w.id = pid_from_vnr(pid);
	} else {
		w.type = WAIT_PGID;
		w.id = pid ? pid_from_vnr(-pid) : task_current()->process->pgid;
	}
	ret = process_wait(&w, &r);
	if (ret <= 0)
		return ret;
	if (status && user_write(status, &r.wstatus, sizeof(r.wstatus)))
		return -EFAULT;
	if (rusage && put_rusage(rusage, &r))
		return -EFAULT;
	return r.pid;
}

static int waitid_target(struct wait_request *w, int type, int id)
{
	switch (type) {
	case 0: /* P_ALL */ w->type = WAIT_ANY; return 0;
	case 1: /* P_PID */
		w->type = WAIT_PID;
		w->id = id > 0 ? pid_from_vnr(id) : 0;
		return id > 0 ? 0 : -EINVAL;
	case 2: /* P_PGID */
		w->type = WAIT_PGID;
		w->id = id > 0 ? pid_from_vnr(id) : task_current()->process->pgid;
		return id >= 0 ? 0 : -EINVAL;
	case 3: { /* P_PIDFD */
		int pid = id < 0 ? -EINVAL : pidfd_pid(id);

		w->type = WAIT_PID;
		w->id = pid;
		return pid < 0 ? pid : 0;
	}
	default: return -EINVAL;
	}
}

s64 sys_waitid(int_a type, pid_a id, uptr_a info, flags_a options, uptr_a rusage)
{
	struct wait_request w = { .options = options };
	struct wait_result r = { 0 };
	struct siginfo si = { 0 };
	bool nonblock;
	int ret;

	if (options & ~(W_NOHANG | W_NOWAIT | W_EXITED | W_STOPPED | W_CONTINUED | W_NOTHREAD |
			W_CLONE | W_ALL) ||
	    !(options & (W_EXITED | W_STOPPED | W_CONTINUED)))
		return -EINVAL;
	ret = waitid_target(&w, type, id);
	if (ret)
		return ret;
	nonblock = type == 3 && !(options & W_NOHANG) && pidfd_nonblock(id);
	if (nonblock)
		w.options |= W_NOHANG;
	ret = process_wait(&w, &r);
	if (ret < 0)
		return ret;
	if (!ret && nonblock)
		return -EAGAIN;
	if (ret) {
		si.signo = SIGCHLD;
		si.code = r.code;
		si.chld.pid = r.pid;
		si.chld.uid = r.uid;
		si.chld.status = r.status;
		if (rusage && put_rusage(rusage, &r))
			return -EFAULT;
	}
	/* Linux writes the fields that it fills only; the union's times are not among them. */
	if (info && user_write(info, &si, 32))
		return -EFAULT;
	return 0;
}
