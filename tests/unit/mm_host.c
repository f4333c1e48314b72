/*
 * mm_host.c - see mm_host.h.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "abi/boot.h"
#include "mm/vdso/vdso.h"
#include "tests/unit/mm_host.h"

struct mm *unit_mm;
unsigned unit_ooms, unit_faults;
u64 unit_stack_limit = 8UL << 20;

static struct frame_stats at_start;

u64 vdso_image_size(void)
{
	return PAGE_SIZE;
}

paddr_t vdso_image_paddr(void)
{
	return 0x2000;
}

static u64 rlimit(int resource)
{
	return resource == 3 ? unit_stack_limit : ~0ULL;
}

static struct mm *current_mm(void)
{
	return unit_mm;
}

static void oom(u64 frames)
{
	unit_ooms++;
}

static bool killed(void)
{
	return unit_ooms > 0;
}

static int file_map(struct file *f, struct mm_file_map *m)
{
	m->pc = &f->pc;
	return 0;
}

static void file_get(struct file *f)
{
	f->refs++;
}

static void file_put(struct file *f)
{
	CHECK(f->refs-- > 0);
}

static int upcall_fault(uaddr_t addr, unsigned access)
{
	struct fault_error e;

	return mm_fault(unit_mm, addr, access, &e);
}

void unit_mm_init(u64 ram)
{
	static const struct mm_hooks hooks = {
		.rlimit = rlimit,
		.current_mm = current_mm,
		.oom = oom,
		.killed = killed,
		.file_map = file_map,
		.file_get = file_get,
		.file_put = file_put,
	};
	static const struct platform_upcalls up = { .fault = upcall_fault };

	unit_platform_init(ram, 64UL << 20);
	frame_init(platform_ram_free(), ram, ARENA_PADDR + ARENA_FRAMES, 64UL << 20);
	mm_init();
	mm_set_hooks(&hooks);
	platform_set_upcalls(&up);
	frame_stats(&at_start);
}

void unit_mm_leak_check(void)
{
	struct frame_stats st;

	CHECK_EQ(slab_bytes(), 0);
	slab_trim();
	frame_stats(&st);
	CHECK_EQ(st.charged, at_start.charged);
	CHECK_EQ(st.free, at_start.free);
	CHECK_EQ(unit_pmaps(), 0);
}

static int file_read(struct pagecache *pc, u64 index, paddr_t *frames, unsigned n)
{
	struct file *f = pc->owner;

	f->reads++;
	if (f->fail)
		return f->fail;
	for (unsigned i = 0; i < n; i++) {
		memset(paddr_to_ptr(frames[i]), 0, PAGE_SIZE);
		if (index + i < FILE_PAGES)
			memcpy(paddr_to_ptr(frames[i]), f->data + (index + i) * PAGE_SIZE,
			       PAGE_SIZE);
	}
	return 0;
}

static int file_write(struct pagecache *pc, u64 index, const paddr_t *frames, unsigned n)
{
	struct file *f = pc->owner;

	f->writes++;
	if (f->fail)
		return f->fail;
	for (unsigned i = 0; i < n; i++)
		if (index + i < FILE_PAGES)
			memcpy(f->data + (index + i) * PAGE_SIZE, paddr_to_ptr(frames[i]),
			       PAGE_SIZE);
	return 0;
}

void unit_file_init(struct file *f, bool memory_only)
{
	static const struct pagecache_ops disk = {
		.read = file_read, .write = file_write, .arena = true, .readahead = 32
	};
	static const struct pagecache_ops memory = { 0 };

	memset(f, 0, sizeof(*f));
	f->refs = 1;
	pagecache_init(&f->pc, memory_only ? &memory : &disk, f, FILE_PAGES * PAGE_SIZE);
}

int unit_touch(struct mm *mm, uaddr_t va, unsigned access, void **ptr)
{
	struct fault_error e = { 0 };
	unsigned prot, need = access == ACCESS_WRITE  ? PMAP_W
			      : access == ACCESS_EXEC ? PMAP_X
						      : PMAP_R;
	paddr_t pa;
	int err;

	for (unsigned tries = 0; tries < 4; tries++) {
		if (pmap_lookup(mm_pmap(mm), va, &pa, &prot) && (prot & need)) {
			*ptr = paddr_to_ptr(pa);
			return 0;
		}
		unit_faults++;
		err = mm_fault(mm, va, access, &e);
		if (err == -ENOMEM)
			return 9;
		if (err) {
			CHECK_EQ(err, -EFAULT);
			return e.signo;
		}
	}
	fprintf(stderr, "fault at %llx, access %u, is not resolved\n", (unsigned long long)va,
		access);
	exit(1);
}
