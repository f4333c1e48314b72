/*
 * boot_lines.h - what dmesg says first.
 */
#ifndef MOAT_BOOT_LINES_H
#define MOAT_BOOT_LINES_H

#include "lib/types.h"

/* The banner, the machine, and a few lines of small talk that depend on the seed alone. */
void boot_lines(u32 seed, unsigned cpus, u64 ram);

#endif
