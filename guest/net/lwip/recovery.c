/*
 * recovery.c - what a TCP sender does about losses, where the peer tells by SACK what arrived (guest/net/patches/recovery.patch).
 *
 * The marks are on the segments of pcb->unacked: arrived (SACKED), taken for lost (LOST), sent again (RESENT). A segment is
 * lost when one that was sent later has arrived and there was time for it to arrive, too (RACK, RFC 8985): that finds lost
 * retransmissions as well as lost originals, and does not take a segment that was overtaken for lost. The time to wait is
 * none once three have arrived above a hole, until overtaking was seen; then a quarter of the round trip, and more each time
 * that this was too short (DSACK, RFC 2883). If nothing comes at all, the last segment is sent again after two round trips, so
 * that its acknowledgement tells about those before it (a tail loss probe).
 *
 * What may be on its way is the congestion window (RFC 6675's pipe): the bytes between lastack and snd_nxt without those
 * that arrived or are lost, x.gap; cubic.c says how large the window is. The timeout takes everything that has not arrived for
 * lost.
 *
 * All under net_lock. One timer serves all connections, at the earliest time that one of them wants.
 */
#include <string.h>

#include "lwip/priv/tcp_priv.h"
#include "lwip/sys.h"
#include "net/lwip/stack.h"
#include "platform/platform.h"
#include "task/time/timer.h"

#define SEG_SACKED 0x20 /* tcp_seg.flags, beside lwIP's own */
#define SEG_LOST   0x40
#define SEG_RESENT 0x80

#define OPT_SACK      5
#define OPT_TIMESTAMP 8
#define BLOCKS_MAX    4
#define DUP_THRESH    3
#define PROBE_LEAST   10000 /* us */
#define PATIENCE_MAX  16

enum recovery_phase { OPEN, RECOVERY, LOSS };

static struct {
	u32 left, right;
} heard[BLOCKS_MAX];
static unsigned nheard;

static struct ktimer timer;
static u64 armed; /* when it fires; 0: off */

static u32 seq_of(const struct tcp_seg *s)
{
	return lwip_ntohl(s->tcphdr->seqno);
}

static u32 end_of(const struct tcp_seg *s)
{
	return seq_of(s) + TCP_TCPLEN(s);
}

static bool enabled(const struct tcp_pcb *p)
{
	return (p->flags & TF_SACK) && p->state >= ESTABLISHED;
}

/* ---- when to look again ---- */

static void arm(struct tcp_pcb *p, u64 when)
{
	p->x.wake = when;
	if (!when || (armed && armed <= when))
		return;
	armed = when;
	ktimer_start(&timer, when);
}

/* Two round trips without a word. */
static u64 probe_at(const struct tcp_pcb *p, u64 now)
{
	return now + (u64)MAX(2 * p->x.srtt, (u32)PROBE_LEAST) * 1000;
}

/* ---- what arrived ---- */

/* The retransmission timeout of RFC 6298, in lwIP's ticks: it would measure one segment in a round trip, by its ticks. */
static void measure(struct tcp_pcb *p, u32 rtt)
{
	struct tcp_extra *x = &p->x;
	u32 off = rtt > x->srtt ? rtt - x->srtt : x->srtt - rtt;

	x->rttvar = x->srtt ? x->rttvar - x->rttvar / 4 + off / 4 : rtt / 2;
	x->srtt = x->srtt ? x->srtt - x->srtt / 8 + rtt / 8 : rtt;
	p->sa = (s16_t)MIN(x->srtt / (TCP_SLOW_INTERVAL * 125u), 0x3fffu); /* in eighths */
	p->sv = (s16_t)MIN((4 * x->rttvar + TCP_SLOW_INTERVAL * 1000 - 1) /
				   (TCP_SLOW_INTERVAL * 1000u),
			   0x3fffu);
}

/*
 * The handshake's round trip, by the timestamp that comes back with its end: also right if a SYN was sent again, after which
 * the timeout would else stay at what it has grown to.
 */
static void echoed(struct tcp_pcb *p, const u8 *echo)
{
	u32 then, rtt;

	if (p->state != SYN_SENT && p->state != SYN_RCVD)
		return;
	memcpy(&then, echo, sizeof(then));
	rtt = sys_now() - lwip_ntohl(then);
	if (!then || rtt > 60000)
		return;
	measure(p, MAX(rtt * 1000, 1000u));
	p->rto = (s16_t)MAX((p->sa >> 3) + p->sv, TCP_RTO_MIN);
}

void recovery_heard(struct tcp_pcb *p, const u8 *opt, unsigned len)
{
	unsigned at = 0, n;

	nheard = 0;
	while (at + 1 < len && opt[at]) {
		if (opt[at] == 1) {
			at++;
			continue;
		}
		n = opt[at + 1];
		if (n < 2 || at + n > len)
			return;
		if (opt[at] == OPT_SACK)
			for (unsigned i = 2; i + 8 <= n && nheard < BLOCKS_MAX; i += 8, nheard++) {
				memcpy(&heard[nheard], opt + at + i, 8);
				heard[nheard].left = lwip_ntohl(heard[nheard].left);
				heard[nheard].right = lwip_ntohl(heard[nheard].right);
			}
		if (opt[at] == OPT_TIMESTAMP && n == 10)
			echoed(p, opt + at + 6);
		at += n;
	}
}

static void delivered(struct tcp_pcb *p, const struct tcp_seg *s, u64 now)
{
	struct tcp_extra *x = &p->x;
	u32 rtt = (u32)MAX((now - s->sent) / 1000, 1ULL);

	if (s->flags & SEG_RESENT) {
		if (rtt < x->min_rtt)
			return; /* too soon for the second copy: it was the first */
	} else {
		if (!x->min_rtt || rtt < x->min_rtt)
			x->min_rtt = rtt;
		measure(p, rtt);
		/* It was overtaken by one that was sent after it. */
		if (s->sent < x->rack_sent && TCP_SEQ_LT(seq_of(s), x->rack_end) && x->rack_sent)
			x->reordered = true;
	}
	if (s->sent > x->rack_sent ||
	    (s->sent == x->rack_sent && TCP_SEQ_GT(end_of(s), x->rack_end))) {
		x->rack_sent = s->sent;
		x->rack_end = end_of(s);
		x->rack_rtt = rtt;
	}
}

void recovery_acked(struct tcp_pcb *p, u32 ackno)
{
	u64 now = net_now();

	if (!enabled(p))
		return;
	for (struct tcp_seg *s = p->unacked; s && TCP_SEQ_LEQ(end_of(s), ackno); s = s->next)
		if (!(s->flags & SEG_SACKED))
			delivered(p, s, now);
	p->x.probed = false;
	p->rttest = 0; /* measured here */
}

static void take_blocks(struct tcp_pcb *p, u64 now)
{
	for (unsigned i = 0; i < nheard; i++) {
		u32 left = heard[i].left, right = heard[i].right;

		if (TCP_SEQ_GEQ(left, right))
			continue;
		if (i == 0 && TCP_SEQ_LEQ(right, p->lastack)) {
			/* It came twice: what we sent again was only late. */
			if (p->x.resent && p->x.patience < PATIENCE_MAX)
				p->x.patience++;
			continue;
		}
		if (TCP_SEQ_LT(left, p->lastack) || TCP_SEQ_GT(right, p->snd_nxt))
			continue;
		for (struct tcp_seg *s = p->unacked; s && TCP_SEQ_LT(seq_of(s), right); s = s->next)
			if (TCP_SEQ_GEQ(seq_of(s), left) && TCP_SEQ_LEQ(end_of(s), right) &&
			    !(s->flags & SEG_SACKED)) {
				delivered(p, s, now);
				s->flags = (u8)((s->flags & ~SEG_LOST) | SEG_SACKED);
				p->x.probed = false;
			}
	}
	nheard = 0;
}

/* ---- what is lost ---- */

static u32 late_after(const struct tcp_pcb *p, unsigned arrived)
{
	const struct tcp_extra *x = &p->x;

	if (!x->reordered && (arrived >= DUP_THRESH || x->phase != OPEN))
		return 0;
	return MIN(x->min_rtt / 4 * (1 + x->patience), x->srtt);
}

/* Mark the losses and count the gap. Is there a new one? *later: when another may be one, or 0. */
static bool find_losses(struct tcp_pcb *p, u64 now, u64 *later)
{
	struct tcp_extra *x = &p->x;
	unsigned arrived = 0;
	bool found = false;
	struct tcp_seg *s;
	u64 limit, when;

	for (s = p->unacked; s; s = s->next)
		arrived += !!(s->flags & SEG_SACKED);
	limit = (u64)(x->rack_rtt + late_after(p, arrived)) * 1000;
	x->gap = 0;
	*later = 0;
	for (s = p->unacked; s; s = s->next) {
		if (!(s->flags & (SEG_SACKED | SEG_LOST)) && x->rack_sent &&
		    (s->sent < x->rack_sent ||
		     (s->sent == x->rack_sent && TCP_SEQ_LT(end_of(s), x->rack_end)))) {
			when = s->sent + limit;
			if (when <= now) {
				s->flags = (u8)((s->flags & ~SEG_RESENT) | SEG_LOST);
				found = true;
			} else if (!*later || when < *later) {
				*later = when;
			}
		}
		if (s->flags & (SEG_SACKED | SEG_LOST))
			x->gap += TCP_TCPLEN(s);
	}
	return found;
}

static void look(struct tcp_pcb *p, u64 now)
{
	struct tcp_extra *x = &p->x;
	bool found;
	u64 later;

	if (x->phase != OPEN && TCP_SEQ_GEQ(p->lastack, x->recover)) {
		if (x->phase == RECOVERY)
			p->cwnd = p->ssthresh;
		x->phase = OPEN;
	}
	found = find_losses(p, now, &later);
	if (found && x->phase == OPEN) {
		x->phase = RECOVERY;
		x->recover = p->snd_nxt;
		x->force = true;
		congestion_loss(p);
		p->rtime = 0;
	}
	if (later)
		arm(p, later);
	else
		arm(p, p->unacked && !x->probed ? probe_at(p, now) : 0);
}

void recovery_update(struct tcp_pcb *p)
{
	u64 now = net_now();

	if (!enabled(p)) {
		nheard = 0;
		return;
	}
	/* Nothing was lost, nothing is out of order: the rule. */
	if (!nheard && !p->x.gap && p->x.phase == OPEN) {
		arm(p, p->unacked && !p->x.probed ? probe_at(p, now) : 0);
		return;
	}
	take_blocks(p, now);
	look(p, now);
}

bool recovery_holds(const struct tcp_pcb *p)
{
	return p->x.phase == RECOVERY;
}

bool recovery_timeout(struct tcp_pcb *p)
{
	struct tcp_extra *x = &p->x;
	bool forgot;

	if (!enabled(p) || !p->unacked)
		return false;
	/* The peer dropped what it had told us of. */
	forgot = p->unacked->flags & SEG_SACKED;
	x->gap = 0;
	for (struct tcp_seg *s = p->unacked; s; s = s->next) {
		if (forgot)
			s->flags = (u8)(s->flags & ~SEG_SACKED);
		if (!(s->flags & SEG_SACKED))
			s->flags = (u8)((s->flags & ~SEG_RESENT) | SEG_LOST);
		x->gap += TCP_TCPLEN(s);
	}
	congestion_timeout(p);
	x->phase = LOSS;
	x->recover = p->snd_nxt;
	x->force = true;
	x->wake = 0;
	p->rto_end = p->snd_nxt;
	tcp_set_flags(p, TF_RTO);
	p->rttest = 0;
	return true;
}

static void lose(struct tcp_pcb *p, struct tcp_seg *s)
{
	if (!(s->flags & SEG_LOST))
		p->x.gap += TCP_TCPLEN(s);
	s->flags = (u8)((s->flags & ~SEG_RESENT) | SEG_LOST);
}

bool recovery_too_large(struct tcp_pcb *p, u16 mss)
{
	bool found = false;

	for (struct tcp_seg *s = p->unacked; s; s = s->next)
		if (!(s->flags & SEG_SACKED) && s->len + LWIP_TCP_OPT_LENGTH(s->flags) > mss) {
			if (enabled(p))
				lose(p, s);
			found = true;
		}
	if (found && enabled(p)) {
		/* Without a smaller window: nothing says that the path is full. */
		p->x.phase = LOSS;
		p->x.recover = p->snd_nxt;
		p->x.force = true;
		p->rttest = 0;
		p->rtime = 0;
	}
	return found;
}

/* ---- sending ---- */

struct tcp_seg *recovery_next(struct tcp_pcb *p)
{
	u32 flight = p->snd_nxt - p->lastack, pipe = flight - MIN(flight, p->x.gap);
	struct tcp_seg *s = p->unacked;

	while (s && !(s->flags & SEG_LOST))
		s = s->next;
	if (!s || !tcp_mss_fits(p, s) || (!p->x.force && pipe && pipe + s->len > p->cwnd))
		return NULL;
	/* The peer took back what it had offered: only a timeout or a probe goes beyond that. */
	if (!p->x.force && TCP_SEQ_GT(end_of(s), p->lastack + p->snd_wnd))
		return NULL;
	return s;
}

void recovery_resent(struct tcp_pcb *p, struct tcp_seg *s)
{
	s->flags = (u8)((s->flags & ~SEG_LOST) | SEG_RESENT);
	p->x.gap -= MIN(p->x.gap, (u32)TCP_TCPLEN(s));
	p->x.force = false;
	p->x.resent++;
	p->rttest = 0;
}

void recovery_sent(struct tcp_pcb *p, struct tcp_seg *s)
{
	s->sent = net_now();
	tcp_unpark(p);
	if (enabled(p) && !p->x.wake && p->x.srtt && !p->x.probed)
		arm(p, probe_at(p, s->sent));
}

/* Nothing came for two round trips: send the last one again. */
static void probe(struct tcp_pcb *p)
{
	struct tcp_seg *s = p->unacked, *last = NULL;

	for (; s; s = s->next)
		if (!(s->flags & (SEG_SACKED | SEG_LOST)))
			last = s;
	p->x.probed = true;
	if (!last)
		return;
	last->flags |= SEG_LOST;
	p->x.gap += TCP_TCPLEN(last);
	p->x.force = true;
}

static void fire(struct ktimer *t)
{
	struct tcp_pcb *p, *next;
	u64 now, least = 0, later;

	net_enter(&net_first);
	now = net_now();
	armed = 0;
	for (p = tcp_active_pcbs; p; p = next) {
		next = p->next;
		if (p->x.wake && p->x.wake <= now && enabled(p)) {
			p->x.wake = 0;
			look(p, now);
			if (!find_losses(p, now, &later) && !later && !p->x.gap && !p->x.probed &&
			    p->unacked)
				probe(p);
			tcp_output(p);
		}
		if (p->x.wake && (!least || p->x.wake < least))
			least = p->x.wake;
	}
	if (least && (!armed || least < armed)) {
		armed = least;
		ktimer_start(&timer, least);
	}
	net_leave();
}

bool tcp_gives_up(const struct tcp_pcb *p)
{
	return p->x.user_timeout && p->nrtx &&
	       (u64)(tcp_ticks - p->tmr) * TCP_SLOW_INTERVAL > p->x.user_timeout;
}

void recovery_init(void)
{
	ktimer_init(&timer, fire);
}
