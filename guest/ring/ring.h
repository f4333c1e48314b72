/*
 * ring.h - the driver side of a queue of abi/ring.h: add chains, ring the doorbell, take back what the host used.
 *
 * Used elements are the host's word and are checked: an id that is not in flight or a length beyond the chain's
 * writable bytes breaks the queue (every request in flight is completed with -EIO, nothing is added any more). Cost per
 * request: one lock for adding, one for reaping, a doorbell only if the host asked for one.
 *
 * Lock: ring->lock (spinlock). Completions run in the queue's upcall, or in ring_reap of whoever polls.
 */
#ifndef MOAT_RING_RING_H
#define MOAT_RING_RING_H

#include "abi/ring.h"
#include "lib/spinlock.h"
#include "lib/types.h"

struct ring;

/* A buffer in the arena. */
struct ring_buf {
	void *ptr; /* in the direct map of the arena */
	u32 len;
};

/* One chain in flight; the caller's, alive until done ran. */
struct ring_request {
	/* Called once, without ring->lock, from an upcall: written is what the host wrote, or -EIO. Never sleeps. */
	void (*done)(struct ring_request *r, s32 written);
	u16 head, count; /* the ring's own */
	u32 capacity;	 /* writable bytes of the chain */
};

/* Attach to queue number `queue`; once each, and again after ring_break_queue when nothing is in flight. Never fails. */
struct ring *ring_open(unsigned queue);
/*
 * Add a chain: nout buffers for the host to read, then nin for it to write. 0; -ENOSPC: not enough free descriptors now
 * (what ring_set_room set is called when there are); -EIO: the queue is broken. Does not ring the doorbell.
 */
int ring_add(struct ring *r, struct ring_request *req, const struct ring_buf *bufs, unsigned nout,
	     unsigned nin);
/* Tell the host, if it wants to be told. */
void ring_kick(struct ring *r);
/* Take back used chains and call done. The upcall does this; also for polling. Returns how many. */
unsigned ring_reap(struct ring *r);
/* Called (as an upcall, without locks) after descriptors became free. */
void ring_set_room(struct ring *r, void (*room)(void *), void *arg);
/*
 * Ask for an interrupt only when more than this many requests were used since the last reap, for a queue that is reaped
 * for other reasons, too. Requests that are used and not reaped stay in flight.
 */
void ring_set_lazy(struct ring *r, u16 requests);
/*
 * Ask for interrupts only while somebody waits for one between ring_want(r, true), which reaps too, and ring_want(r, false).
 * Others poll: ring_ready says whether ring_reap would find something, or never will.
 */
void ring_set_on_demand(struct ring *r);
void ring_want(struct ring *r, bool want);
bool ring_ready(const struct ring *r);
unsigned ring_free(const struct ring *r); /* descriptors; a hint */
/* Every request in flight, and every later one, ends with -EIO (the server is gone). Harmless if it was never opened. */
void ring_break_queue(unsigned queue);
bool ring_broken(const struct ring *r);
bool ring_idle(const struct ring *r); /* nothing in flight */

/* The platform's queue upcall. */
void ring_upcall(unsigned queue);

#endif
