// sources: guest/mm/*.c guest/lib/*.c guest/task/mutex.c guest/task/wait.c tests/unit/platform_host.c tests/unit/sched_host.c tests/unit/mm_host.c
// cflags: -DMOAT_UNIT=1 -DMOAT_DEBUG=1 -pthread
// libs: -pthread
/*
 * test_mm_pagecache.c - page caches: read-ahead, dirty pages and writeback, truncation and hole punching under mappings,
 * user copies that fault half way, I/O errors, reclaim, and two threads that truncate and write at the same time.
 */
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "tests/unit/mm_host.h"

#define RW (PROT_READ | PROT_WRITE)

static struct file disk, mem;

static u8 at(struct file *f, u64 off)
{
	u8 b = 0;

	CHECK_EQ(pagecache_read(&f->pc, off, &b, 1), 1);
	return b;
}

static u8 *touch(struct mm *mm, uaddr_t va, unsigned access)
{
	void *p;

	CHECK_EQ(unit_touch(mm, va, access, &p), 0);
	return p;
}

static uaddr_t map(struct mm *mm, struct file *f, unsigned first, unsigned pages, int flags)
{
	s64 r = mm_mmap(mm, 0, pages * PAGE_SIZE, RW, flags, f, first * PAGE_SIZE);

	CHECK(r > 0);
	return (uaddr_t)r;
}

static void test_read(void)
{
	static u8 buf[FILE_PAGES * PAGE_SIZE];

	unit_file_init(&disk, false);
	for (unsigned i = 0; i < sizeof(disk.data); i++)
		disk.data[i] = (u8)(i * 7 + i / 4096);
	for (unsigned i = 0; i < FILE_PAGES; i++)
		CHECK_EQ(pagecache_read(&disk.pc, i * PAGE_SIZE, buf + i * PAGE_SIZE, PAGE_SIZE),
			 PAGE_SIZE);
	CHECK(!memcmp(buf, disk.data, sizeof(buf)));
	CHECK(disk.reads <= 4); /* in order: read ahead */
	CHECK_EQ(pagecache_read(&disk.pc, sizeof(buf), buf, 10), 0);
	CHECK_EQ(pagecache_read(&disk.pc, sizeof(buf) - 3, buf, 10), 3);
	CHECK_EQ(pagecache_reclaim(1000), FILE_PAGES);
	CHECK_EQ(pagecache_total(), 0);
	/* One page in the middle: a small aligned batch, and the error of the file system. */
	disk.reads = 0;
	CHECK_EQ(at(&disk, 40 * PAGE_SIZE), disk.data[40 * PAGE_SIZE]);
	CHECK_EQ(disk.reads, 1);
	CHECK_EQ(disk.pc.nr_pages, 16);
	disk.fail = -EIO;
	CHECK_EQ(pagecache_read(&disk.pc, 0, buf, 10), -EIO);
	CHECK_EQ(pagecache_read(&disk.pc, 47 * PAGE_SIZE, buf, 2 * PAGE_SIZE), PAGE_SIZE);
	disk.fail = 0;
	pagecache_destroy(&disk.pc);
	unit_mm_leak_check();
}

static void test_write(void)
{
	static u8 page[2 * PAGE_SIZE];

	unit_file_init(&disk, false);
	memset(disk.data, 1, sizeof(disk.data));
	memset(page, 2, sizeof(page));
	/* Whole pages are not read first. */
	CHECK_EQ(pagecache_write(&disk.pc, 4 * PAGE_SIZE, page, 2 * PAGE_SIZE), 2 * PAGE_SIZE);
	CHECK_EQ(disk.reads, 0);
	CHECK_EQ(pagecache_write(&disk.pc, 20 * PAGE_SIZE + 100, page, 10), 10);
	CHECK_EQ(disk.reads, 1);
	CHECK_EQ(disk.pc.nr_dirty, 3);
	CHECK_EQ(at(&disk, 20 * PAGE_SIZE + 99), 1);
	CHECK_EQ(at(&disk, 20 * PAGE_SIZE + 109), 2);
	disk.fail = -ENOSPC;
	CHECK_EQ(pagecache_sync(&disk.pc, 0, ~0ULL), -ENOSPC);
	CHECK_EQ(disk.pc.nr_dirty, 3);
	disk.fail = 0;
	CHECK_EQ(pagecache_reclaim(100), 15); /* all but the dirty ones */
	CHECK_EQ(pagecache_sync(&disk.pc, 0, ~0ULL), 0);
	CHECK_EQ(disk.pc.nr_dirty, 0);
	CHECK_EQ(disk.data[5 * PAGE_SIZE], 2);
	CHECK_EQ(disk.data[20 * PAGE_SIZE + 100], 2);
	CHECK_EQ(disk.data[20 * PAGE_SIZE + 110], 1);
	/* Growing. */
	CHECK_EQ(pagecache_write(&disk.pc, FILE_PAGES * PAGE_SIZE + 5, page, 3), 3);
	CHECK_EQ(disk.pc.size, FILE_PAGES * PAGE_SIZE + 8);
	CHECK_EQ(at(&disk, FILE_PAGES * PAGE_SIZE + 4), 0);
	pagecache_destroy(&disk.pc);
	unit_mm_leak_check();
}

static void test_holes(void)
{
	u8 buf[100];

	unit_file_init(&mem, true);
	memset(buf, 9, sizeof(buf));
	CHECK_EQ(pagecache_write(&mem.pc, 10 * PAGE_SIZE, buf, 100), 100);
	CHECK_EQ(pagecache_read(&mem.pc, 3 * PAGE_SIZE, buf, 100), 100);
	for (unsigned i = 0; i < 100; i++)
		CHECK_EQ(buf[i], 0);
	CHECK_EQ(mem.pc.nr_pages, 1); /* reading a hole makes no page */
	CHECK_EQ(pagecache_seek(&mem.pc, 0, true), 10 * PAGE_SIZE);
	CHECK_EQ(pagecache_seek(&mem.pc, 10 * PAGE_SIZE + 5, true), 10 * PAGE_SIZE + 5);
	CHECK_EQ(pagecache_seek(&mem.pc, 10 * PAGE_SIZE, false), 11 * PAGE_SIZE);
	CHECK_EQ(pagecache_seek(&mem.pc, 11 * PAGE_SIZE, true), -ENXIO);
	CHECK_EQ(pagecache_seek(&mem.pc, FILE_PAGES * PAGE_SIZE, false), -ENXIO);
	CHECK_EQ(pagecache_reclaim(100), 0); /* memory is not given up */
	/* Cut within the page, grow again: zeroes. */
	pagecache_truncate(&mem.pc, 10 * PAGE_SIZE + 50);
	pagecache_truncate(&mem.pc, 20 * PAGE_SIZE);
	CHECK_EQ(at(&mem, 10 * PAGE_SIZE + 49), 9);
	CHECK_EQ(at(&mem, 10 * PAGE_SIZE + 50), 0);
	pagecache_punch(&mem.pc, 10 * PAGE_SIZE + 10, 5);
	CHECK_EQ(at(&mem, 10 * PAGE_SIZE + 9), 9);
	CHECK_EQ(at(&mem, 10 * PAGE_SIZE + 10), 0);
	CHECK_EQ(at(&mem, 10 * PAGE_SIZE + 15), 9);
	pagecache_punch(&mem.pc, 9 * PAGE_SIZE + 10, 3 * PAGE_SIZE);
	CHECK_EQ(mem.pc.nr_pages, 0);
	pagecache_destroy(&mem.pc);
	unit_mm_leak_check();
}

static void test_mapped_truncate(void)
{
	struct mm *a = mm_create(), *b;
	uaddr_t shared, private;
	void *p;

	unit_file_init(&disk, false);
	memset(disk.data, 1, sizeof(disk.data));
	shared = map(a, &disk, 0, FILE_PAGES, MAP_SHARED);
	private = map(a, &disk, 8, 32, MAP_PRIVATE);
	b = mm_fork(a);
	*touch(a, shared + 9 * PAGE_SIZE, ACCESS_WRITE) = 5;
	CHECK_EQ(*touch(b, shared + 9 * PAGE_SIZE, ACCESS_READ), 5);
	*touch(b, private + PAGE_SIZE + 7, ACCESS_WRITE) = 6; /* page 9, own copy */
	CHECK_EQ(*touch(b, private + PAGE_SIZE, ACCESS_READ), 5);
	CHECK_EQ(*touch(a, private + PAGE_SIZE + 7, ACCESS_READ), 1);
	/* A hole: own copies stay. */
	pagecache_punch(&disk.pc, 9 * PAGE_SIZE, PAGE_SIZE);
	memset(disk.data + 9 * PAGE_SIZE, 0, PAGE_SIZE); /* as the file system would on the host */
	CHECK_EQ(*touch(a, shared + 9 * PAGE_SIZE, ACCESS_READ), 0);
	CHECK_EQ(*touch(b, private + PAGE_SIZE + 7, ACCESS_READ), 6);
	/* Shorter: signals beyond the end, also for own copies. */
	pagecache_truncate(&disk.pc, 9 * PAGE_SIZE + 100);
	CHECK_EQ(unit_touch(a, shared + 10 * PAGE_SIZE, ACCESS_READ, &p), 7);
	CHECK_EQ(unit_touch(b, private + 2 * PAGE_SIZE, ACCESS_WRITE, &p), 7);
	CHECK_EQ(unit_touch(b, private + PAGE_SIZE + 7, ACCESS_READ, &p), 0);
	pagecache_truncate(&disk.pc, 9 * PAGE_SIZE);
	CHECK_EQ(unit_touch(b, private + PAGE_SIZE + 7, ACCESS_READ, &p), 7);
	/* What a mapping writes behind the end does not show when the file grows. */
	pagecache_truncate(&disk.pc, 8 * PAGE_SIZE + 100);
	*touch(a, shared + 8 * PAGE_SIZE + 200, ACCESS_WRITE) = 0xee;
	pagecache_truncate(&disk.pc, 9 * PAGE_SIZE);
	CHECK_EQ(*touch(a, shared + 8 * PAGE_SIZE + 200, ACCESS_READ), 0);
	mm_put(a);
	mm_put(b);
	CHECK_EQ(disk.refs, 1);
	pagecache_destroy(&disk.pc);
	unit_mm_leak_check();
}

/* A store through a mapping after writeback is seen as new dirt. */
static void test_mapped_dirty(void)
{
	struct mm *a = mm_create();
	uaddr_t va;

	unit_file_init(&disk, false);
	va = map(a, &disk, 0, 16, MAP_SHARED);
	CHECK_EQ(*touch(a, va, ACCESS_READ), 0);
	CHECK_EQ(disk.pc.nr_dirty, 0);
	*touch(a, va, ACCESS_WRITE) = 1;
	CHECK_EQ(disk.pc.nr_dirty, 1);
	CHECK_EQ(mm_msync(a, va, 16 * PAGE_SIZE, 4), 0);
	CHECK_EQ(disk.data[0], 1);
	CHECK_EQ(disk.pc.nr_dirty, 0);
	*touch(a, va, ACCESS_WRITE) = 2;
	CHECK_EQ(disk.pc.nr_dirty, 1);
	CHECK_EQ(mm_msync(a, va, 17 * PAGE_SIZE, 4), -ENOMEM);
	CHECK_EQ(disk.data[0], 2);
	disk.fail = -EIO;
	*touch(a, va, ACCESS_WRITE) = 3;
	CHECK_EQ(mm_msync(a, va, PAGE_SIZE, 4), -EIO);
	disk.fail = 0;
	/* Mapped clean pages can be reclaimed; they come back. */
	CHECK_EQ(mm_msync(a, va, PAGE_SIZE, 4), 0);
	CHECK(pagecache_reclaim(100) >= 16);
	CHECK_EQ(unit_pmap_pages(mm_pmap(a)), 0);
	CHECK_EQ(*touch(a, va, ACCESS_READ), 3);
	mm_put(a);
	pagecache_destroy(&disk.pc);
	unit_mm_leak_check();
}

static void test_user_copy(void)
{
	struct mm *mm = mm_create();
	uaddr_t va;

	unit_mm = mm;
	unit_pmap = mm_pmap(mm);
	unit_file_init(&disk, false);
	memset(disk.data, 1, sizeof(disk.data));
	va = map(mm, &disk, 0, 8, MAP_SHARED);
	/* A file into its own mapping: the copy faults on the page that it reads. */
	CHECK_EQ(pagecache_read_user(&disk.pc, 8 * PAGE_SIZE, va, 8 * PAGE_SIZE), 8 * PAGE_SIZE);
	CHECK_EQ(pagecache_write_user(&disk.pc, 0, va, 8 * PAGE_SIZE), 8 * PAGE_SIZE);
	/* The source ends half way. */
	CHECK_EQ(mm_munmap(mm, va + 2 * PAGE_SIZE, PAGE_SIZE), 0);
	CHECK_EQ(pagecache_write_user(&disk.pc, 30 * PAGE_SIZE, va + 100, 8 * PAGE_SIZE),
		 2 * PAGE_SIZE - 100);
	CHECK_EQ(at(&disk, 31 * PAGE_SIZE + PAGE_SIZE - 1), 1);
	CHECK_EQ(pagecache_write_user(&disk.pc, 30 * PAGE_SIZE, va + 2 * PAGE_SIZE, 10), -EFAULT);
	/* A failed whole-page write leaves the file's bytes as they were. */
	CHECK_EQ(pagecache_write_user(&disk.pc, 50 * PAGE_SIZE, va + 2 * PAGE_SIZE - 10, PAGE_SIZE),
		 10);
	CHECK_EQ(at(&disk, 50 * PAGE_SIZE + 10), 1);
	CHECK_EQ(at(&disk, 50 * PAGE_SIZE + 4095), 1);
	CHECK_EQ(pagecache_read_user(&disk.pc, 0, va + 2 * PAGE_SIZE - 10, 100), 10);
	unit_file_init(&mem, true);
	CHECK_EQ(pagecache_read_user(&mem.pc, 0, va + 2 * PAGE_SIZE, 100), -EFAULT);
	CHECK_EQ(pagecache_read_user(&mem.pc, 0, va + 10, 100), 100);
	mm_put(mm);
	pagecache_destroy(&disk.pc);
	pagecache_destroy(&mem.pc);
	unit_mm_leak_check();
}

/* Below the limit, reading a large file goes on: its own older pages make room. */
static void test_limit(void)
{
	struct mm *mm = mm_create();
	struct frame_stats st;
	uaddr_t va;

	unit_file_init(&disk, false);
	for (unsigned i = 0; i < FILE_PAGES; i++)
		disk.data[i * PAGE_SIZE] = (u8)i;
	va = map(mm, &disk, 0, FILE_PAGES, MAP_SHARED);
	frame_stats(&st);
	frame_set_limit((st.charged + 30) * PAGE_SIZE);
	for (unsigned i = 0; i < FILE_PAGES; i++)
		CHECK_EQ(*touch(mm, va + i * PAGE_SIZE, ACCESS_READ), i);
	for (unsigned i = 0; i < FILE_PAGES; i++)
		CHECK_EQ(at(&disk, i * PAGE_SIZE), i);
	/* Dirty ones are written back to make room. */
	for (unsigned i = 0; i < FILE_PAGES; i++)
		*touch(mm, va + i * PAGE_SIZE, ACCESS_WRITE) = (u8)(i + 100);
	CHECK(disk.writes > 0);
	for (unsigned i = 0; i < FILE_PAGES; i++)
		CHECK_EQ(*touch(mm, va + i * PAGE_SIZE, ACCESS_READ), i + 100);
	CHECK_EQ(unit_ooms, 0);
	frame_set_limit(~0ULL);
	mm_put(mm);
	pagecache_destroy(&disk.pc);
	unit_mm_leak_check();
}

static volatile bool stop;

static void *truncater(void *arg)
{
	unsigned seed = 3;

	unit_cpu_init(1);
	while (!stop) {
		if (rand_r(&seed) % 2)
			pagecache_truncate(&mem.pc, rand_r(&seed) % (FILE_PAGES * PAGE_SIZE));
		else
			pagecache_punch(&mem.pc, rand_r(&seed) % (40 * PAGE_SIZE),
					rand_r(&seed) % (20 * PAGE_SIZE));
		pagecache_truncate(&mem.pc, FILE_PAGES * PAGE_SIZE);
	}
	slab_trim();
	return NULL;
}

/* Frames must not be freed under a mapping: each page that is written is of the file, and holds what was written to it. */
static void test_race(void)
{
	struct mm *mm = mm_create();
	unsigned seed = 9, sigbus = 0;
	pthread_t t;
	uaddr_t va;

	unit_file_init(&mem, true);
	va = map(mm, &mem, 0, FILE_PAGES, MAP_SHARED);
	pthread_create(&t, NULL, truncater, NULL);
	for (unsigned i = 0; i < 40000; i++) {
		unsigned page = rand_r(&seed) % FILE_PAGES;
		u32 v = page + 1;
		s64 r;

		if (i % 3) {
			r = mm_poke(mm, va + page * PAGE_SIZE, &v, 4, false);
			CHECK(r == 4 || r == -EFAULT);
			sigbus += r < 0;
		} else if (i % 2) {
			pagecache_write(&mem.pc, page * PAGE_SIZE, &v, 4);
		} else if (pagecache_read(&mem.pc, page * PAGE_SIZE, &v, 4) == 4) {
			CHECK(v == 0 || v == page + 1);
		}
		if (mm_peek(mm, va + page * PAGE_SIZE, &v, 4) == 4)
			CHECK(v == 0 || v == page + 1);
	}
	stop = true;
	pthread_join(t, NULL);
	mm_put(mm);
	pagecache_destroy(&mem.pc);
	unit_mm_leak_check();
	printf("race: %u times beyond the end\n", sigbus);
}

int main(void)
{
	unit_mm_init(256UL << 20);
	test_read();
	test_write();
	test_holes();
	test_mapped_truncate();
	test_mapped_dirty();
	test_user_copy();
	test_limit();
	test_race();
	printf("page cache: ok\n");
	return 0;
}
