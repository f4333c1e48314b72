/*
 * vdso.h - the page that the vDSO reads: how to turn the TSC into CLOCK_MONOTONIC and CLOCK_REALTIME.
 *
 *   do { s = seq (even); d = rdtsc - tsc; ns = mono + (d * mult >> shift) (128 bit product); } while (seq != s);
 *
 * real replaces mono for CLOCK_REALTIME. seq is odd while the Sentry writes. A TSC below `tsc` counts as equal to it.
 */
#ifndef MOAT_PLATFORM_VDSO_H
#define MOAT_PLATFORM_VDSO_H

#include "lib/types.h"

/* Where the page lies in RAM on both platforms: below the device tree, never given to the frame allocator. */
#define VDSO_PADDR 0x1000ULL

struct vdso_data {
	u32 seq;
	u32 shift;
	u64 mult;
	u64 tsc;
	u64 mono;
	u64 real;
};

_Static_assert(sizeof(struct vdso_data) == 40, "vdso page");

#endif
