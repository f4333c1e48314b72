/*
 * misc_kcmp.c - kcmp(2): do two tasks share a thing? The order is that of scrambled addresses.
 */
#include "fs/file.h"
#include "lib/err.h"
#include "lib/random.h"
#include "sys/sys.h"
#include "task/ns/pidns.h"
#include "task/ptrace/ptrace.h"

enum { KCMP_FILE, KCMP_VM, KCMP_FILES, KCMP_FS, KCMP_SIGHAND, KCMP_IO, KCMP_SYSVSEM, KCMP_TYPES };

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

static s64 compare_files(struct task *a, struct task *b, u64 fa, u64 fb)
{
	struct file *x = NULL, *y = NULL;
	s64 ret = -EBADF;

	if (a->files && b->files && fa < 1 << 20 && fb < 1 << 20) {
		x = fdtable_file(a->files, (int)fa);
		y = fdtable_file(b->files, (int)fb);
	}
	if (x && y && !IS_ERR(x) && !IS_ERR(y))
		ret = order(x, y);
	if (x && !IS_ERR(x))
		file_put(x);
	if (y && !IS_ERR(y))
		file_put(y);
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
