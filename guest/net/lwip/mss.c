/*
 * mss.c - how large a connection's segments may be: what the peer says, within bounds, TCP_MAXSEG, what is known of the path
 * (pmtu.c), and what goes through a path that swallows large packets without a word (tcp_extra.h).
 *
 * Such a black hole is found in two steps (RFC 4821's idea, not its search). When a full segment was sent several times in
 * vain, it alone is cut and sent in small pieces. If they arrive and the next full one does not, the size was the reason, and
 * all become small; if that arrives too, the network was only away for a while. Unlike Linux, nothing larger is tried
 * for as long as an MTU from ICMP is kept.
 *
 * What is on its way when segments become smaller, and is larger, did not arrive and goes out again. Segments that are queued are
 * cut when they go out.
 */
#include "lwip/priv/tcp_priv.h"
#include "lwip_hooks.h"
#include "net/lwip/stack.h"
#include "net/lwip/tcp_extra.h"

#define MSS_LEAST    48	 /* as Linux's TCP_MIN_SND_MSS, with room for options and a few bytes */
#define MSS_UNTOLD   536 /* of a peer that says nothing (RFC 9293) */
#define HOLE_RETRIES 2	 /* times that a segment was sent again before its size is doubted */
#define HOLE_LEAST   512 /* nothing smaller is tried */
#define NS	     1000000000ULL

u16 tcp_own_mss(const struct tcp_pcb *p, u16 mss)
{
	return p->x.maxseg ? LWIP_MIN(p->x.maxseg, mss) : mss;
}

u16 tcp_peer_mss(struct tcp_pcb *p, u16 said)
{
	u16 mss = said && said < TCP_MSS ? said : TCP_MSS;

	p->x.said = LWIP_MAX(mss, MSS_LEAST);
	return tcp_own_mss(p, p->x.said);
}

static u16 options(const struct tcp_seg *s)
{
	return LWIP_TCP_OPT_LENGTH(s->flags);
}

static u16 with_options(const struct tcp_seg *s)
{
	return (u16)(s->len + options(s));
}

/* ---- cutting ---- */

/* s keeps `keep` bytes, and a new one behind it gets the others. False without memory. */
static bool split(struct tcp_pcb *p, struct tcp_seg *s, u16 keep)
{
	struct tcp_seg *head = p->unsent;
	err_t e;

	if (s->p->ref != 1 || p->snd_queuelen >= TCP_SND_QUEUELEN - 64)
		return false; /* it waits for its neighbour's address; there are too many */
	p->unsent = s;	      /* whose head is the only one that lwIP cuts */
	e = tcp_split_unsent_seg(p, keep);
	p->unsent = head;
	if (e != ERR_OK)
		return false;
	s->next->sent = s->sent;
	return true;
}

bool tcp_mss_fits(struct tcp_pcb *p, struct tcp_seg *s)
{
	u16 most = (u16)(p->mss - options(s));

	/* From behind, as what is cut off is copied. */
	while (unlikely(s->len > most))
		if (!split(p, s, (u16)((s->len - 1) / most * most)))
			return false;
	return true;
}

/* Segments have no more than mss bytes from now on; those that are queued are cut when they go out. */
static void shrink(struct tcp_pcb *p, u16 mss)
{
	struct tcp_seg *last = p->unsent;
	u16 used;

	p->mss = mss;
	while (last && last->next)
		last = last->next;
	if (last) { /* lwIP hangs bytes behind it */
		used = with_options(last);
		p->unsent_oversize = LWIP_MIN(p->unsent_oversize, mss - LWIP_MIN(mss, used));
	}
	if (recovery_too_large(p, mss) && !(p->flags & TF_SACK))
		tcp_rexmit_rto_prepare(p);
}

/* ---- how large ---- */

static u16 allowed(const struct tcp_pcb *p)
{
	struct netif *n = tcp_route_hook(p, &p->local_ip, &p->remote_ip);
	u16 mss = tcp_own_mss(p, p->x.said ? p->x.said : MSS_UNTOLD);

	if (n) {
		path_discovery = p->x.discovery;
		mss = tcp_eff_send_mss_netif(mss, n, &p->remote_ip);
		path_discovery = PATH_DISCOVERY_DEFAULT;
	}
	if (p->x.hole)
		mss = LWIP_MIN(mss, p->x.hole);
	return LWIP_MAX(mss, MSS_LEAST);
}

void tcp_mss_sync(struct tcp_pcb *p)
{
	const struct path_mtu *path;
	struct netif *n;
	u16 mss;

	if (p->state < ESTABLISHED)
		return;
	n = tcp_route_hook(p, &p->local_ip, &p->remote_ip);
	path = path_learned(n, &p->remote_ip);
	mss = allowed(p);
	p->x.paths_seen = p->x.net->paths_changes;
	if (!p->x.hole)
		p->x.mss_until = path ? path->expires : 0;
	if (mss < p->mss)
		shrink(p, mss);
	else
		p->mss = mss;
}

void tcp_mss_check(struct tcp_pcb *p)
{
	if (p->state < ESTABLISHED)
		return;
	if (likely(p->x.paths_seen == p->x.net->paths_changes &&
		   (!p->x.mss_until || net_now() < p->x.mss_until)))
		return;
	if (p->x.mss_until && net_now() >= p->x.mss_until)
		p->x.hole = p->x.suspect = 0;
	tcp_mss_sync(p);
}

/* ---- black holes ---- */

/* The size to try next where one of mss does not arrive; 0: none. */
static u16 smaller(const struct tcp_pcb *p, u16 mss)
{
	s64 base = net_sysctl(p->x.net, SYSCTL_TCP_BASE_MSS);

	base = LWIP_MIN(LWIP_MAX(base, MSS_LEAST), TCP_MSS);
	if (mss > base)
		return (u16)base;
	return mss / 2 >= HOLE_LEAST ? mss / 2 : 0;
}

void tcp_mss_timeout(struct tcp_pcb *p)
{
	struct tcp_seg *s = p->unacked;
	u16 size = s ? with_options(s) : 0, next = smaller(p, size);

	if (!next || p->state < ESTABLISHED || p->netif_idx == LOOP_INDEX ||
	    !net_sysctl(p->x.net, SYSCTL_TCP_MTU_PROBING))
		return;
	if (p->x.suspect && TCP_SEQ_GT(p->lastack, p->x.suspect_end))
		p->x.suspect = 0; /* more went through than its pieces */
	if (p->x.suspect && p->lastack == p->x.suspect_end && size > p->x.suspect) {
		p->x.hole = p->x.suspect;
		p->x.suspect = 0;
		p->x.mss_until = net_now() + (u64)net_sysctl(p->x.net, SYSCTL_MTU_EXPIRES) * NS;
		tcp_mss_sync(p);
		return;
	}
	if (p->nrtx < HOLE_RETRIES)
		return;
	if (!p->x.suspect || TCP_SEQ_GEQ(p->lastack, p->x.suspect_end))
		p->x.suspect_end = lwip_ntohl(s->tcphdr->seqno) + s->len;
	p->x.suspect = next;
	for (; s && TCP_SEQ_LT(lwip_ntohl(s->tcphdr->seqno), p->x.suspect_end); s = s->next)
		if (with_options(s) > next && !split(p, s, (u16)(next - options(s))))
			return;
}
