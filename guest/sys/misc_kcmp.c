/*
 * misc_kcmp.c - kcmp(2): do two tasks share a thing? The order is that of scrambled addresses.
 */
#include "fs/anon/epoll.h"
#include "lib/err.h"
#include "lib/random.h"
#include "sys/sys.h"
#include "task/ns/pidns.h"
#include "task/ptrace/ptrace.h"

enum {
	KCMP_FILE,
	KCMP_VM,
	KCMP_FILES,
	KCMP_FS,
	KCMP_SIGHAND,
	KCMP_IO,
	KCMP_SYSVSEM,
	KCMP_EPOLL_TFD,
};

static u64 scramble(const void *p)
{
	static u64 key;

	if (!key)
		key = random_u64() | 1;
	return (u64)(uintptr_t)p * key ^ key;
}

static s64 order(const void *a, const void *b)
{
	u64 x = scramble(a), y = scramble(b);

	return x == y ? 0 : x < y ? 1 : 2;
}

/* Referenced, or ERR_PTR(-EBADF). */
static struct file *file_of(struct task *t, u64 fd)
{
	struct fdtable *files = fdtable_of(t);
	struct file *f = files && fd < 1 << 20 ? fdtable_file(files, (int)fd) : NULL;

	if (files)
		fdtable_put(files);
	return f ?: ERR_PTR(-EBADF);
}

static void put(struct file *f)
{
	if (!IS_ERR(f))
		file_put(f);
}

static s64 compare_files(struct task *a, struct task *b, u64 fa, u64 fb)
{
	struct file *x = file_of(a, fa), *y = file_of(b, fb);
	s64 ret = IS_ERR(x) ? PTR_ERR(x) : IS_ERR(y) ? PTR_ERR(y) : order(x, y);

	put(x);
	put(y);
	return ret;
}

/* What b's epoll file has registered, b's descriptor for which may be closed. */
static struct file *target_of(struct task *b, uaddr_t arg)
{
	struct {
		u32 efd, tfd, toff;
	} slot;
	struct file *ep, *f;

	if (user_read(&slot, arg, sizeof(slot)))
		return ERR_PTR(-EFAULT);
	ep = file_of(b, slot.efd);
	if (IS_ERR(ep))
		return ep;
	f = is_epoll(ep) ? epoll_target(ep, (int)slot.tfd, slot.toff) : ERR_PTR(-EINVAL);
	file_put(ep);
	return f;
}

static s64 compare_target(struct task *a, struct task *b, u64 fa, uaddr_t slot)
{
	struct file *x = file_of(a, fa), *y = IS_ERR(x) ? ERR_PTR(-EBADF) : target_of(b, slot);
	s64 ret = IS_ERR(y) ? PTR_ERR(y) : order(x, y);

	put(x);
	put(y);
	return ret;
}

static s64 compare(struct task *a, struct task *b, int type, u64 i1, u64 i2)
{
	switch (type) {
	case KCMP_FILE: return compare_files(a, b, i1, i2);
	case KCMP_VM: return order(a->mm, b->mm);
	case KCMP_FILES: return order(a->files, b->files);
	case KCMP_FS: return order(a->fs, b->fs);
	case KCMP_SIGHAND: return order(a->process->sighand, b->process->sighand);
	case KCMP_IO: return order(a, b); /* there are none: nothing is shared */
	case KCMP_SYSVSEM: return order(a->sysvsem, b->sysvsem);
	case KCMP_EPOLL_TFD: return compare_target(a, b, i1, i2);
	default: return -EINVAL;
	}
}

s64 sys_kcmp(pid_a pid1, pid_a pid2, int_a type, ulong_a idx1, ulong_a idx2)
{
	struct task *a = task_find_vpid(pid1), *b = task_find_vpid(pid2);
	s64 ret = -ESRCH;

	if (a && b)
		ret = ptrace_may_access(a, PTRACE_READ) && ptrace_may_access(b, PTRACE_READ)
			      ? compare(a, b, type, idx1, idx2)
			      : -EPERM;
	task_put(a);
	task_put(b);
	return ret;
}
