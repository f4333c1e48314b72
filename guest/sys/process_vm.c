/*
 * process_vm.c - another process's memory: process_vm_readv(2), process_vm_writev(2), process_madvise(2),
 * process_mrelease(2).
 *
 * Bytes go through one page of the Sentry, so neither address space is pinned. As on Linux a transfer may end early, and
 * at an element's border of the remote vector or within it.
 */
#include <linux/capability.h>

#include "fs/file.h"
#include "mm/mm.h"
#include "mm/slab.h"
#include "sys/fs_sys.h"
#include "sys/pidfd.h"
#include "task/info.h"
#include "task/ns/pidns.h"
#include "task/ptrace/ptrace.h"

#define FEW_SEGS 8 /* iov_import's vector on the stack */

static void iov_drop(struct iov *v, struct iov_seg *small)
{
	if (v->seg != small)
		kfree(v->seg);
}

/* The mm of a task that the caller may control, with a reference. ERR_PTR(-ESRCH, -EPERM). */
static struct mm *mm_of(int pid)
{
	struct task *t = task_find_vpid(pid);
	struct mm *mm;

	if (!t)
		return ERR_PTR(-ESRCH);
	if (!ptrace_may_access(t, PTRACE_ATTACH)) {
		task_put(t);
		return ERR_PTR(-EPERM);
	}
	mm = task_mm_get(t);
	task_put(t);
	return mm ? mm : ERR_PTR(-ESRCH);
}

static s64 transfer(struct mm *mm, struct iov *local, struct iov *remote, bool write, void *page)
{
	s64 done = 0, n = 0;
	u64 addr;
	size_t len;

	while (local->left && (len = iov_piece(remote, &addr, MIN(local->left, PAGE_SIZE)))) {
		/* Up to a page's end, so that what lies before a hole is moved. */
		len = MIN(len, PAGE_SIZE - (addr & (PAGE_SIZE - 1)));
		if (write) {
			size_t got = iov_from(local, page, len);

			n = got ? mm_poke(mm, addr, page, got, false) : -EFAULT;
			if (n > 0 && (size_t)n < got)
				iov_rewind(local, got - (size_t)n);
		} else {
			n = mm_peek_allowed(mm, addr, page, len);
			if (n > 0)
				n = (s64)iov_to(local, page, (size_t)n) ?: -EFAULT;
		}
		if (n <= 0)
			break;
		iov_advance(remote, (size_t)n);
		done += n;
	}
	return done ? done : n;
}

static s64 process_vm(int pid, uptr_a lvec, u64 liovcnt, uptr_a rvec, u64 riovcnt, u64 flags,
		      bool write)
{
	struct iov_seg lsmall[FEW_SEGS], rsmall[FEW_SEGS];
	struct iov local, remote;
	struct mm *mm;
	void *page;
	s64 ret;

	if (flags)
		return -EINVAL;
	ret = iov_import(&local, lsmall, lvec, liovcnt);
	if (ret)
		return ret;
	ret = local.left ? iov_import(&remote, rsmall, rvec, riovcnt) : 0;
	if (ret || !local.left) {
		iov_drop(&local, lsmall);
		return ret;
	}
	if (!remote.left)
		goto out;
	mm = mm_of(pid);
	if (IS_ERR(mm)) {
		ret = PTR_ERR(mm);
		goto out;
	}
	page = kmalloc(PAGE_SIZE);
	ret = page ? transfer(mm, &local, &remote, write, page) : -ENOMEM;
	kfree(page);
	mm_put(mm);
out:
	iov_drop(&local, lsmall);
	iov_drop(&remote, rsmall);
	return ret;
}

s64 sys_process_vm_readv(pid_a pid, uptr_a lvec, ulong_a liovcnt, uptr_a rvec, ulong_a riovcnt,
			 flags_a flags)
{
	return process_vm(pid, lvec, liovcnt, rvec, riovcnt, flags, false);
}

s64 sys_process_vm_writev(pid_a pid, uptr_a lvec, ulong_a liovcnt, uptr_a rvec, ulong_a riovcnt,
			  flags_a flags)
{
	return process_vm(pid, lvec, liovcnt, rvec, riovcnt, flags, true);
}

/* ---- by pidfd ---- */

/* A task of the process with a reference, whose mm may be looked at. ERR_PTR(-EBADF, -ESRCH). */
static struct task *task_of_pidfd(int fd)
{
	struct process *p = pidfd_process(fd);
	struct task *t;

	if (IS_ERR(p))
		return (void *)p;
	t = READ_ONCE(p->parent) ? task_find(p->pid) : NULL;
	process_put(p);
	return t ? t : ERR_PTR(-ESRCH);
}

static s64 advise(struct mm *mm, struct iov *v, int advice)
{
	size_t done = 0, n;
	s64 ret = 0;
	u64 addr;

	while (!ret && (n = iov_piece(v, &addr, v->left))) {
		ret = mm_madvise(mm, addr, n, advice);
		if (!ret)
			done += n;
		iov_advance(v, n);
	}
	return done ? (s64)done : ret;
}

s64 sys_process_madvise(fd_a pidfd, uptr_a vec, size_a vlen, int_a advice, flags_a flags)
{
	enum { MADV_WILLNEED = 3, MADV_COLD = 20, MADV_PAGEOUT = 21, MADV_COLLAPSE = 25 };
	struct iov_seg small[FEW_SEGS];
	struct task *t;
	struct mm *mm;
	struct iov v;
	s64 ret;

	if (flags)
		return -EINVAL;
	ret = iov_import(&v, small, vec, vlen);
	if (ret)
		return ret;
	t = task_of_pidfd(pidfd);
	if (IS_ERR(t)) {
		ret = PTR_ERR(t);
		goto out;
	}
	mm = task_mm_get(t);
	if (advice != MADV_WILLNEED && advice != MADV_COLD && advice != MADV_PAGEOUT &&
	    advice != MADV_COLLAPSE)
		ret = -EINVAL;
	else if (!mm)
		ret = -ESRCH;
	else if (!ptrace_may_access(t, PTRACE_READ | PTRACE_FSIDS))
		ret = -EACCES;
	else if (mm != task_current()->mm && !capable(CAP_SYS_NICE))
		ret = -EPERM;
	else
		ret = advise(mm, &v, advice);
	mm_put(mm);
	task_put(t);
out:
	iov_drop(&v, small);
	return ret;
}

/* The memory of a process that dies goes as soon as its threads have left it: there is nothing to speed up. */
s64 sys_process_mrelease(fd_a pidfd, flags_a flags)
{
	struct process *p;
	struct mm *mm;
	struct task *t;
	s64 ret = 0;

	if (flags)
		return -EINVAL;
	t = task_of_pidfd(pidfd);
	if (IS_ERR(t))
		return PTR_ERR(t);
	p = t->process;
	mm = task_mm_get(t);
	if (!mm)
		ret = -ESRCH;
	else if (!READ_ONCE(p->exiting) && !signal_fatal_pending(t))
		ret = -EINVAL;
	mm_put(mm);
	task_put(t);
	return ret;
}
