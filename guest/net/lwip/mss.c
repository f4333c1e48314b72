/*
 * mss.c - how large a connection's segments may be: what the peer says, within bounds, and TCP_MAXSEG (tcp_extra.h).
 */
#include "lwip/priv/tcp_priv.h"
#include "net/lwip/tcp_extra.h"

#define MSS_LEAST 48 /* as Linux's TCP_MIN_SND_MSS, with room for options and a few bytes */

u16 tcp_own_mss(const struct tcp_pcb *p, u16 mss)
{
	return p->x.maxseg ? LWIP_MIN(p->x.maxseg, mss) : mss;
}

u16 tcp_peer_mss(const struct tcp_pcb *p, u16 said)
{
	u16 mss = said && said < TCP_MSS ? said : TCP_MSS;

	return tcp_own_mss(p, LWIP_MAX(mss, MSS_LEAST));
}
