/*
 * boot.h - what the Sentry learned from its device tree.
 */
#ifndef MOAT_BOOT_H
#define MOAT_BOOT_H

#include "lib/types.h"

#define BOOT_RLIMITS 16

struct fs_mount;

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
	char **argv, **envp; /* NULL-ended, in the heap */
	const char *cwd, *hostname;
	u32 uid, gid, umask;
	u64 caps, memory_limit;
	bool tty, root_rw, root_readonly;
	u32 overlay; /* BOOT_OVERLAY_* */
	u64 overlay_size;
	u64 cpu_quota, cpu_period, pids_max; /* 0: no limit */
	struct fs_mount *mounts;
	unsigned nmounts;
	u16 rows, cols;
	struct {
		u32 resource;
		u64 cur, max;
	} rlimits[BOOT_RLIMITS];
	unsigned nrlimits;
};

/*
 * Memory ranges, CPUs, clock and seed: before there is a heap. Panics on a tree that lacks them: the launcher wrote it.
 */
void boot_parse_machine(const void *fdt, struct boot_info *b);
/* The container's part; needs the heap. Copies everything out of the tree. */
void boot_parse_container(const void *fdt, struct boot_info *b);

#endif
