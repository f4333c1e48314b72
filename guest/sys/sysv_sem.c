/*
 * sysv_sem.c - semget(2), semop(2), semtimedop(2), semctl(2): decoding; the work is ipc/sem's.
 */
#include "ipc/sem.h"
#include "mm/slab.h"
#include "sys/sys.h"
#include "sys/timespec.h"

#define FEW_OPS 8 /* on the stack */

s64 sys_semget(int_a key, int_a nsems, flags_a flags)
{
	return sem_get(ipc_ns_current(), key, nsems, flags);
}

/* timeout: relative, or NULL. */
static s64 operate(int id, uptr_a sops, u32 n, const struct timespec64 *timeout)
{
	struct abi_sembuf few[FEW_OPS], *ops = few;
	struct ipc_ns *ns = ipc_ns_current();
	u64 deadline = NO_DEADLINE;
	s64 ret = -EFAULT;

	if (n > ns->sem_opm)
		return -E2BIG;
	if (n < 1)
		return -EINVAL;
	if (n > FEW_OPS)
		ops = kmalloc(n * sizeof(*ops));
	if (!ops)
		return -ENOMEM;
	if (!user_read(ops, sops, n * sizeof(*ops))) {
		u64 ns_left = 0;

		ret = id < 0 || (timeout && timespec_ns(timeout, &ns_left)) ? -EINVAL : 0;
		if (timeout)
			deadline = deadline_after(ns_left);
		if (!ret)
			ret = sem_operate(ns, id, ops, n, deadline);
	}
	if (ops != few)
		kfree(ops);
	return ret;
}

s64 sys_semop(int_a id, uptr_a sops, uint_a nsops)
{
	return operate(id, sops, nsops, NULL);
}

s64 sys_semtimedop(int_a id, uptr_a sops, uint_a nsops, uptr_a timeout)
{
	struct timespec64 ts;

	if (timeout && user_read(&ts, timeout, sizeof(ts)))
		return -EFAULT;
	return operate(id, sops, nsops, timeout ? &ts : NULL);
}

/* GETALL and SETALL: arg is an array of as many values as the set has. */
static s64 all_values(struct ipc_ns *ns, int id, bool set, uptr_a arg)
{
	struct sem_set *s = sem_find(ns, id, set ? IPC_WRITE : IPC_READ);
	s64 ret = -ENOMEM;
	size_t n;
	u16 *vals;

	if (IS_ERR(s))
		return PTR_ERR(s);
	n = s->nsems * sizeof(*vals);
	vals = kmalloc(n);
	if (vals && set)
		ret = user_read(vals, arg, n) ? -EFAULT : sem_set_all(s, vals);
	else if (vals)
		ret = sem_get_all(s, vals) ?: user_write(arg, vals, n) ? -EFAULT : 0;
	kfree(vals);
	ipc_put(&s->perm);
	return ret;
}

s64 sys_semctl(int_a id, int_a num, int_a cmd, ulong_a arg)
{
	struct ipc_ns *ns = ipc_ns_current();
	struct abi_semid_ds ds;
	struct abi_seminfo info;
	s64 ret;

	if (id < 0)
		return -EINVAL;
	switch (cmd) {
	case IPC_INFO:
	case SEM_INFO:
		ret = sem_info(ns, cmd == SEM_INFO, &info);
		return user_write(arg, &info, sizeof(info)) ? -EFAULT : ret;
	case IPC_STAT:
	case SEM_STAT:
	case SEM_STAT_ANY:
		ret = sem_stat(ns, id, cmd, &ds);
		return ret >= 0 && user_write(arg, &ds, sizeof(ds)) ? -EFAULT : ret;
	case GETALL:
	case SETALL: return all_values(ns, id, cmd == SETALL, arg);
	case GETVAL:
	case GETPID:
	case GETNCNT:
	case GETZCNT: return sem_query(ns, id, num, cmd);
	case SETVAL: return sem_set_value(ns, id, num, (int)arg);
	case IPC_SET:
		if (user_read(&ds, arg, sizeof(ds)))
			return -EFAULT;
		return sem_set_owner(ns, id, &ds);
	case IPC_RMID: return sem_remove(ns, id);
	default: return -EINVAL;
	}
}
