/*
 * diag.h - one socket as sock_diag(7) describes it. Private to diag.c and diag_filter.c.
 */
#ifndef MOAT_NET_INET_DIAG_H
#define MOAT_NET_INET_DIAG_H

#include <linux/inet_diag.h>

#include "net/inet/inet.h"

/* What there is of it; a connection without a socket has no k. */
struct diag_entry {
	const struct inet_sock *k;
	const struct tcp_pcb *pcb;
	u8 family, state; /* Linux's TCP_* */
	ip_addr_t laddr, raddr;
	u16 lport, rport;
	int ifindex;
	u32 uid, mark;
	bool autobound; /* the port was not asked for */
};

/* Does the program of INET_DIAG_REQ_BYTECODE take this socket? One that leaves its own bounds takes none. */
bool diag_filter_takes(const u8 *code, u32 len, const struct diag_entry *e);
/* A raw copy of the address in e's family: words of 4 or 16 bytes; the rest is 0. */
void diag_addr(const struct diag_entry *e, const ip_addr_t *a, u32 out[4]);

#endif
