/*
 * ring_dev.h - the device side of one queue of abi/ring.h, for whoever serves it: the gofer's 9P
 * transport, the launcher's console and control code. It knows nothing of what the buffers mean.
 *
 * The driver is hostile. Every field is read once into private memory; a chain is checked in full
 * (bounds, loops, readable before writable) before the caller sees any of it. What a chain's iovecs
 * point to stays shared and may change under the reader: copy before you look twice.
 *
 * One thread per queue; no locks. Order: ring_dev_pop, work, ring_dev_push ..., ring_dev_publish,
 * then before sleeping ring_dev_arm, and sleep only if it returned false.
 */
#ifndef MOAT_HOST_RING_DEV_H
#define MOAT_HOST_RING_DEV_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/uio.h>

#include "abi/ring.h"

struct ring_dev {
	struct ring_mem *mem;
	char *arena;
	uint64_t arena_size;
	char *ram; /* NULL: buffers lie in the arena alone */
	uint64_t ram_size;
	uint16_t avail_next; /* next avail entry that we take */
	uint16_t used_next;  /* next used entry that we fill */
	uint16_t used_seen;  /* used.idx at the last notification decision */
	bool broken;	     /* the driver broke the protocol; nothing is popped any more */
};

/*
 * A checked private copy of one descriptor chain: nout buffers for us to read, then nin for us to
 * write.
 */
struct ring_chain {
	uint16_t head;
	unsigned nout, nin;
	size_t out_len, in_len;
	struct iovec iov[RING_ENTRIES];
};

/*
 * Attach to queue number queue of an arena that is mapped at arena. The state is taken from the
 * ring (used.idx), so a device may take over a queue whose buffers are all returned.
 */
void ring_dev_init(struct ring_dev *rd, void *arena, uint64_t arena_size, unsigned queue);

/*
 * Let buffers lie in the sandbox's RAM, too: for a device that the launcher itself serves. RAM's addresses are below the
 * arena's, so its offsets are negative: paddr - ARENA_PADDR, modulo 2^64.
 */
void ring_dev_add_ram(struct ring_dev *rd, void *ram, uint64_t ram_size);

/* Is a chain waiting? Cheap: one load. */
bool ring_dev_ready(const struct ring_dev *rd);

/*
 * Take the next chain. 1: *chain is filled; 0: none waits; -EPROTO: the driver made more chains
 * available than the ring has entries, or named a head outside of it, and the queue is dead from
 * now on; -EINVAL: this one chain is malformed, it has been returned with a used length of 0, go on
 * with the next. Buffers of length 0 are dropped from the copy.
 */
int ring_dev_pop(struct ring_dev *rd, struct ring_chain *chain);

/*
 * As ring_dev_pop, but the chain stays first in the queue until ring_dev_accept: for a reader that
 * may have to wait.
 */
int ring_dev_peek(struct ring_dev *rd, struct ring_chain *chain);
void ring_dev_accept(struct ring_dev *rd);

/*
 * Return a chain; written = bytes that we wrote to it. Not visible to the driver before
 * ring_dev_publish.
 */
void ring_dev_push(struct ring_dev *rd, uint16_t head, uint32_t written);

/* Make pushed chains visible. True: the driver wants its interrupt, write the call eventfd. */
bool ring_dev_publish(struct ring_dev *rd);

/* Ask for a doorbell at the next chain. True: one is waiting already, do not sleep. */
bool ring_dev_arm(struct ring_dev *rd);

/* Stop asking for doorbells, while we poll. Optional: event-idx asks for one only once. */
void ring_dev_disarm(struct ring_dev *rd);

#endif
