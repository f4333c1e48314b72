/*
 * exit.c - what the end of a thread does to futex words: its robust list, PI futexes and clear_child_tid.
 *
 * The robust list is the application's memory and hostile: at most ROBUST_MAX entries are followed.
 */
#include "lib/err.h"
#include "task/futex/priv.h"

#define ROBUST_MAX 2048

struct robust_head {
	u64 next;
	s64 offset;
	u64 pending;
};

/* The word at addr: if t owns it, mark the owner dead and wake one waiter. */
static int handle_death(struct task *t, uaddr_t addr, bool pi, bool pending)
{
	u32 val, new, prev;

	if (addr & 3)
		return -1;
	if (user_read(&val, addr, sizeof(val)))
		return -1;
	/* Died between unlocking and waking: the waiter must not sleep on. */
	if (pending && !pi && !val) {
		futex_wake(addr, true, 1, FUTEX_BITSET_ANY);
		futex_wake(addr, false, 1, FUTEX_BITSET_ANY);
		return 0;
	}
	for (;;) {
		if ((val & FUTEX_TID_MASK) != (u32)t->nr)
			return 0;
		new = (val & FUTEX_WAITERS) | FUTEX_OWNER_DIED;
		if (user_cmpxchg32(addr, val, new, &prev))
			return -1;
		if (prev == val)
			break;
		val = prev;
	}
	if (!pi && val & FUTEX_WAITERS) {
		/* Whether its waiters used private or shared keys is not known here. */
		futex_wake(addr, true, 1, FUTEX_BITSET_ANY);
		futex_wake(addr, false, 1, FUTEX_BITSET_ANY);
	}
	return 0;
}

static void walk_robust_list(struct task *t)
{
	struct robust_head head;
	u64 entry, next, pending;
	int limit = ROBUST_MAX;

	if (user_read(&head, t->robust_list, sizeof(head)))
		return;
	pending = head.pending;
	entry = head.next;
	while ((entry & ~1ULL) != t->robust_list && limit--) {
		if (user_read(&next, entry & ~1ULL, sizeof(next)))
			next = 0;
		if ((entry & ~1ULL) != (pending & ~1ULL) &&
		    handle_death(t, (entry & ~1ULL) + (u64)head.offset, entry & 1, false))
			break;
		if (!next)
			break;
		entry = next;
	}
	if (pending)
		handle_death(t, (pending & ~1ULL) + (u64)head.offset, pending & 1, true);
}

void futex_exit(struct task *t)
{
	if (t->robust_list) {
		walk_robust_list(t);
		t->robust_list = 0;
	}
	futex_pi_exit(t);
}

void futex_clear_tid(struct task *t)
{
	uaddr_t addr = t->clear_child_tid;
	u32 zero = 0;

	t->clear_child_tid = 0;
	/* Nobody else can look: the write would only cost a fault. */
	if (!addr || !t->mm_shared || user_write(addr, &zero, sizeof(zero)))
		return;
	futex_wake(addr, true, 1, FUTEX_BITSET_ANY);
	futex_wake(addr, false, 1, FUTEX_BITSET_ANY);
}
