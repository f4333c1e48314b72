/*
 * mmap.c - mmap(2): checks in Linux's order, placement, and the new area.
 *
 * Placement is top-down from a random base below the stack, bottom-up where that fails. Anonymous areas of 2 MiB and more
 * start on a 2 MiB boundary, so that they can be given whole blocks.
 * Differs from Linux: MAP_HUGETLB finds no huge page pool (-ENOMEM); MAP_GROWSDOWN areas keep no distance to what lies
 * above them. Overcommit is the heuristic kind: only sizes that could never fit are refused.
 */
#include "lib/log.h"
#include "mm/priv.h"

static u64 rlimit(int resource)
{
	return mm_hooks.rlimit ? mm_hooks.rlimit(resource) : ~0ULL;
}

uaddr_t mmap_choose_base(void)
{
	u64 gap = mm_hooks.rlimit ? mm_hooks.rlimit(RLIMIT_STACK) : 8UL << 20;
	u64 most = USER_END / 6 * 5;

	/* The stack's top is at most 16 GiB below USER_END; stack and its guard follow. */
	gap = MAX(gap, 128UL << 20);
	gap = MIN(gap, most) + STACK_GAP + (16UL << 30);
	return ALIGN_DOWN(USER_END - gap, PAGE_SIZE) - ((mm_random() & 0xfffffff) << PAGE_SHIFT);
}

u32 mm_max_map_count = 262144; /* what search engines want of Linux, whose own is 65530 */
u32 mm_overcommit;

int mm_may_expand(struct mm *mm, u64 len, bool data)
{
	u64 limit = rlimit(RLIMIT_AS), n = len >> PAGE_SHIFT;

	if (limit != ~0ULL && mm->total + n > limit >> PAGE_SHIFT)
		return -ENOMEM;
	if (!data)
		return 0;
	limit = rlimit(RLIMIT_DATA);
	if (limit != ~0ULL) {
		struct mm_counters c;

		mm_count(mm, &c);
		if ((c.data >> PAGE_SHIFT) + n > limit >> PAGE_SHIFT)
			return -ENOMEM;
	}
	return mm_may_commit(n) ? 0 : -ENOMEM;
}

bool mm_may_commit(u64 pages)
{
	struct frame_stats st;

	if (pages <= 1UL << 15 || mm_overcommit == 1)
		return true;
	frame_stats(&st);
	return pages <= MIN(st.limit, st.total);
}

uaddr_t mmap_place(struct mm *mm, uaddr_t hint, u64 len, u64 align, int flags)
{
	uaddr_t a = 0;

	if (len > USER_END - MMAP_MIN_ADDR)
		return 0;
	hint = ALIGN_UP(hint, PAGE_SIZE);
	if (flags & MAP_32BIT) {
		if (hint >= MMAP_MIN_ADDR && hint + len <= 1UL << 31 &&
		    vma_range_free(mm, hint, hint + len))
			return hint;
		return vma_find_gap(mm, len, PAGE_SIZE, 1UL << 30, 1UL << 31);
	}
	if (hint >= MMAP_MIN_ADDR && hint <= USER_END - len) {
		struct vma *v = vma_find(mm, hint);

		if (!v || v->start >= hint + len + (v->flags & VMA_GROWSDOWN ? STACK_GAP : 0))
			return hint;
	}
	if (align > PAGE_SIZE)
		a = vma_find_gap(mm, len, align, MMAP_MIN_ADDR, mm->mmap_base);
	if (!a)
		a = vma_find_gap(mm, len, PAGE_SIZE, MMAP_MIN_ADDR, mm->mmap_base);
	if (!a)
		a = vma_find_gap(mm, len, PAGE_SIZE, MMAP_MIN_ADDR, USER_END);
	return a;
}

/* What the request asks to map. */
struct source {
	struct pagecache *pc;
	struct file *file;
	struct shm_object *shm;
	int max_prot;
};

static int find_source(struct source *s, u64 len, int prot, int flags, struct file *file, u64 off)
{
	bool shared = (flags & MAP_TYPE) != MAP_PRIVATE;

	s->max_prot = PROT_RWX;
	if (!(flags & MAP_ANONYMOUS)) {
		struct mm_file_map m = { .len = len, .off = off, .prot = prot, .flags = flags };
		int err;

		if (!file)
			return -EBADF;
		if (!mm_hooks.file_map)
			return -ENODEV;
		m.max_prot = PROT_RWX;
		err = mm_hooks.file_map(file, &m);
		if (err)
			return err;
		s->max_prot = m.max_prot;
		if (!m.zero) {
			if (!m.pc)
				return -ENODEV;
			s->pc = m.pc;
			s->file = file;
			mm_hooks.file_get(file);
			return 0;
		}
	}
	if (shared) {
		s->shm = shm_create(len);
		if (!s->shm)
			return -ENOMEM;
		s->pc = &s->shm->pc;
	}
	return 0;
}

static void drop_source(struct source *s)
{
	if (s->file)
		mm_hooks.file_put(s->file);
	if (s->shm)
		shm_put(s->shm);
}

/* What MAP_SHARED_VALIDATE lets pass; MAP_SHARED ignores other flags. */
#define KNOWN_FLAGS                                                                         \
	(MAP_TYPE | MAP_FIXED | MAP_ANONYMOUS | MAP_32BIT | MAP_GROWSDOWN | MAP_DENYWRITE | \
	 0x1000 | MAP_LOCKED | MAP_NORESERVE | MAP_POPULATE | MAP_NONBLOCK | MAP_STACK |    \
	 MAP_HUGETLB | 0x4000000)

static int check(struct mm *mm, uaddr_t addr, u64 len, u64 rounded, int flags, u64 off)
{
	unsigned type = flags & MAP_TYPE;

	if (!len)
		return -EINVAL;
	if (!rounded || rounded > USER_END)
		return -ENOMEM;
	if ((off & (PAGE_SIZE - 1)))
		return -EINVAL;
	if (off + rounded < off)
		return -EOVERFLOW;
	if (type != MAP_SHARED && type != MAP_PRIVATE && type != MAP_SHARED_VALIDATE)
		return -EINVAL;
	if (type == MAP_SHARED_VALIDATE) {
		if (flags & MAP_ANONYMOUS)
			return -EINVAL;
		if (flags & ~KNOWN_FLAGS)
			return -EOPNOTSUPP;
	}
	if (flags & MAP_HUGETLB)
		return -ENOMEM;
	if (flags & (MAP_FIXED | MAP_FIXED_NOREPLACE)) {
		if (addr > USER_END - rounded)
			return -ENOMEM;
		if (addr & (PAGE_SIZE - 1))
			return -EINVAL;
		if (addr < MMAP_MIN_ADDR)
			return -EPERM;
	}
	if (mm->nr_vmas > mm_max_map_count)
		return -ENOMEM;
	return 0;
}

/* Under mm->lock. */
static s64 map_locked(struct mm *mm, uaddr_t addr, u64 len, int prot, int flags, u64 off,
		      struct source *src, struct list *dead)
{
	u64 align = !src->file && len >= HUGE_SIZE ? HUGE_SIZE : PAGE_SIZE;
	bool private = !src->pc || (flags & MAP_TYPE) == MAP_PRIVATE;
	struct vma *v;
	int err;

	if (flags & MAP_FIXED_NOREPLACE) {
		if (!vma_range_free(mm, addr, addr + len))
			return -EEXIST;
	} else if (!(flags & MAP_FIXED)) {
		addr = mmap_place(mm, addr, len, align, flags);
		if (!addr)
			return -ENOMEM;
	}
	err = mm_may_expand(mm, len, private && (prot & PROT_WRITE) && !(flags & MAP_NORESERVE));
	if (err)
		return err;
	if (((flags & MAP_LOCKED) || mm->lock_future) &&
	    !(mm_hooks.may_lock && mm_hooks.may_lock()) &&
	    mm->locked + (len >> PAGE_SHIFT) > rlimit(RLIMIT_MEMLOCK) >> PAGE_SHIFT)
		return -EAGAIN;
	v = vma_alloc(mm, addr, addr + len);
	if (!v)
		return -ENOMEM;
	err = munmap_locked(mm, addr, addr + len, dead);
	if (err) {
		vma_free(v);
		return err;
	}
	v->prot = prot & PROT_RWX;
	v->max_prot = (u8)(private ? PROT_RWX : src->max_prot);
	v->flags = mm->lock_future;
	if (private && src->pc)
		v->max_prot = (u8)(src->max_prot | PROT_WRITE);
	else if (src->pc)
		v->flags |= VMA_SHARED;
	if (flags & MAP_GROWSDOWN)
		v->flags |= VMA_GROWSDOWN;
	if (flags & MAP_LOCKED)
		v->flags |= VMA_LOCKED;
	if (flags & MAP_NORESERVE)
		v->flags |= VMA_NORESERVE;
	v->pc = src->pc;
	v->file = src->file;
	v->shm = src->shm;
	v->off = src->file ? off : 0;
	src->file = NULL; /* the area has the references now */
	src->shm = NULL;
	vma_insert(v);
	if (v->file && (v->prot & PROT_EXEC) && mm->layout.loads_itself)
		mm_set_owner(mm, PMAP_RAW);
	if (v->file && private && ((v->prot & PROT_EXEC) || (flags & MAP_DENYWRITE)))
		fault_expect(mm, addr);
	vma_merge(v);
	return (s64)addr;
}

s64 mm_mmap(struct mm *mm, uaddr_t addr, u64 len, int prot, int flags, struct file *file, u64 off)
{
	u64 rounded = ALIGN_UP(len, PAGE_SIZE);
	struct source src = { 0 };
	struct list dead;
	s64 r;

	r = check(mm, addr, len, rounded, flags, off);
	if (r)
		return r;
	r = find_source(&src, rounded, prot, flags, file, off);
	if (r)
		return r;
	list_init(&dead);
	mutex_lock(&mm->lock);
	r = map_locked(mm, addr, rounded, prot, flags, off, &src, &dead);
	mutex_unlock(&mm->lock);
	vma_free_list(&dead);
	drop_source(&src);
	if (r > 0 && ((flags & (MAP_POPULATE | MAP_LOCKED)) || mm->lock_future & VMA_LOCKED) &&
	    !(mm->lock_future & VMA_LOCKONFAULT) && (prot & PROT_RWX))
		mm_populate(mm, (uaddr_t)r, (uaddr_t)r + rounded, false);
	return r;
}
