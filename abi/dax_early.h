/*
 * dax_early.h - descriptors that came before the requests they are for: the containers of a pod share the socket that files
 * of windows come through (dax.h), so whoever takes a datagram may find another's.
 *
 * Each container has at most one request under way. When more is kept than there can be containers, some of it belongs to
 * requests that failed after all, and the oldest place is used again; who loses a file by that copies it. No locks.
 */
#ifndef MOAT_ABI_DAX_EARLY_H
#define MOAT_ABI_DAX_EARLY_H

#include <stdint.h>

#include "abi/ring.h"

struct dax_early {
	struct {
		uint64_t cookie; /* 0: free */
		int fd;
	} kept[RING_Q_9P_COUNT];
	unsigned next; /* to be used again when all are taken */
};

/* Keep fd for whoever asks with the cookie, which is not 0. The descriptor that must be closed for it, or -1. */
static inline int dax_early_keep(struct dax_early *e, uint64_t cookie, int fd)
{
	unsigned at = 0;
	int old = -1;

	while (at < RING_Q_9P_COUNT && e->kept[at].cookie)
		at++;
	if (at == RING_Q_9P_COUNT) {
		at = e->next;
		e->next = (at + 1) % RING_Q_9P_COUNT;
		old = e->kept[at].fd;
	}
	e->kept[at].cookie = cookie;
	e->kept[at].fd = fd;
	return old;
}

/* What was kept for the cookie, now the caller's; -1: nothing. */
static inline int dax_early_take(struct dax_early *e, uint64_t cookie)
{
	for (unsigned i = 0; i < RING_Q_9P_COUNT; i++)
		if (cookie && e->kept[i].cookie == cookie) {
			e->kept[i].cookie = 0;
			return e->kept[i].fd;
		}
	return -1;
}

#endif
