/*
 * cubic.c - how the congestion window grows: slow start (RFC 5681), whose end by delay is HyStart++'s (RFC 9406), and CUBIC
 * (RFC 9438), or Reno's (RFC 5681) for who asks for that. What it does after a loss is here too; when something is lost, recovery.c
 * knows.
 *
 * Growth counts bytes that were acknowledged, not acknowledgements: with segmentation offload one of these stands for dozens of
 * segments. It stops while the window is not what limits the sender, as it says nothing about the path then.
 *
 * Under net_lock. No allocation, no division on the way of a connection that is limited by something else.
 */
#include "lwip/priv/tcp_priv.h"
#include "net/lwip/stack.h"

#define CWND_MAX    ((u32)TCP_SND_BUF)
#define DELAY_MIN   4000 /* us by which a round trip must have grown to end slow start */
#define DELAY_MAX   16000
#define SAMPLES_MIN 8	  /* round trips of a window that are needed to judge it */
#define SPAN_MAX_MS 30000 /* the cube of more, by a segment, does not fit into 64 bits */
#define NS_PER_MS   1000000ULL

/* Does the window hold back what could be sent? acked: just now, so it was on its way a moment ago. */
static bool limits(const struct tcp_pcb *p, u32 acked)
{
	u64 flight = (u64)(p->snd_nxt - p->lastack) + acked;

	/* What goes out as one frame waits until all of it fits. */
	return p->cwnd < p->ssthresh ? 2 * flight >= p->cwnd : 4 * flight >= 3ULL * p->cwnd;
}

static void grow(struct tcp_pcb *p, u64 by)
{
	p->cwnd = (tcpwnd_size_t)MIN(p->cwnd + by, (u64)MAX(CWND_MAX, p->cwnd));
}

/* A window's round trips are all longer than those of the one before: a queue builds up, and the next would overflow it. */
static bool queue_grows(struct tcp_pcb *p)
{
	struct tcp_extra *x = &p->x;

	if (TCP_SEQ_GT(p->lastack, x->round_end)) {
		x->last_rtt = x->round_samples ? x->round_rtt : 0;
		x->round_end = p->snd_nxt;
		x->round_rtt = ~0u;
		x->round_samples = 0;
	}
	if (!x->rack_rtt)
		return false;
	x->round_rtt = MIN(x->round_rtt, x->rack_rtt);
	if (x->round_samples < SAMPLES_MIN)
		x->round_samples++;
	return x->last_rtt && x->round_samples == SAMPLES_MIN &&
	       x->round_rtt >=
		       x->last_rtt + MIN(MAX(x->last_rtt / 8, (u32)DELAY_MIN), (u32)DELAY_MAX);
}

static u32 cube_root(u64 v)
{
	u64 r = 0;

	for (u64 bit = 1ULL << 20; bit; bit >>= 1)
		if ((r | bit) * (r | bit) * (r | bit) <= v)
			r |= bit;
	return (u32)r;
}

/* W_cubic(t) = 0.4 (t - K)^3 + W_max, in segments and seconds; here in bytes and ms. K is when W_max is reached again. */
static void begin_epoch(struct tcp_pcb *p, u64 now)
{
	struct tcp_extra *x = &p->x;

	x->epoch = now;
	x->reno = p->cwnd;
	x->w_max = MAX(x->w_max, p->cwnd);
	x->k = cube_root((u64)(x->w_max - p->cwnd) / p->mss * 2500000000ULL);
}

static u64 cubic_target(const struct tcp_pcb *p, u64 now)
{
	const struct tcp_extra *x = &p->x;
	s64 t = (s64)((now - x->epoch) / NS_PER_MS) + x->srtt / 1000 - x->k;
	s64 w;

	t = MAX(MIN(t, (s64)SPAN_MAX_MS), -(s64)SPAN_MAX_MS);
	w = (s64)x->w_max + t * t * t * p->mss / 2500000000LL;
	return (u64)MAX(w, (s64)p->cwnd);
}

static void avoid_congestion(struct tcp_pcb *p, u32 acked, u64 now)
{
	struct tcp_extra *x = &p->x;
	u64 target, share;

	if (x->only_reno) {
		grow(p, ((u64)acked * p->mss + p->cwnd - 1) / p->cwnd);
		return;
	}
	if (!x->epoch)
		begin_epoch(p, now);
	/* What Reno would have, with CUBIC's gentler cut until it is back where it was: the least that is fair to ask for. */
	share = x->reno < x->w_max ? 53 : 100;
	x->reno = (u32)MIN(x->reno + (u64)acked * p->mss * share / 100 / p->cwnd, (u64)CWND_MAX);
	target = MAX(cubic_target(p, now), (u64)x->reno);
	target = MIN(target, (u64)p->cwnd * 3 / 2);
	grow(p, (target - MIN(target, (u64)p->cwnd)) * acked / p->cwnd);
}

void congestion_acked(struct tcp_pcb *p, u32 acked)
{
	if (!limits(p, acked)) {
		p->x.epoch = 0;
		return;
	}
	if (p->cwnd >= p->ssthresh) {
		avoid_congestion(p, acked, net_now());
		return;
	}
	if (queue_grows(p))
		p->ssthresh = p->cwnd;
	else
		grow(p, acked);
}

void congestion_loss(struct tcp_pcb *p)
{
	struct tcp_extra *x = &p->x;
	tcpwnd_size_t w = MIN(p->cwnd, p->snd_wnd);

	/* Below the last maximum: somebody else came, who is to find room. */
	x->w_max = w < x->w_max ? w / 20 * 17 : w;
	x->epoch = 0;
	p->ssthresh = MAX(x->only_reno ? w / 2 : w / 10 * 7, 2u * p->mss);
	p->cwnd = p->ssthresh;
}

void congestion_timeout(struct tcp_pcb *p)
{
	p->x.w_max = 0;
	p->x.epoch = 0;
}
