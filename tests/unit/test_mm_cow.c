// sources: guest/mm/*.c guest/lib/*.c guest/task/mutex.c guest/task/wait.c tests/unit/platform_host.c tests/unit/sched_host.c tests/unit/mm_host.c
// cflags: -DMOAT_UNIT=1 -DMOAT_DEBUG=1
/*
 * test_mm_cow.c - first touch, windows, 2 MiB blocks, copy-on-write after fork: how many faults and frames each takes,
 * and whose bytes each process sees; stack growth, the heap, locked memory, running out of memory.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "tests/unit/mm_host.h"

#define ANON (MAP_PRIVATE | MAP_ANONYMOUS)
#define RW   (PROT_READ | PROT_WRITE)

static u8 get(struct mm *mm, uaddr_t va)
{
	void *p;

	CHECK_EQ(unit_touch(mm, va, ACCESS_READ, &p), 0);
	return *(u8 *)p;
}

static void put(struct mm *mm, uaddr_t va, u8 v)
{
	void *p;

	CHECK_EQ(unit_touch(mm, va, ACCESS_WRITE, &p), 0);
	*(u8 *)p = v;
}

static uaddr_t map(struct mm *mm, u64 len, int prot, int flags)
{
	s64 r = mm_mmap(mm, 0, len, prot, flags, NULL, 0);

	CHECK(r > 0);
	return (uaddr_t)r;
}

static u64 charged(void)
{
	struct frame_stats st;

	frame_stats(&st);
	return st.charged;
}

/* Faults of a store to every page of len bytes. */
static unsigned touch_all(struct mm *mm, uaddr_t va, u64 len, u8 v)
{
	unsigned before = unit_faults;

	for (u64 i = 0; i < len; i += PAGE_SIZE)
		put(mm, va + i, v);
	return unit_faults - before;
}

static void test_first_touch(void)
{
	struct mm *mm = mm_create();
	uaddr_t va = map(mm, 64UL << 20, RW, ANON);
	unsigned n;
	u64 c0, commits;

	CHECK_EQ(va & ((2UL << 20) - 1), 0);
	commits = unit_commits;
	n = touch_all(mm, va, 64UL << 20, 1);
	printf("64 MiB in order: %u faults\n", n);
	CHECK(n >= 32 && n <= 37);
	CHECK_EQ(unit_commits - commits, n);
	CHECK_EQ(mm_munmap(mm, va, 64UL << 20), 0);

	/* Out of order: small windows. */
	va = map(mm, 64UL << 20, RW, ANON);
	c0 = charged();
	for (unsigned i = 0; i < 64; i++)
		put(mm, va + ((i * 37ULL % 64) << 20) + 0x5000, 1);
	CHECK(charged() - c0 <= 64 * (unit_pmap_window == 64 ? 16 : 4) + 64);
	CHECK_EQ(mm_munmap(mm, va, 64UL << 20), 0);

	/* Asked for: blocks from the first touch on. */
	va = map(mm, 8UL << 20, RW, ANON);
	CHECK_EQ(mm_madvise(mm, va, 8UL << 20, MADV_HUGEPAGE), 0);
	CHECK_EQ(touch_all(mm, va, 8UL << 20, 1), 4);
	/* A small hole splits one block; the rest stays. */
	CHECK_EQ(mm_madvise(mm, va + 0x3000, PAGE_SIZE, MADV_DONTNEED), 0);
	CHECK_EQ(get(mm, va + 0x3000), 0);
	CHECK_EQ(get(mm, va + 0x2000), 1);
	CHECK_EQ(get(mm, va + 0x1ff000), 1);
	mm_put(mm);
}

/* Windows stop growing when memory is scarce, and the last page can still be had. */
static void test_scarce(void)
{
	struct mm *mm = mm_create();
	uaddr_t va = map(mm, 16UL << 20, RW, ANON);

	frame_set_limit((charged() + 1024) * PAGE_SIZE);
	touch_all(mm, va, 1000 * PAGE_SIZE, 1);
	CHECK_EQ(unit_ooms, 0);
	frame_set_limit(~0ULL);
	mm_put(mm);
}

static void test_oom(void)
{
	struct mm *mm = mm_create();
	uaddr_t va = map(mm, 64UL << 20, RW, ANON);
	unsigned i;
	void *p;

	frame_set_limit((charged() + 256) * PAGE_SIZE);
	for (i = 0; i < 1000; i++)
		if (unit_touch(mm, va + i * PAGE_SIZE, ACCESS_WRITE, &p))
			break;
	CHECK(i > 200 && i < 257);
	CHECK_EQ(unit_ooms, 1);
	unit_ooms = 0;
	frame_set_limit(~0ULL);
	/* Never more than there could be in one request. */
	CHECK_EQ(mm_mmap(mm, 0, 1UL << 40, RW, ANON, NULL, 0), -ENOMEM);
	CHECK(mm_mmap(mm, 0, 1UL << 40, RW, ANON | MAP_NORESERVE, NULL, 0) > 0);
	CHECK(mm_mmap(mm, 0, 1UL << 40, PROT_NONE, ANON, NULL, 0) > 0);
	mm_put(mm);
}

static void test_cow(u64 len)
{
	struct mm *a = mm_create(), *b, *c;
	uaddr_t va = map(a, len, RW, ANON);
	unsigned n, per = unit_pmap_window / 4;
	u64 before, pages = len / PAGE_SIZE;

	touch_all(a, va, len, 1);
	before = charged();
	b = mm_fork(a);
	c = mm_fork(b);
	CHECK(charged() - before < 64); /* tables only */
	n = touch_all(b, va, len, 2);
	printf("copy-on-write of %llu pages, window %u: %u faults\n", (unsigned long long)pages,
	       per, n);
	CHECK(n == pages / per || n == pages / per + 1); /* the area may start within a window */
	for (u64 i = 0; i < len; i += PAGE_SIZE) {
		CHECK_EQ(get(a, va + i), 1);
		CHECK_EQ(get(c, va + i), 1);
		CHECK_EQ(get(b, va + i), 2);
	}
	mm_put(c);
	/* a is alone with its pages: they are only write-enabled, by whole windows. */
	before = charged();
	n = touch_all(a, va, len, 3);
	CHECK(n <= pages / 16 + 1);
	CHECK(charged() <= before + 4); /* leaf tables for blocks that b split */
	CHECK_EQ(get(b, va + len - 1 - PAGE_SIZE + 1), 2);
	mm_put(b);
	mm_put(a);
}

static void test_fork_kinds(void)
{
	struct mm *a = mm_create(), *b;
	uaddr_t s = map(a, 16 * PAGE_SIZE, RW, MAP_SHARED | MAP_ANONYMOUS),
		p = map(a, 4 * PAGE_SIZE, RW, ANON);
	uaddr_t w = map(a, 4 * PAGE_SIZE, RW, ANON), d = map(a, PAGE_SIZE, RW, ANON);
	struct futex_key ka, kb;
	void *ptr;

	put(a, s, 1);
	put(a, p, 1);
	put(a, w, 1);
	put(a, d, 1);
	CHECK_EQ(mm_madvise(a, w, 4 * PAGE_SIZE, MADV_WIPEONFORK), 0);
	CHECK_EQ(mm_madvise(a, s, PAGE_SIZE, MADV_WIPEONFORK), -EINVAL);
	CHECK_EQ(mm_madvise(a, d, PAGE_SIZE, MADV_DONTFORK), 0);
	b = mm_fork(a);
	CHECK_EQ(get(b, w), 0);
	CHECK_EQ(unit_touch(b, d, ACCESS_READ, &ptr), 11);
	put(b, s + 5, 7);
	CHECK_EQ(get(a, s + 5), 7);
	put(b, p, 9);
	CHECK_EQ(get(a, p), 1);
	CHECK_EQ(mm_futex_key(a, s + 8, true, &ka), 0);
	CHECK_EQ(mm_futex_key(b, s + 8, true, &kb), 0);
	CHECK(ka.object == kb.object && ka.offset == kb.offset);
	CHECK_EQ(mm_futex_key(a, p, true, &ka), 0);
	CHECK_EQ(mm_futex_key(b, p, true, &kb), 0);
	CHECK(ka.object != kb.object);
	CHECK_EQ(mm_futex_key(b, d, true, &kb), -EFAULT);
	CHECK_EQ(mm_madvise(a, s, 16 * PAGE_SIZE, MADV_DONTNEED), 0);
	CHECK_EQ(get(a, s + 5), 7);
	CHECK_EQ(mm_madvise(a, s, PAGE_SIZE, MADV_REMOVE), 0);
	CHECK_EQ(get(b, s + 5), 0);
	mm_put(a);
	CHECK_EQ(get(b, s + 5), 0);
	mm_put(b);
}

static void test_stack(void)
{
	struct mm *mm = mm_create();
	uaddr_t top;
	void *p;

	unit_stack_limit = 1UL << 20;
	CHECK_EQ(mm_setup_stack(mm, &top, false), 0);
	CHECK_EQ(top & 15, 0);
	put(mm, top - 1, 1);
	put(mm, top - (600UL << 10), 2); /* far below, within the limit */
	put(mm, top - (1UL << 20), 3);
	CHECK_EQ(unit_touch(mm, top - (1UL << 20) - 1, ACCESS_WRITE, &p), 11);
	CHECK_EQ(unit_touch(mm, top - 1, ACCESS_EXEC, &p), 11);
	unit_stack_limit = 8UL << 20;
	put(mm, top - (7UL << 20), 3);
	/* Another area in the way: the stack keeps its distance. */
	CHECK_EQ(mm_mmap(mm, top - (8UL << 20) + PAGE_SIZE, PAGE_SIZE, RW, ANON | MAP_FIXED, NULL,
			 0),
		 top - (8UL << 20) + PAGE_SIZE);
	CHECK_EQ(unit_touch(mm, top - (8UL << 20) + 2 * PAGE_SIZE, ACCESS_WRITE, &p), 11);
	mm_put(mm);
}

static void test_brk(void)
{
	struct mm *mm = mm_create();
	uaddr_t b = 0x555555000000;
	struct mm_counters c;
	void *p;

	mm_set_brk(mm, b + 0x123);
	CHECK_EQ(mm_brk(mm, 0), b + 0x123);
	CHECK_EQ(mm_brk(mm, b + 0x3456), b + 0x3456);
	put(mm, b + 0x3fff, 1);
	CHECK_EQ(unit_touch(mm, b + 0x4000, ACCESS_READ, &p), 11);
	CHECK_EQ(mm_brk(mm, b + 0x8000), b + 0x8000);
	put(mm, b + 0x7fff, 2);
	CHECK_EQ(mm_brk(mm, b + 0x3456), b + 0x3456);
	CHECK_EQ(unit_touch(mm, b + 0x4000, ACCESS_READ, &p), 11);
	CHECK_EQ(mm_brk(mm, b + 0x8000), b + 0x8000);
	CHECK_EQ(get(mm, b + 0x7fff), 0);
	CHECK_EQ(get(mm, b + 0x3fff), 1);
	CHECK_EQ(mm_mmap(mm, b + 0xa000, PAGE_SIZE, RW, ANON | MAP_FIXED, NULL, 0), b + 0xa000);
	CHECK_EQ(mm_brk(mm, b + 0xa000), b + 0x8000); /* in the way: unchanged */
	mm_counters(mm, &c);
	CHECK_EQ(c.total_vm, 8 * PAGE_SIZE);
	mm_put(mm);
}

static void test_lock(void)
{
	struct mm *mm = mm_create();
	uaddr_t va = map(mm, 8 * PAGE_SIZE, RW, ANON);
	struct mm_counters c;
	u8 vec[8];

	CHECK_EQ(mm_mincore(mm, va, 8 * PAGE_SIZE, vec), 0);
	for (int i = 0; i < 8; i++)
		CHECK_EQ(vec[i], 0);
	CHECK_EQ(mm_mlock(mm, va + 100, PAGE_SIZE, 0), 0);
	CHECK_EQ(mm_mincore(mm, va, 8 * PAGE_SIZE, vec), 0);
	CHECK(vec[0] && vec[1]);
	mm_counters(mm, &c);
	CHECK_EQ(c.locked, 2 * PAGE_SIZE);
	CHECK_EQ(mm_madvise(mm, va, PAGE_SIZE, MADV_DONTNEED), -EINVAL);
	CHECK_EQ(mm_munlock(mm, va, 8 * PAGE_SIZE), 0);
	mm_counters(mm, &c);
	CHECK_EQ(c.locked, 0);
	CHECK_EQ(mm_mlockall(mm, 3), 0);
	va = map(mm, 4 * PAGE_SIZE, RW, ANON);
	CHECK_EQ(mm_mincore(mm, va, 4 * PAGE_SIZE, vec), 0);
	CHECK(vec[0] && vec[3]);
	CHECK_EQ(mm_munlockall(mm), 0);
	CHECK_EQ(mm_munmap(mm, va, PAGE_SIZE), 0);
	CHECK_EQ(mm_mlock(mm, va, 4 * PAGE_SIZE, 0), -ENOMEM);
	CHECK_EQ(mm_mincore(mm, va, PAGE_SIZE, vec), -ENOMEM);
	CHECK_EQ(mm_mincore(mm, va + 1, PAGE_SIZE, vec), -EINVAL);
	mm_put(mm);
}

/* ptrace and /proc/PID/mem see what the program itself may not. */
static void test_peek(void)
{
	struct mm *mm = mm_create();
	uaddr_t p = map(mm, 2 * PAGE_SIZE, RW, ANON),
		s = map(mm, PAGE_SIZE, RW, MAP_SHARED | MAP_ANONYMOUS);
	u32 v = 7;
	void *ptr;

	put(mm, p, 5);
	put(mm, s, 6);
	CHECK_EQ(mm_mprotect(mm, p, PAGE_SIZE, PROT_NONE), 0);
	CHECK_EQ(mm_mprotect(mm, s, PAGE_SIZE, PROT_NONE), 0);
	CHECK_EQ(mm_peek(mm, p, &v, 4), 4);
	CHECK_EQ(v, 5);
	CHECK_EQ(mm_peek(mm, s, &v, 4), 4);
	CHECK_EQ(v, 6);
	CHECK_EQ(unit_touch(mm, p, ACCESS_READ, &ptr), 11);
	CHECK_EQ(unit_touch(mm, s, ACCESS_READ, &ptr), 11);
	CHECK_EQ(mm_poke(mm, p, &v, 4, false), -EFAULT);
	CHECK_EQ(mm_poke(mm, p, &v, 4, true), 4);
	CHECK_EQ(mm_poke(mm, s, &v, 4, true), -EFAULT);
	CHECK_EQ(unit_pmap_pages(mm_pmap(mm)), 1);
	CHECK_EQ(mm_peek(mm, p + 2 * PAGE_SIZE - 2, &v, 4), 2);
	mm_put(mm);
}

static void test_remap(void)
{
	struct mm *mm = mm_create();
	uaddr_t va = map(mm, 16 * PAGE_SIZE, RW, ANON), b;
	u64 n = 16 * PAGE_SIZE;
	s64 r;

	put(mm, va, 1);
	for (int i = 0; i < 9; i++) {
		put(mm, va + n - 1, (u8)(i + 1));
		r = mm_mremap(mm, va, n, 2 * n, 1, 0);
		CHECK(r > 0);
		va = (uaddr_t)r;
		CHECK_EQ(get(mm, va), 1);
		CHECK_EQ(get(mm, va + n - 1), i + 1);
		CHECK_EQ(get(mm, va + n), 0);
		n *= 2;
	}
	/* Blocks move as blocks: no split, no copy. */
	va = ALIGN_UP(va, 2UL << 20);
	b = map(mm, 4UL << 20, RW, ANON);
	CHECK_EQ(mm_madvise(mm, b, 4UL << 20, MADV_HUGEPAGE), 0);
	CHECK_EQ(touch_all(mm, b, 4UL << 20, 5), 2);
	r = mm_mremap(mm, b, 4UL << 20, 4UL << 20, 3, va);
	CHECK_EQ(r, va);
	CHECK_EQ(get(mm, va + (3UL << 20)), 5);
	unit_faults = 0;
	touch_all(mm, va, 4UL << 20, 6);
	CHECK_EQ(unit_faults, 1); /* the other block; the read has mapped one */
	CHECK_EQ(mm_mremap(mm, va, PAGE_SIZE, PAGE_SIZE, 4, 0), -EINVAL);
	r = mm_mremap(mm, va, PAGE_SIZE, PAGE_SIZE, 5, 0);
	CHECK(r > 0 && (uaddr_t)r != va);
	CHECK_EQ(get(mm, (uaddr_t)r), 6);
	CHECK_EQ(get(mm, va), 0);
	mm_put(mm);
}

int main(void)
{
	unit_mm_init(1UL << 30);
	for (int i = 0; i < 2; i++) {
		unit_pmap_window = i ? 64 : 4;
		test_first_touch();
		unit_mm_leak_check();
		test_scarce();
		test_oom();
		unit_mm_leak_check();
		test_cow(64 * PAGE_SIZE);
		test_cow(8UL << 20);
		unit_mm_leak_check();
		test_fork_kinds();
		test_stack();
		test_brk();
		test_lock();
		test_peek();
		test_remap();
		unit_mm_leak_check();
	}
	printf("cow: ok\n");
	return 0;
}
