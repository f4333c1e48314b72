/*
 * platform_host.h - platform.h on the host, for unit tests of guest modules: sources are built with -DMOAT_UNIT=1.
 *
 * RAM and arena are anonymous memory behind a direct map of the real layout; a pmap is a hash of 2 MiB tables that tests
 * can read back; user memory is whatever the current pmap maps, with faults going to the registered upcall. Add
 * tests/unit/sched_host.c for mutexes and wait queues (with guest/task/{mutex,wait}.c).
 */
#ifndef MOAT_UNIT_PLATFORM_HOST_H
#define MOAT_UNIT_PLATFORM_HOST_H

#include <stdio.h>
#include <unistd.h>

#include "lib/types.h"
#include "platform/platform.h"

/* Once: maps RAM and arena (bytes), makes the calling thread CPU 0. */
void unit_platform_init(u64 ram, u64 arena);
/* The calling thread becomes CPU id, with a task of its own if sched_host.c is linked. */
void unit_cpu_init(unsigned id);
/* Fresh, zero content for all of RAM and arena, as at boot; frame_init is the caller's. */
void unit_ram_reset(void);

/* The address space that user_* acts on. */
extern struct pmap *unit_pmap;
extern unsigned unit_pmap_window;	/* what pmap_window() says, KiB */
extern u64 unit_commits, unit_released; /* pmap_commit calls; bytes of ram_release */
extern unsigned
	unit_copy_budget; /* if not 0: the user copy faults for good after so many more chunks */
extern u64 unit_now;	  /* clock_mono */

u64 unit_pmap_pages(struct pmap *p); /* translations, 4 KiB each */
unsigned unit_pmaps(void);	     /* alive */
/* Calls fn for each translation, in no order. */
void unit_pmap_for_each(struct pmap *p, void (*fn)(uaddr_t va, paddr_t pa, unsigned prot, void *),
			void *arg);

/* A failed check prints where and ends the test with status 1. */
#define CHECK(cond)                                                                \
	do {                                                                       \
		if (!(cond)) {                                                     \
			fprintf(stderr, "%s:%d: %s\n", __FILE__, __LINE__, #cond); \
			_exit(1);                                                  \
		}                                                                  \
	} while (0)
#define CHECK_EQ(a, b)                                                                           \
	do {                                                                                     \
		long long _a = (long long)(a), _b = (long long)(b);                              \
		if (_a != _b) {                                                                  \
			fprintf(stderr, "%s:%d: %s is %lld (0x%llx), not %s = %lld\n", __FILE__, \
				__LINE__, #a, _a, (unsigned long long)_a, #b, _b);               \
			_exit(1);                                                                \
		}                                                                                \
	} while (0)

#endif
