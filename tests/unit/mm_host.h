/*
 * mm_host.h - what tests of guest/mm share: a machine, a file, hooks, the vDSO's double.
 */
#ifndef MOAT_UNIT_MM_HOST_H
#define MOAT_UNIT_MM_HOST_H

#include "lib/err.h"
#include "mm/frame.h"
#include "mm/mm.h"
#include "mm/pagecache.h"
#include "mm/slab.h"
#include "tests/unit/platform_host.h"

#define FILE_PAGES 64

/* A file whose bytes are in host memory; file_map hands out its page cache. */
struct file {
	struct pagecache pc;
	int refs;
	unsigned reads, writes; /* operations */
	int fail;		/* -errno of the next operations */
	u8 data[FILE_PAGES * 4096];
};

/* RAM, frame_init, mm_init, hooks; remembers the free frames. */
void unit_mm_init(u64 ram);
void unit_file_init(struct file *f, bool memory_only);
/* Everything is freed: frames, heap, pmaps. */
void unit_mm_leak_check(void);

/* As the CPU would: translate, fault if need be. 0 and the byte's place, or a signal number. */
int unit_touch(struct mm *mm, uaddr_t va, unsigned access, void **ptr);

extern struct mm *unit_mm; /* the current one */
extern unsigned unit_ooms, unit_faults;
extern u64 unit_stack_limit;

#endif
