/*
 * futex_requeue.c - futex_requeue(2) of the futex2 family: two words, each with flags of its own.
 */
#include "lib/err.h"
#include "sys/sys.h"
#include "task/futex/futex.h"

#define FUTEX2_SIZE_U32	 2u
#define FUTEX2_SIZE_MASK 3u
#define FUTEX2_PRIVATE	 128u

s64 sys_futex_requeue(uptr_a waiters, flags_a flags, int_a nr_wake, int_a nr_requeue)
{
	struct {
		u64 val, addr;
		u32 flags, reserved;
	} w[2];
	u32 cmp;

	if (flags || !waiters)
		return -EINVAL;
	if (user_read(w, waiters, sizeof(w)))
		return -EFAULT;
	for (int i = 0; i < 2; i++)
		if (w[i].flags & ~(FUTEX2_SIZE_MASK | FUTEX2_PRIVATE) || w[i].reserved ||
		    (w[i].flags & FUTEX2_SIZE_MASK) != FUTEX2_SIZE_U32 || w[i].val >> 32)
			return -EINVAL;
	cmp = (u32)w[0].val;
	return futex_requeue_between(w[0].addr, !(w[0].flags & FUTEX2_PRIVATE), w[1].addr,
				     !(w[1].flags & FUTEX2_PRIVATE), (u32)nr_wake, (u32)nr_requeue,
				     &cmp);
}
