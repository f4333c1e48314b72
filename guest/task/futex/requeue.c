/*
 * requeue.c - moving waiters between words, and wake-up with an operation on a second word.
 */
#include "lib/err.h"
#include "task/futex/priv.h"

static int two_keys(uaddr_t a, uaddr_t b, bool shared, struct futex_key *ka, struct futex_key *kb)
{
	int err = futex_key_of(a, shared, ka);

	return err ? err : futex_key_of(b, shared, kb);
}

s64 futex_requeue_between(uaddr_t addr, bool shared, uaddr_t addr2, bool shared2, u32 wake,
			  u32 move, const u32 *cmp)
{
	struct futex_waiter *w, *next;
	struct futex_bucket *from, *to;
	struct futex_key k1, k2;
	s64 woken = 0, moved = 0;
	u32 seen;
	int err;

	if ((s32)wake < 0 || (s32)move < 0)
		return -EINVAL;
	err = futex_key_of(addr, shared, &k1) ?: futex_key_of(addr2, shared2, &k2);
	if (err)
		return err;
	/*
	 * Linux compares under the bucket's lock. Here the word is read before: who changes it in between wakes by
	 * himself, as he must, and a waiter on addr2 has the same duty to look at its word again.
	 */
	if (cmp) {
		if (user_read(&seen, addr, sizeof(seen)))
			return -EFAULT;
		if (seen != *cmp)
			return -EAGAIN;
	}
	from = futex_bucket(&k1);
	to = futex_bucket(&k2);
	futex_lock2(from, to);
	list_for_each_safe(w, next, &from->list, node) {
		if (!futex_key_equal(&w->key, &k1))
			continue;
		if (w->requeue_pi) {
			err = -EINVAL;
			break;
		}
		if (woken < wake) {
			futex_wake_waiter(w);
			woken++;
			continue;
		}
		if (moved >= move)
			break;
		moved++;
		if (futex_key_equal(&k1, &k2))
			continue;
		/* bucket is never NULL in between: that would mean woken. */
		list_del(&w->node);
		atomic_sub(&from->waiters, 1);
		w->key = k2;
		atomic_add(&to->waiters, 1);
		list_add_tail(&to->list, &w->node);
		atomic_store(&w->bucket, to);
	}
	futex_unlock2(from, to);
	return err ? err : woken + moved;
}

/* FUTEX_OP_*: the operation and comparison that futex(2) packs into one word. */
static int apply(uaddr_t addr, u32 code, bool *match)
{
	u32 op = code >> 28 & 7, cmp = code >> 24 & 15, old, new, prev;
	s32 arg = (s32)(code << 8) >> 20, cmparg = (s32)(code << 20) >> 20;
	u32 a;

	if (code >> 31) {
		if (arg < 0 || arg > 31)
			arg &= 31;
		arg = 1 << arg;
	}
	a = (u32)arg;
	if (user_read(&old, addr, sizeof(old)))
		return -EFAULT;
	for (;;) {
		switch (op) {
		case 0: new = a; break;
		case 1: new = old + a; break;
		case 2: new = old | a; break;
		case 3: new = old & ~a; break;
		case 4: new = old ^ a; break;
		default: return -ENOSYS;
		}
		if (user_cmpxchg32(addr, old, new, &prev))
			return -EFAULT;
		if (prev == old)
			break;
		old = prev;
	}
	switch (cmp) {
	case 0: *match = (s32)old == cmparg; return 0;
	case 1: *match = (s32)old != cmparg; return 0;
	case 2: *match = (s32)old < cmparg; return 0;
	case 3: *match = (s32)old <= cmparg; return 0;
	case 4: *match = (s32)old > cmparg; return 0;
	case 5: *match = (s32)old >= cmparg; return 0;
	default: return -ENOSYS;
	}
}

s64 futex_wake_op(uaddr_t addr, uaddr_t addr2, bool shared, u32 nr, u32 nr2, u32 op)
{
	struct futex_key k1, k2;
	bool match = false;
	s64 n, m = 0;
	int err;

	err = two_keys(addr, addr2, shared, &k1, &k2);
	if (!err)
		err = apply(addr2, op, &match);
	if (err)
		return err;
	n = futex_wake(addr, shared, nr, FUTEX_BITSET_ANY);
	if (n >= 0 && match)
		m = futex_wake(addr2, shared, nr2, FUTEX_BITSET_ANY);
	return m < 0 ? m : n < 0 ? n : n + m;
}
