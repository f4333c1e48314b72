// sources: guest/mm/*.c guest/lib/*.c guest/task/mutex.c guest/task/wait.c tests/unit/platform_host.c tests/unit/sched_host.c tests/unit/mm_host.c
// cflags: -DMOAT_UNIT=1 -DMOAT_DEBUG=1
/*
 * test_mm_vma.c - random mmap, munmap, mprotect, mremap, madvise, stores and forks against a model with one record per
 * page. After each step a sample, and now and then everything, is compared: what the CPU would read, which signal it
 * would get, that no translation shows more than it may, that the areas of /proc are the model's.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "tests/unit/mm_host.h"

#define BASE  0x10000000000ULL
#define PAGES 1600u /* three 2 MiB blocks and a bit */
#define MMS   3
#define OBJS  4000

struct page {
	bool mapped, shared, own; /* own: a private page of its own, stamp counts */
	int prot;
	int obj; /* -1 none; 0 the file; else shared anonymous memory */
	unsigned idx;
	u32 stamp;
};

static struct space {
	struct mm *mm;
	struct page page[PAGES];
} spaces[MMS];

static u32 *objects[OBJS]; /* stamps by page */
static int nobj = 1;
static struct file file;
static u32 stamps;
static unsigned checks;

static uaddr_t va_of(unsigned i)
{
	return BASE + (u64)i * PAGE_SIZE;
}

static u32 expected(const struct page *p)
{
	if (p->own)
		return p->stamp;
	return p->obj >= 0 ? objects[p->obj][p->idx] : 0;
}

static int signal_of(const struct page *p, unsigned access)
{
	if (!p->mapped)
		return 11;
	if (access == ACCESS_WRITE  ? !(p->prot & PROT_WRITE)
	    : access == ACCESS_EXEC ? !(p->prot & PROT_EXEC)
				    : !p->prot)
		return 11;
	if (p->obj == 0 && p->idx >= FILE_PAGES && !p->own)
		return 7;
	return 0;
}

static void check_page(struct space *s, unsigned i, unsigned access)
{
	struct page *p = &s->page[i];
	void *ptr;
	int sig = unit_touch(s->mm, va_of(i) + 8, access, &ptr);

	checks++;
	CHECK_EQ(sig, signal_of(p, access));
	if (sig)
		return;
	CHECK_EQ(((u32 *)ptr)[-1], expected(p));
	if (access == ACCESS_WRITE) {
		stamps++;
		((u32 *)ptr)[-1] = stamps;
		if (p->shared) {
			objects[p->obj][p->idx] = stamps;
		} else {
			p->own = true;
			p->stamp = stamps;
		}
	}
}

struct vma_check {
	struct space *s;
	uaddr_t last;
	u64 pages;
};

static int check_vma(const struct vma_info *i, void *arg)
{
	struct vma_check *c = arg;

	CHECK(i->start < i->end && i->start >= c->last);
	c->last = i->end;
	for (uaddr_t va = i->start; va < i->end; va += PAGE_SIZE) {
		struct page *p = &c->s->page[(va - BASE) / PAGE_SIZE];

		CHECK(p->mapped);
		CHECK_EQ(p->prot, i->prot);
		CHECK_EQ(p->shared, i->shared);
		CHECK_EQ(i->file != NULL, p->obj == 0);
		if (p->obj == 0)
			CHECK_EQ(p->idx, (i->off + va - i->start) / PAGE_SIZE);
		c->pages++;
	}
	return 0;
}

static void check_translation(uaddr_t va, paddr_t pa, unsigned prot, void *arg)
{
	struct space *s = arg;
	struct page *p = &s->page[(va - BASE) / PAGE_SIZE];

	CHECK(va >= BASE && va < va_of(PAGES) && p->mapped);
	CHECK(!(prot & PMAP_W) || (p->prot & PROT_WRITE));
	CHECK(!(prot & PMAP_X) || (p->prot & PROT_EXEC));
	if (((u32 *)paddr_to_ptr(pa))[1] != expected(p))
		fprintf(stderr, "page %u: shared %d own %d object %d index %u prot %d, mapped %u\n",
			(unsigned)((va - BASE) / PAGE_SIZE), p->shared, p->own, p->obj, p->idx,
			p->prot, prot);
	CHECK_EQ(((u32 *)paddr_to_ptr(pa))[1], expected(p));
}

static void check_space(struct space *s)
{
	struct vma_check c = { .s = s };
	struct mm_counters n;
	u64 mapped = 0;

	unit_pmap_for_each(mm_pmap(s->mm), check_translation, s);
	CHECK_EQ(mm_for_each_vma(s->mm, check_vma, &c), 0);
	for (unsigned i = 0; i < PAGES; i++)
		mapped += s->page[i].mapped;
	CHECK_EQ(c.pages, mapped);
	mm_counters(s->mm, &n);
	CHECK_EQ(n.total_vm, mapped * PAGE_SIZE);
}

/* ---- steps ---- */

static const int prots[] = { PROT_NONE, PROT_READ, PROT_READ | PROT_WRITE, PROT_READ | PROT_WRITE,
			     PROT_READ | PROT_EXEC };

static void pick(unsigned *at, unsigned *n)
{
	*at = rand() % PAGES;
	*n = rand() % 12 ? 1 + rand() % 40 : 1 + rand() % 1100;
	if (*at + *n > PAGES)
		*n = PAGES - *at;
}

static bool all_mapped(struct space *s, unsigned at, unsigned n)
{
	for (unsigned i = at; i < at + n; i++)
		if (!s->page[i].mapped)
			return false;
	return true;
}

/*
 * With large windows a store also copies the neighbours of a private file page, which then miss later changes of the
 * file (mmap(2) leaves that open). The model knows single pages, so the file stays as it is then.
 */
static bool file_changes(void)
{
	return unit_pmap_window == 4;
}

static void step_mmap(struct space *s)
{
	unsigned at, n, kind = rand() % 4;
	int prot = prots[rand() % 5], flags = MAP_FIXED, obj = -1;
	unsigned first = 0;
	struct file *f = NULL;

	pick(&at, &n);
	if (kind == 2) {
		if (nobj == OBJS)
			return;
		obj = nobj++;
		objects[obj] = calloc(n, sizeof(u32));
		flags |= MAP_SHARED | MAP_ANONYMOUS;
	} else if (kind == 3) {
		f = &file;
		obj = 0;
		first = rand() % FILE_PAGES;
		n = MIN(n, 100u);
		flags |= rand() % 2 && file_changes() ? MAP_SHARED : MAP_PRIVATE;
	} else {
		flags |= MAP_PRIVATE | MAP_ANONYMOUS;
	}
	CHECK_EQ(mm_mmap(s->mm, va_of(at), n * PAGE_SIZE, prot, flags, f, first * PAGE_SIZE),
		 va_of(at));
	for (unsigned i = 0; i < n; i++)
		s->page[at + i] = (struct page){
			true, (flags & 15) == MAP_SHARED, false, prot, obj, first + i, 0
		};
}

static void step_munmap(struct space *s)
{
	unsigned at, n;

	pick(&at, &n);
	CHECK_EQ(mm_munmap(s->mm, va_of(at), n * PAGE_SIZE), 0);
	memset(&s->page[at], 0, n * sizeof(struct page));
}

static void step_mprotect(struct space *s)
{
	unsigned at, n;
	int prot = prots[rand() % 5], err, want = 0;

	pick(&at, &n);
	err = mm_mprotect(s->mm, va_of(at), n * PAGE_SIZE, prot);
	for (unsigned i = at; i < at + n && !want; i++) {
		if (!s->page[i].mapped)
			want = -ENOMEM;
		else
			s->page[i].prot = prot;
	}
	CHECK_EQ(err, want);
}

static bool same_area(const struct page *a, const struct page *b)
{
	return b->mapped && a->prot == b->prot && a->shared == b->shared && a->obj == b->obj &&
	       (a->obj < 0 || b->idx == a->idx + (unsigned)(b - a));
}

static void step_mremap(struct space *s)
{
	struct page moved[PAGES];
	unsigned at, n, to, len;
	s64 r;

	pick(&at, &n);
	if (!s->page[at].mapped)
		return;
	len = 1;
	while (len < n && same_area(&s->page[at], &s->page[at + len]))
		len++;
	to = rand() % PAGES;
	if (rand() % 3 == 0)
		to = ALIGN_DOWN(to, 512u) + at % 512; /* congruent: whole blocks can move */
	if (to + len > PAGES || (to < at + len && at < to + len))
		return;
	r = mm_mremap(s->mm, va_of(at), len * PAGE_SIZE, len * PAGE_SIZE,
		      MREMAP_MAYMOVE | MREMAP_FIXED, va_of(to));
	if (r == -EFAULT) {
		/* Areas that differ in what the model does not know (advice); the target is gone, as on Linux. */
		memset(&s->page[to], 0, len * sizeof(struct page));
		return;
	}
	CHECK_EQ(r, va_of(to));
	memcpy(moved, &s->page[at], len * sizeof(struct page));
	memset(&s->page[at], 0, len * sizeof(struct page));
	memcpy(&s->page[to], moved, len * sizeof(struct page));
}

static void step_madvise(struct space *s)
{
	unsigned at, n;

	pick(&at, &n);
	CHECK_EQ(mm_madvise(s->mm, va_of(at), n * PAGE_SIZE,
			    rand() % 2 ? MADV_HUGEPAGE : MADV_NORMAL),
		 all_mapped(s, at, n) ? 0 : -ENOMEM);
}

static void step_dontneed(struct space *s)
{
	unsigned at, n;

	pick(&at, &n);
	mm_madvise(s->mm, va_of(at), n * PAGE_SIZE, MADV_DONTNEED);
	for (unsigned i = at; i < at + n; i++)
		s->page[i].own = false;
}

static void step_access(struct space *s)
{
	unsigned at, n, access = 1u << rand() % 3;

	pick(&at, &n);
	for (unsigned i = at; i < at + n; i++)
		check_page(s, i, access);
}

static void step_poke(struct space *s)
{
	unsigned i = rand() % PAGES;
	struct page *p = &s->page[i];
	u32 v = ++stamps, got;
	s64 r = mm_poke(s->mm, va_of(i) + 4, &v, 4, false);

	CHECK_EQ(r, signal_of(p, ACCESS_WRITE) ? -EFAULT : 4);
	if (r < 0)
		return;
	if (p->shared) {
		objects[p->obj][p->idx] = v;
	} else {
		p->own = true;
		p->stamp = v;
	}
	CHECK_EQ(mm_peek(s->mm, va_of(i) + 4, &got, 4), 4);
	CHECK_EQ(got, v);
}

static void step_fork(unsigned from)
{
	unsigned to = rand() % MMS;

	if (to == from)
		return;
	if (spaces[to].mm)
		mm_put(spaces[to].mm);
	spaces[to].mm = mm_fork(spaces[from].mm);
	CHECK(!IS_ERR(spaces[to].mm));
	memcpy(spaces[to].page, spaces[from].page, sizeof(spaces[to].page));
}

static void step_file(void)
{
	u32 v = ++stamps, idx = rand() % FILE_PAGES;

	switch (rand() % 4) {
	case 0:
		if (!file_changes())
			break;
		CHECK_EQ(pagecache_write(&file.pc, idx * PAGE_SIZE + 4, &v, 4), 4);
		objects[0][idx] = v;
		break;
	case 1:
		CHECK_EQ(pagecache_sync(&file.pc, 0, ~0ULL), 0);
		CHECK_EQ(file.pc.nr_dirty, 0);
		for (unsigned i = 0; i < FILE_PAGES; i++)
			CHECK_EQ(*(u32 *)(file.data + i * PAGE_SIZE + 4), objects[0][i]);
		break;
	case 2: pagecache_reclaim(20); break;
	case 3: pagecache_invalidate(&file.pc, idx * PAGE_SIZE, 10 * PAGE_SIZE); break;
	}
}

static void run(unsigned seed, unsigned steps)
{
	srand(seed);
	memset(spaces, 0, sizeof(spaces));
	spaces[0].mm = mm_create();
	for (unsigned i = 0; i < steps; i++) {
		unsigned k = rand() % MMS;
		struct space *s = &spaces[k];

		if (!s->mm)
			continue;
		switch (rand() % 16) {
		case 0 ... 2: step_mmap(s); break;
		case 3: step_munmap(s); break;
		case 4 ... 5: step_mprotect(s); break;
		case 6: step_mremap(s); break;
		case 7: step_dontneed(s); break;
		case 8 ... 11: step_access(s); break;
		case 12: step_poke(s); break;
		case 13:
			if (rand() % 4 == 0)
				step_fork(k);
			break;
		case 14: step_file(); break;
		case 15:
			if (rand() % 8 == 0)
				step_madvise(s);
			break;
		}
		if (i % 50 == 0)
			for (unsigned m = 0; m < MMS; m++)
				if (spaces[m].mm)
					check_space(&spaces[m]);
	}
	for (unsigned m = 0; m < MMS; m++)
		if (spaces[m].mm)
			mm_put(spaces[m].mm);
	for (int i = 1; i < nobj; i++)
		free(objects[i]);
	nobj = 1;
}

int main(int argc, char **argv)
{
	unsigned rounds = argc > 1 ? (unsigned)atoi(argv[1]) : 12;

	unit_mm_init(512UL << 20);
	for (unsigned round = 0; round < rounds; round++) {
		unit_pmap_window = round % 2 ? 64 : 4;
		unit_file_init(&file, false);
		/* Beyond the file's end too: never read there, but indexed. */
		objects[0] = calloc(FILE_PAGES + PAGES, sizeof(u32));
		for (unsigned i = 0; i < FILE_PAGES; i++)
			objects[0][i] = *(u32 *)(file.data + i * PAGE_SIZE + 4) = ++stamps;
		run(round, 2500);
		CHECK_EQ(file.refs, 1);
		pagecache_destroy(&file.pc);
		free(objects[0]);
		unit_mm_leak_check();
		CHECK_EQ(unit_ooms, 0);
	}
	printf("vma: ok, %u accesses compared, %u faults\n", checks, unit_faults);
	return 0;
}
