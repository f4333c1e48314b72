/*
 * fault.c - page faults: find the area, check the access, grow the stack, and hand over to the page's kind.
 *
 * One fault is one pmap_commit. Memory running out is handled outside every lock: reclaim first, then the OOM killer,
 * then the fault is tried again, so an application that takes all memory dies and the sandbox does not.
 *
 * Lock: mm->lock for the whole of a fault. A page of a file that must be read first is read without it: the fault then starts
 * anew, as everything may have changed meanwhile. Cost besides the page's kind: one mutex, one tree walk or the cached area; for
 * a file one more look at its page cache.
 */
#include "lib/log.h"
#include "mm/dax.h"
#include "mm/priv.h"
#include <string.h>

#define SIGBUS_	    7
#define SIGSEGV_    11
#define SEGV_MAPERR 1
#define SEGV_ACCERR 2
#define BUS_ADRERR  2

static int fail(struct fault_error *e, int signo, int code)
{
	if (e) {
		e->signo = signo;
		e->code = code;
	}
	return -EFAULT;
}

static bool grow_stack(struct vma *v, uaddr_t va)
{
	struct mm *mm = v->mm;
	u64 limit = mm_hooks.rlimit ? mm_hooks.rlimit(RLIMIT_STACK) : 8UL << 20;
	struct vma *prev = vma_prev(v);
	uaddr_t floor = prev ? prev->end : MMAP_MIN_ADDR, start;

	/* An inaccessible area is a guard of the application's own: no distance needed. */
	if (prev && (prev->prot & PROT_RWX) && !(prev->flags & VMA_GROWSDOWN))
		floor += STACK_GAP;
	if (va < floor || v->end - ALIGN_DOWN(va, PAGE_SIZE) > limit)
		return false;
	/* By 64 KiB: the next pages will be wanted too. */
	start = ALIGN_DOWN(va, 16 * PAGE_SIZE);
	if (start < floor || v->end - start > limit)
		start = ALIGN_DOWN(va, PAGE_SIZE);
	if (mm_may_expand(mm, v->start - start, false))
		return false;
	vma_resize(v, start, v->end);
	return true;
}

/*
 * Map what of [at, end), a part of v, lies in the file's window and has no private page: the host brings its own pages in, and
 * what is mapped here costs nothing before that. The page at va, which has no private page, is mapped even if it is already;
 * `empty`: va is `at`, and nothing is mapped yet. False: there is no window, or va is not in it.
 */
static bool window_map(struct vma *v, uaddr_t va, uaddr_t at, uaddr_t end, bool empty, int *err)
{
	unsigned prot = vma_pmap_prot(v) & ~PMAP_W, have;
	u64 first = vma_index(v, at), pages, fresh = 0;
	struct pagecache *pc = v->pc;
	uaddr_t private = at;
	paddr_t base = 0, old;

	mutex_lock(&pc->lock);
	pages = pc->dax && !platform_dax_refused
			? MIN(pc->dax->pages, (pc->size + PAGE_SIZE - 1) >> PAGE_SHIFT)
			: 0;
	if (pages)
		base = pc->dax->base + (first << PAGE_SHIFT);
	mutex_unlock(&pc->lock);
	if (vma_index(v, va) >= pages || !prot)
		return false;
	end = MIN(end, at + ((pages - first) << PAGE_SHIFT));
	*err = 0;
	if (empty && !anon_next_pmd(v->mm, &private, end)) {
		vma_add_mapped(v, (end - at) >> PAGE_SHIFT);
		*err = pmap_map(v->mm->pmap, at, end - at, base, prot);
		return true;
	}
	for (uaddr_t from = at, to; from < end && !*err; from = to) {
		for (to = from; to < end; to += PAGE_SIZE) {
			bool mine = !empty && ALIGN_DOWN(va, PAGE_SIZE) == to;
			bool there = pmap_lookup(v->mm->pmap, to, &old, &have);

			if (!mine && ((there && (have & prot) == prot) || anon_lookup(v->mm, to)))
				break;
			fresh += !there;
		}
		if (to > from)
			*err = pmap_map(v->mm->pmap, from, to - from, base + (from - at), prot);
		else
			to += PAGE_SIZE;
	}
	vma_add_mapped(v, fresh);
	return true;
}

static bool window_fault(struct vma *v, uaddr_t va, int *err)
{
	uaddr_t base = ALIGN_DOWN(va, HUGE_SIZE);

	if (v->end - v->start <= HUGE_SIZE)
		return window_map(v, va, v->start, v->end, false, err);
	return window_map(v, va, MAX(base, v->start), MIN(base + HUGE_SIZE, v->end), false, err);
}

/* ---- programs: what is mapped now is used at once ---- */

#define EXPECT_SIZE (32UL << 20) /* of an area that is mapped ahead */

void fault_expect(struct mm *mm, uaddr_t va)
{
	if (mm->nr_recent < RECENT_MAX)
		mm->recent[mm->nr_recent++] = va;
}

/*
 * Only of files with a window, where it costs no memory: nothing is read, and of what a loader relocates only that is copied
 * which its first write there would copy.
 */
static void expected(struct vma *v, uaddr_t at)
{
	struct mm *mm = v->mm;
	unsigned prot;
	paddr_t pa;
	int err;

	if (v->flags & VMA_PHYS)
		pmap_map(mm->pmap, v->start, v->end - v->start, v->off, vma_pmap_prot(v));
	if (!v->pc || vma_shared(v) || v->uffd || !READ_ONCE(v->pc->dax) ||
	    pmap_lookup(mm->pmap, at, &pa, &prot))
		return;
	if ((v->prot & PROT_WRITE) && v->end - v->start <= pmap_window() * 1024UL)
		anon_cow_file(v, at);
	else
		window_map(v, at, at, MIN(v->end, at + EXPECT_SIZE), true, &err);
}

/* One fault instead of one for each segment. */
static void map_expected(struct mm *mm)
{
	for (unsigned i = 0; i < mm->nr_recent; i++) {
		struct vma *v = vma_at(mm, mm->recent[i]);

		if (v && v->prot)
			expected(v, mm->recent[i]);
	}
	mm->nr_recent = 0;
}

static int file_fault(struct vma *v, uaddr_t va, unsigned access)
{
	uaddr_t start = ALIGN_DOWN(va, FILE_AROUND * PAGE_SIZE),
		end = start + FILE_AROUND * PAGE_SIZE;
	bool shared = vma_shared(v), write = access & ACCESS_WRITE;
	unsigned prot = vma_pmap_prot(v), n, fresh = 0;
	bool writable[FILE_AROUND];
	paddr_t pa[FILE_AROUND], old;
	int err;

	if (!shared) {
		if (anon_lookup(v->mm, va))
			return anon_fault(v, va, access);
		if (write)
			return anon_cow_file(v, va);
	}
	if (!write && READ_ONCE(v->pc->dax) && window_fault(v, va, &err))
		return err;
	start = MAX(start, v->start);
	end = MIN(end, v->end);
	n = (unsigned)((end - start) >> PAGE_SHIFT);
	err = pagecache_fault(v->pc, vma_index(v, va), write, vma_index(v, start), n, pa, writable);
	if (err)
		return err;
	for (unsigned i = 0; i < n; i++) {
		unsigned p;

		if (!shared) {
			writable[i] = false;
			if (pa[i] && anon_lookup(v->mm, start + i * PAGE_SIZE))
				pa[i] = 0;
		}
		p = writable[i] ? prot : prot & ~PMAP_W;
		writable[i] = p & PMAP_W;
		fresh += pa[i] && !pmap_lookup(v->mm->pmap, start + i * PAGE_SIZE, &old, &p);
	}
	for (unsigned i = 0, run; prot && i < n; i += run) {
		run = 1;
		if (!pa[i])
			continue;
		while (i + run < n && pa[i + run] == pa[i] + run * PAGE_SIZE &&
		       writable[i + run] == writable[i])
			run++;
		err = pmap_map(v->mm->pmap, start + i * PAGE_SIZE, run * PAGE_SIZE, pa[i],
			       writable[i] ? prot : prot & ~PMAP_W);
		if (err)
			return err;
	}
	if (prot)
		vma_add_mapped(v, fresh);
	return 0;
}

static bool allowed(const struct vma *v, unsigned access, bool force)
{
	if (force)
		return !(access & ACCESS_WRITE) || !vma_shared(v) || (v->prot & PROT_WRITE);
	if (access & ACCESS_WRITE)
		return v->prot & PROT_WRITE;
	if (access & ACCESS_EXEC)
		return v->prot & PROT_EXEC;
	return v->prot & PROT_RWX; /* x86: writable or executable pages are readable */
}

int fault_locked(struct mm *mm, uaddr_t va, unsigned access, bool force, struct fault_error *e)
{
	struct vma *v;
	int err;

	if (va >= USER_END)
		return fail(e, SIGSEGV_, SEGV_MAPERR);
	v = vma_find(mm, va);
	if (!v || (v->start > va && !((v->flags & VMA_GROWSDOWN) && grow_stack(v, va))))
		return fail(e, SIGSEGV_, SEGV_MAPERR);
	if (!allowed(v, access, force))
		return fail(e, SIGSEGV_, SEGV_ACCERR);
	if (v->flags & VMA_PHYS) {
		if (access & ACCESS_WRITE)
			return fail(e, SIGSEGV_, SEGV_ACCERR);
		err = !v->prot ? -EFAULT
			       : pmap_map(mm->pmap, v->start, v->end - v->start, v->off,
					  vma_pmap_prot(v));
	} else if (unlikely(v->uffd) && uffd_blocks(v, va, access)) {
		return -EAGAIN;
	} else if (v->pc) {
		err = file_fault(v, va, access);
	} else {
		err = anon_fault(v, va, access);
	}
	if (mm->nr_recent)
		map_expected(mm);
	if (!mm->idle)
		mm_commit(mm);
	if (err && err != -ENOMEM)
		return fail(e, SIGBUS_, BUS_ADRERR);
	return err;
}

int mm_out_of_memory(u64 frames, unsigned *tries)
{
	u64 got;

	if (mm_hooks.killed && mm_hooks.killed())
		return -ENOMEM;
	got = pagecache_reclaim(MAX(frames, 64UL));
	if (mm_hooks.reclaim &&
	    !frame_group_to_reclaim(MAX(frames, 64UL))) /* that would help no group */
		got += mm_hooks.reclaim(MAX(frames, 64UL));
	if (got && *tries < 64) {
		++*tries;
		return 0;
	}
	if (!mm_hooks.oom || *tries >= 96)
		return -ENOMEM;
	*tries = MAX(*tries, 64u) + 1;
	mm_hooks.oom(frames);
	return mm_hooks.killed && mm_hooks.killed() ? -ENOMEM : 0;
}

/* ---- pages that are read before the fault ---- */

/* then it is read under mm->lock: a fault that loses its page again and again must come to an end */
#define READS_MAX 3

struct absent {
	struct file *file; /* a reference, so that pc lives */
	struct pagecache *pc;
	u64 index;
};

/* Would a fault at va have to wait for a file? mm->lock held. */
static bool find_absent(struct mm *mm, uaddr_t va, unsigned access, struct absent *a)
{
	struct vma *v = va < USER_END ? vma_find(mm, va) : NULL;

	if (!v || v->start > va || !v->file || !v->pc || !allowed(v, access, false))
		return false;
	if (!vma_shared(v) && anon_lookup(mm, va))
		return false;
	*a = (struct absent){ v->file, v->pc, vma_index(v, va) };
	if (pagecache_ready(a->pc, a->index))
		return false;
	mm_hooks.file_get(a->file);
	return true;
}

int mm_fault(struct mm *mm, uaddr_t addr, unsigned access, struct fault_error *e)
{
	unsigned tries = 0, reads = 0;
	struct absent a;
	int err;

	for (;;) {
		mutex_lock(&mm->lock);
		if (reads < READS_MAX && find_absent(mm, addr, access, &a)) {
			mutex_unlock(&mm->lock);
			pagecache_bring(a.pc, a.index);
			mm_hooks.file_put(a.file);
			reads++;
			continue;
		}
		err = fault_locked(mm, addr, access, false, e);
		if (unlikely(err == -EAGAIN))
			return uffd_wait(mm, addr, access, e);
		mutex_unlock(&mm->lock);
		if (err != -ENOMEM || mm_out_of_memory(1, &tries))
			return err;
	}
}

int mm_populate(struct mm *mm, uaddr_t start, uaddr_t end, bool write_only)
{
	uaddr_t va = start;
	unsigned n = 0, tries = 0;

	while (va < end) {
		unsigned access = ACCESS_READ, prot;
		bool wait = false;
		struct fault_error e;
		struct vma *v;
		paddr_t pa;
		int err;

		mutex_lock(&mm->lock);
		v = vma_find(mm, va);
		if (!v || v->start > va) {
			mutex_unlock(&mm->lock);
			return -ENOMEM;
		}
		if ((v->prot & PROT_WRITE) && (write_only || !v->pc))
			access = ACCESS_WRITE;
		if (!(v->prot & PROT_RWX) || (write_only && !(v->prot & PROT_WRITE))) {
			mutex_unlock(&mm->lock);
			return -EINVAL;
		}
		/* What an earlier window mapped needs no fault. */
		if (pmap_lookup(mm->pmap, va, &pa, &prot) &&
		    (access != ACCESS_WRITE || (prot & PMAP_W)))
			err = 0;
		else
			err = fault_locked(mm, va, access, false, &e);
		wait = err == -EAGAIN;
		if (wait)
			err = uffd_wait(mm, va, access | ACCESS_KERNEL, &e);
		else
			mutex_unlock(&mm->lock);
		if (wait && !err)
			continue;
		if (err == -ENOMEM) {
			if (!mm_out_of_memory(1, &tries))
				continue;
			return -ENOMEM;
		}
		if (err)
			return err;
		va += PAGE_SIZE;
		if (++n % 64 == 0) {
			platform_poll();
			if (mm_hooks.killed && mm_hooks.killed())
				return -EINTR;
		}
	}
	return 0;
}
