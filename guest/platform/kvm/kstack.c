/*
 * kstack.c - kernel stacks: 16 KiB below which 16 KiB are never mapped, in the address range KVM_KVA_BASE.
 *
 * Freed stacks stay mapped and are used again, last freed first: taking one away would need a shootdown of global
 * translations on every CPU. The pool is as large as the most threads that ever lived at once. Lock: kstack_lock.
 */
#include "lib/log.h"
#include "lib/spinlock.h"
#include "platform/kvm/kvm.h"

#define SLOT_SIZE (2 * KSTACK_SIZE)

static struct spinlock kstack_lock = SPINLOCK_INIT;
static u64 next_slot = KVM_KVA_BASE;
static void *free_top; /* each free stack's topmost word points to the next one */

static void **link_of(void *top)
{
	return (void **)top - 1;
}

static bool stack_map(u64 base)
{
	u64 off, flags;
	paddr_t pa;

	for (off = 0; off < KSTACK_SIZE; off += PAGE_SIZE) {
		/* Of an attempt that ran out of memory half way. */
		if (pt_lookup(&kernel_pt, base + off, &pa, &flags))
			continue;
		pa = kvm_page_alloc(NULL);
		if (!pa || pt_map(&kernel_pt, base + off, PAGE_SIZE, pa,
				  PTE_W | PTE_NX | PTE_G | PTE_A | PTE_D) < 0)
			return false;
	}
	return true;
}

void *kstack_alloc(void)
{
	void *top;

	spin_lock(&kstack_lock);
	top = free_top;
	if (top) {
		free_top = *link_of(top);
	} else if (next_slot < KVM_KVA_BASE + (1ULL << 38) && stack_map(next_slot + KSTACK_SIZE)) {
		next_slot += SLOT_SIZE;
		top = (void *)next_slot;
	}
	spin_unlock(&kstack_lock);
	return top;
}

void kstack_free(void *top)
{
	spin_lock(&kstack_lock);
	*link_of(top) = free_top;
	free_top = top;
	spin_unlock(&kstack_lock);
}
