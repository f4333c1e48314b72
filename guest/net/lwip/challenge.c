/*
 * challenge.c - the acknowledgements that answer what a connection cannot use (RFC 9293, 3.10.7.4; RFC 5961).
 *
 * Two ends that disagree about where they are answer each other's answers for ever, and on the loopback all of that is one
 * stay in the stack. So a connection sends one in half a second, as on Linux (net.ipv4.tcp_invalid_ratelimit).
 */
#include "lwip/priv/tcp_priv.h"
#include "net/lwip/stack.h"

#define APART 500000000ULL /* ns */

bool tcp_challenge(struct tcp_pcb *p)
{
	u64 now = net_now();

	if (p->x.challenged && now - p->x.challenged < APART)
		return false;
	p->x.challenged = now;
	return true;
}
