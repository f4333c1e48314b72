/*
 * access.c - another address space's memory (ptrace, /proc/PID/mem, exec's argument pages), and futex identities.
 *
 * A page is faulted in and copied through the direct map in one hold of mm->lock, so nothing needs to be pinned.
 */
#include "mm/priv.h"
#include <string.h>

/* The frame behind va, good for the access, and the byte in it. Under mm->lock. -EFAULT, -ENOMEM. */
static int page_for(struct mm *mm, uaddr_t va, bool write, bool force, void **ptr)
{
	struct fault_error e;
	struct vma *v;
	paddr_t pa;
	bool writable;
	unsigned prot;
	u64 entry;
	int err;

	/* A private page that is there already needs no translation for a copy through the direct map. */
	v = vma_at(mm, va);
	entry = v && force && !vma_shared(v) ? anon_lookup(mm, va) : 0;
	if (entry && (!write || anon_exclusive(entry))) {
		*ptr = paddr_to_ptr((entry & AE_ADDR) + (va & (PAGE_SIZE - 1)));
		return 0;
	}
	err = fault_locked(mm, va, write ? ACCESS_WRITE : ACCESS_READ, force, &e);
	if (err) /* -EAGAIN: only the owner waits for its monitor */
		return err == -EAGAIN ? -EFAULT : err;
	v = vma_at(mm, va);
	entry = v && !vma_shared(v) ? anon_lookup(mm, va) : 0;
	if (entry) {
		pa = entry & AE_ADDR;
	} else if (v && v->pc) {
		err = pagecache_fault(v->pc, vma_index(v, va), write, vma_index(v, va), 1, &pa,
				      &writable);
		if (err)
			return err == -ENOMEM ? err : -EFAULT;
	} else if (!pmap_lookup(mm->pmap, va, &pa, &prot)) {
		return -EFAULT;
	}
	pa = ALIGN_DOWN(pa, PAGE_SIZE) + (va & (PAGE_SIZE - 1));
	*ptr = paddr_to_ptr(pa);
	return 0;
}

static s64 access_mm(struct mm *mm, uaddr_t addr, void *buf, size_t n, bool write, bool force)
{
	unsigned tries = 0;
	size_t done = 0;
	int err = 0;

	while (done < n) {
		uaddr_t va = addr + done;
		size_t len = MIN(PAGE_SIZE - (va & (PAGE_SIZE - 1)), n - done);
		void *p;

		if (va < addr || va >= USER_END)
			err = -EFAULT;
		if (err)
			break;
		mutex_lock(&mm->lock);
		err = page_for(mm, va, write, force, &p);
		if (!err && write)
			memcpy(p, (char *)buf + done, len);
		else if (!err && copy_mapped((char *)buf + done, p, len))
			err = -EFAULT;
		mutex_unlock(&mm->lock);
		if (err == -ENOMEM) {
			err = mm_out_of_memory(1, &tries);
			continue;
		}
		if (!err)
			done += len;
	}
	return done ? (s64)done : err;
}

s64 mm_peek(struct mm *mm, uaddr_t addr, void *buf, size_t n)
{
	return access_mm(mm, addr, buf, n, false, true);
}

s64 mm_peek_allowed(struct mm *mm, uaddr_t addr, void *buf, size_t n)
{
	return access_mm(mm, addr, buf, n, false, false);
}

s64 mm_poke(struct mm *mm, uaddr_t addr, const void *buf, size_t n, bool force)
{
	return access_mm(mm, addr, (void *)buf, n, true, force);
}

int mm_futex_key(struct mm *mm, uaddr_t addr, bool shared, struct futex_key *key)
{
	struct vma *v;
	int err = 0;

	if (addr >= USER_END)
		return -EFAULT;
	key->object = mm;
	key->offset = addr;
	if (!shared)
		return 0; /* as on Linux, the word is not looked at */
	mutex_lock(&mm->lock);
	v = vma_at(mm, addr);
	if (!v || !(v->prot & PROT_RWX)) {
		err = -EFAULT;
	} else if (vma_shared(v)) {
		key->object = v->pc;
		key->offset = v->off + (addr - v->start);
	}
	mutex_unlock(&mm->lock);
	return err;
}
