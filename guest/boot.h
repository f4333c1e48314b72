/*
 * boot.h - what the Sentry learned from its device tree.
 */
#ifndef MOAT_BOOT_H
#define MOAT_BOOT_H

#include "lib/types.h"

struct boot_info {
	paddr_t ram, arena;
	u64 ram_size, arena_size;
	unsigned cpus;
	bool net; /* a network device will come */
	bool debug, hints;
	u8 trace[64]; /* bitmap of the system calls to show */
	u32 dmesg_seed;
	u8 seed[64];
	u64 tsc_hz, tsc, monotonic, realtime;
};

/*
 * Memory ranges, CPUs, clock and seed: before there is a heap. Panics on a tree that lacks them: the launcher wrote it.
 */
void boot_parse_machine(const void *fdt, struct boot_info *b);

#endif
