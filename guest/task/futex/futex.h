/*
 * futex.h - fast user-space locks: the object side of futex(2).
 *
 * Addresses are of the current task and 4-aligned (-EINVAL else). Results: see futex(2). A deadline is clock_mono() ns
 * or NO_DEADLINE. `shared`: the word is looked up by its memory object, else by (address space, address).
 */
#ifndef MOAT_TASK_FUTEX_H
#define MOAT_TASK_FUTEX_H

#include "lib/types.h"

#define FUTEX_BITSET_ANY 0xffffffffu
#define FUTEX_TID_MASK	 0x3fffffffu
#define FUTEX_OWNER_DIED 0x40000000u
#define FUTEX_WAITERS	 0x80000000u

/* 0, -EAGAIN (the word is not val), -EFAULT, -ETIMEDOUT, -ERESTARTSYS. */
s64 futex_wait(uaddr_t addr, bool shared, u32 val, u64 deadline, u32 bitset);
/* Number woken. */
s64 futex_wake(uaddr_t addr, bool shared, u32 nr, u32 bitset);
/* FUTEX_REQUEUE (cmp NULL) and FUTEX_CMP_REQUEUE: -EAGAIN if *addr is not *cmp. Woken plus moved. */
s64 futex_requeue_between(uaddr_t addr, bool shared, uaddr_t addr2, bool shared2, u32 wake,
			  u32 move, const u32 *cmp);
static inline s64 futex_requeue(uaddr_t addr, uaddr_t addr2, bool shared, u32 wake, u32 move,
				const u32 *cmp)
{
	return futex_requeue_between(addr, shared, addr2, shared, wake, move, cmp);
}
s64 futex_wake_op(uaddr_t addr, uaddr_t addr2, bool shared, u32 nr, u32 nr2, u32 op);

struct futex_vector {
	uaddr_t addr;
	u32 val;
	bool shared;
};
/* The index of the one that was woken. */
s64 futex_wait_multiple(const struct futex_vector *v, unsigned n, u64 deadline);

/* Priority inheritance: the owner's number is in the word. The owner is not boosted; the order is by priority. */
s64 futex_lock_pi(uaddr_t addr, bool shared, u64 deadline, bool try);
s64 futex_unlock_pi(uaddr_t addr, bool shared);
s64 futex_wait_requeue_pi(uaddr_t addr, bool shared, u32 val, u64 deadline, u32 bitset,
			  uaddr_t addr2);
s64 futex_cmp_requeue_pi(uaddr_t addr, uaddr_t addr2, bool shared, u32 wake, u32 move, u32 cmp);

#endif
