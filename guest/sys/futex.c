/*
 * futex.c - futex(2), futex_waitv(2), the futex2 calls and robust lists: decoding only.
 */
#include "lib/err.h"
#include "mm/slab.h"
#include "sys/sys.h"
#include "sys/timespec.h"
#include "task/futex/futex.h"
#include "task/ns/pidns.h"
#include "task/ptrace/ptrace.h"
#include "task/task.h"
#include "task/time/clock.h"
#include "task/ns/timens.h"

enum {
	FUTEX_WAIT,
	FUTEX_WAKE,
	FUTEX_FD,
	FUTEX_REQUEUE,
	FUTEX_CMP_REQUEUE,
	FUTEX_WAKE_OP,
	FUTEX_LOCK_PI,
	FUTEX_UNLOCK_PI,
	FUTEX_TRYLOCK_PI,
	FUTEX_WAIT_BITSET,
	FUTEX_WAKE_BITSET,
	FUTEX_WAIT_REQUEUE_PI,
	FUTEX_CMP_REQUEUE_PI,
	FUTEX_LOCK_PI2,
};
#define FUTEX_PRIVATE	     128
#define FUTEX_CLOCK_REALTIME 256

#define FUTEX2_SIZE_MASK 3
#define FUTEX2_SIZE_U32	 2
#define FUTEX2_PRIVATE	 128

static s64 restart_wait(struct restart_block *r)
{
	s64 ret = futex_wait(r->arg[0], r->arg[1], (u32)r->arg[2], r->arg[3], (u32)r->arg[4]);

	return ret == -ERESTARTSYS ? -ERESTART_RESTARTBLOCK : ret;
}

static s64 wait(uaddr_t addr, bool shared, u32 val, u64 deadline, u32 bitset)
{
	struct restart_block *r = &task_current()->restart;
	s64 ret = futex_wait(addr, shared, val, deadline, bitset);

	if (ret != -ERESTARTSYS || deadline == NO_DEADLINE)
		return ret;
	/* A timeout must not begin again when no handler runs. */
	r->fn = restart_wait;
	r->arg[0] = addr;
	r->arg[1] = shared;
	r->arg[2] = val;
	r->arg[3] = deadline;
	r->arg[4] = bitset;
	return -ERESTART_RESTARTBLOCK;
}

s64 sys_futex(uptr_a addr, int_a op, uint_a val, uptr_a timeout, uptr_a addr2, uint_a val3)
{
	bool shared = !(op & FUTEX_PRIVATE), realtime = op & FUTEX_CLOCK_REALTIME;
	int cmd = op & ~(FUTEX_PRIVATE | FUTEX_CLOCK_REALTIME);
	u64 deadline = NO_DEADLINE;
	u32 nr2 = (u32)timeout;
	int err;

	if (realtime && cmd != FUTEX_WAIT_BITSET && cmd != FUTEX_WAIT_REQUEUE_PI &&
	    cmd != FUTEX_LOCK_PI2)
		return -ENOSYS;
	if (cmd == FUTEX_WAIT || cmd == FUTEX_WAIT_BITSET || cmd == FUTEX_LOCK_PI ||
	    cmd == FUTEX_LOCK_PI2 || cmd == FUTEX_WAIT_REQUEUE_PI) {
		err = cmd == FUTEX_WAIT ? timeout_read(timeout, &deadline)
					: timeout_read_absolute(timeout,
								realtime || cmd == FUTEX_LOCK_PI
									? CLOCK_REALTIME
									: CLOCK_MONOTONIC,
								&deadline);
		if (err)
			return err;
	}
	switch (cmd) {
	case FUTEX_WAIT: return wait(addr, shared, val, deadline, FUTEX_BITSET_ANY);
	case FUTEX_WAIT_BITSET: return wait(addr, shared, val, deadline, val3);
	case FUTEX_WAKE: return futex_wake(addr, shared, val, FUTEX_BITSET_ANY);
	case FUTEX_WAKE_BITSET: return futex_wake(addr, shared, val, val3);
	case FUTEX_REQUEUE: return futex_requeue(addr, addr2, shared, val, nr2, NULL);
	case FUTEX_CMP_REQUEUE: return futex_requeue(addr, addr2, shared, val, nr2, &val3);
	case FUTEX_WAKE_OP: return futex_wake_op(addr, addr2, shared, val, nr2, val3);
	case FUTEX_LOCK_PI:
	case FUTEX_LOCK_PI2: return futex_lock_pi(addr, shared, deadline, false);
	case FUTEX_TRYLOCK_PI: return futex_lock_pi(addr, shared, NO_DEADLINE, true);
	case FUTEX_UNLOCK_PI: return futex_unlock_pi(addr, shared);
	case FUTEX_WAIT_REQUEUE_PI:
		return futex_wait_requeue_pi(addr, shared, val, deadline, val3, addr2);
	case FUTEX_CMP_REQUEUE_PI: return futex_cmp_requeue_pi(addr, addr2, shared, val, nr2, val3);
	default: return -ENOSYS;
	}
}

/* struct futex_waitv, linux/futex.h */
struct abi_waitv {
	u64 val, addr;
	u32 flags, reserved;
};

#define WAITV_MAX 128

s64 sys_futex_waitv(uptr_a waiters, uint_a nr, flags_a flags, uptr_a timeout, int_a clock)
{
	struct futex_vector *v;
	struct abi_waitv a;
	u64 deadline;
	s64 ret = 0;
	u32 i;

	if (flags || !nr || nr > WAITV_MAX || !waiters)
		return -EINVAL;
	if (timeout && clock != CLOCK_REALTIME && clock != CLOCK_MONOTONIC)
		return -EINVAL;
	ret = timeout_read_absolute(timeout, clock, &deadline);
	if (ret)
		return ret;
	v = kmalloc(nr * sizeof(*v));
	if (!v)
		return -ENOMEM;
	for (i = 0; i < nr && !ret; i++) {
		if (user_read(&a, waiters + i * sizeof(a), sizeof(a)))
			ret = -EFAULT;
		else if (a.flags & ~(u32)(FUTEX2_SIZE_MASK | FUTEX2_PRIVATE) || a.reserved ||
			 (a.flags & FUTEX2_SIZE_MASK) != FUTEX2_SIZE_U32 || a.val >> 32)
			ret = -EINVAL;
		v[i] = (struct futex_vector){ a.addr, (u32)a.val, !(a.flags & FUTEX2_PRIVATE) };
	}
	if (!ret)
		ret = futex_wait_multiple(v, nr, deadline);
	kfree(v);
	return ret;
}

static bool futex2_flags_valid(u32 flags)
{
	return !(flags & ~(u32)(FUTEX2_SIZE_MASK | FUTEX2_PRIVATE)) &&
	       (flags & FUTEX2_SIZE_MASK) == FUTEX2_SIZE_U32;
}

s64 sys_futex_wake(uptr_a addr, ulong_a mask, int_a nr, flags_a flags)
{
	if (!futex2_flags_valid(flags) || mask >> 32)
		return -EINVAL;
	if (nr <= 0)
		return 0;
	return futex_wake(addr, !(flags & FUTEX2_PRIVATE), (u32)nr, (u32)mask);
}

s64 sys_futex_wait(uptr_a addr, ulong_a val, ulong_a mask, flags_a flags, uptr_a timeout,
		   int_a clock)
{
	u64 deadline;
	int err;

	if (!futex2_flags_valid(flags) || mask >> 32 || val >> 32)
		return -EINVAL;
	if (timeout && clock != CLOCK_REALTIME && clock != CLOCK_MONOTONIC)
		return -EINVAL;
	err = timeout_read_absolute(timeout, clock, &deadline);
	if (err)
		return err;
	return futex_wait(addr, !(flags & FUTEX2_PRIVATE), (u32)val, deadline, (u32)mask);
}

s64 sys_set_robust_list(uptr_a head, size_a len)
{
	if (len != 24)
		return -EINVAL;
	task_current()->robust_list = head;
	return 0;
}

s64 sys_get_robust_list(int_a pid, uptr_a head, uptr_a len)
{
	struct task *t = pid ? task_find_vpid(pid) : task_current();
	u64 list, size = 24;
	bool ok;

	if (!t)
		return -ESRCH;
	ok = ptrace_may_access(t, PTRACE_READ);
	list = t->robust_list;
	if (pid)
		task_put(t);
	if (!ok)
		return -EPERM;
	return user_write(len, &size, 8) || user_write(head, &list, 8) ? -EFAULT : 0;
}
