/*
 * filter.h - SO_ATTACH_FILTER: classic BPF programs that say how much of each packet a socket takes.
 */
#ifndef MOAT_NET_FILTER_H
#define MOAT_NET_FILTER_H

#include "lib/bpf.h"

struct socket_filter {
	unsigned len;
	struct bpf_insn insn[];
};

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

/* From the struct sock_fprog that v holds, whose program is read from user memory. ERR_PTR. Freed by kfree. */
struct socket_filter *filter_create(const void *v, unsigned len);
/* How many bytes of the packet the socket takes; 0: it wants none of it. f NULL: all. */
u32 filter_run(const struct socket_filter *f, const struct filter_frame *frame);

#endif
