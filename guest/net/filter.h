/*
 * filter.h - SO_ATTACH_FILTER: classic BPF programs that say how much of each packet a socket takes.
 */
#ifndef MOAT_NET_FILTER_H
#define MOAT_NET_FILTER_H

#include "lib/bpf.h"
#include "lib/spinlock.h"

struct socket_filter { /* immutable */
	u32 ref;       /* atomic */
	unsigned len;
	struct bpf_insn insn[];
};

/* A socket's: the program, NULL for none, under a lock of the socket's. */
struct filter_slot {
	struct socket_filter *f;
	bool locked; /* SO_LOCK_FILTER: it stays */
};

/* SO_ATTACH_FILTER, SO_DETACH_FILTER and SO_LOCK_FILTER, as set and as asked for; -ENOPROTOOPT for others. Take the lock. */
int filter_set_option(struct filter_slot *slot, struct spinlock *lock, int name, const void *v,
		      unsigned len);
int filter_get_option(const struct filter_slot *slot, int name, void *v, unsigned *len);

/* From the struct sock_fprog that v holds, whose program is read from user memory. ERR_PTR. */
struct socket_filter *filter_create(const void *v, unsigned len);
/* f NULL: nothing. */
struct socket_filter *filter_get(struct socket_filter *f);
void filter_put(struct socket_filter *f);

/* What a program is run on. data: from the link header on. */
struct filter_frame {
	const u8 *data;
	u32 len;
	u32 start; /* where the socket's packets begin: 0, or behind the link header */
	u32 mac_len;
	u16 protocol; /* host order */
	u16 hatype;
	u8 pkttype;
	int ifindex;
};

/* What f says of the frame; false: it looks at what is not there. */
bool filter_value(const struct socket_filter *f, const struct filter_frame *frame, u32 *value);
/* How many bytes of the packet the socket takes; 0: it wants none of it. f NULL: all. */
u32 filter_run(const struct socket_filter *f, const struct filter_frame *frame);

#endif
