/*
 * memory.h - a sandbox's memory: RAM, the arena, and the eventfds of its queues.
 */
#ifndef MOAT_HOST_MEMORY_H
#define MOAT_HOST_MEMORY_H

#include "host/sandbox.h"

#define MEMORY_MIN (16ULL << 20) /* below this the Sentry cannot start a program */

/* All of the host's RAM: what a sandbox gets as address space when no size is asked for. */
uint64_t memory_host_total(void);

/*
 * Make the arena (a memfd whose size is sealed) and the eventfds. Before the gofer and the launcher are forked, since
 * all share them.
 */
int memory_create_shared(struct sandbox *sb, uint64_t arena_size, struct error *err);

/*
 * Make RAM: an unlinked file on a tmpfs of its own with huge=advise, so that large areas can have huge pages whatever
 * the host's shmem default is; a memfd where that cannot be mounted. Maps RAM and the arena into this process.
 */
int memory_create_ram(struct sandbox *sb, uint64_t size, struct error *err);

#endif
