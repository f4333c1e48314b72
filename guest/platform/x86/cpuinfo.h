/*
 * cpuinfo.h - what the processor says about itself, as /proc/cpuinfo and /sys/devices/system/cpu show it.
 */
#ifndef MOAT_PLATFORM_X86_CPUINFO_H
#define MOAT_PLATFORM_X86_CPUINFO_H

#include "lib/types.h"

struct x86_cpuinfo {
	char vendor[13], brand[49];
	unsigned family, model, stepping;
	unsigned level; /* highest standard CPUID leaf */
	unsigned clflush, phys_bits, virt_bits;
	unsigned cache_kb; /* the largest cache */
};

struct x86_cache {
	unsigned level, line, ways, sets, partitions;
	char type; /* 'D'ata, 'I'nstruction, 'U'nified */
	u64 size;  /* bytes */
};

void x86_cpuinfo(struct x86_cpuinfo *out);
/* Calls fn for each feature flag, with Linux's name for it, in Linux's order. */
void x86_cpu_flags(void (*fn)(const char *name, void *arg), void *arg);
/* Cache number i of a CPU, as CPUID leaf 4 (Intel) or 0x8000001d (AMD) has it; false: there is none. */
bool x86_cache(unsigned i, struct x86_cache *out);

#endif
