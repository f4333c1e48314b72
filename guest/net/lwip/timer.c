/*
 * timer.c - lwIP's periodic functions, run only while one of them has something to do.
 *
 * TCP counts in ticks of 25 ms: retransmission, delayed acknowledgements, persist. They run while a connection has
 * something in flight; what is further away (keep-alive, TIME_WAIT) gets one late timer, and the ticks in between are
 * added at once. Without either there is no timer, so idle sandboxes do not wake up. Neighbours, groups and fragments
 * count in seconds, and only for some time after frames moved. All under net_lock.
 */
#include "lwip/etharp.h"
#include "lwip/igmp.h"
#include "lwip/ip4_frag.h"
#include "lwip/ip6_frag.h"
#include "lwip/mld6.h"
#include "lwip/nd6.h"
#include "lwip/priv/tcp_priv.h"
#include "net/lwip/stack.h"
#include "platform/platform.h"
#include "task/timer.h"

#define MS	    1000000ULL
#define TICK	    (TCP_TMR_INTERVAL * MS)
#define SLOW	    (2 * TICK)
#define SECOND	    (1000 * MS)
#define QUIET_AFTER 30 /* seconds without a frame after which neighbours are left alone */

static struct ktimer tcp_timer, link_timer;
static u64 ticked;   /* when tcp_ticks was last brought up to date */
static u64 deadline; /* of tcp_timer; 0: off */
static u64 link_ticked;
static unsigned link_left; /* seconds to go on; 0: off */

/* Does this connection count ticks? */
static bool counts(const struct tcp_pcb *p)
{
	if (p->unsent || p->unacked || p->ooseq || p->refused_data || p->persist_backoff)
		return true;
	if (p->flags & (TF_ACK_DELAY | TF_ACK_NOW | TF_CLOSEPEND))
		return true;
	return p->state != ESTABLISHED && p->state != CLOSE_WAIT && p->state != FIN_WAIT_2;
}

/* Ticks from now to `after` ms behind the last activity of p. */
static u32 ticks_left(const struct tcp_pcb *p, u32 after)
{
	u32 due = after / TCP_SLOW_INTERVAL + 1, gone = tcp_ticks - p->tmr;

	return due > gone ? due - gone : 1;
}

/* When the next tick is wanted: ns from now, or 0 for never. */
static u64 next_tick(void)
{
	u32 best = ~0u, t;
	struct tcp_pcb *p;

	for (p = tcp_active_pcbs; p; p = p->next) {
		if (counts(p))
			return TICK;
		if (ip_get_option(p, SOF_KEEPALIVE)) {
			t = ticks_left(p, p->keep_idle + p->keep_cnt_sent * p->keep_intvl);
			best = MIN(best, t);
		}
		if (p->state == FIN_WAIT_2 && (p->flags & TF_RXCLOSED)) {
			t = ticks_left(p, TCP_FIN_WAIT_TIMEOUT);
			best = MIN(best, t);
		}
	}
	for (p = tcp_tw_pcbs; p; p = p->next) {
		t = ticks_left(p, 2 * TCP_MSL);
		best = MIN(best, t);
	}
	return best == ~0u ? 0 : best * SLOW;
}

static void start(u64 now, u64 delay)
{
	deadline = now + delay;
	ktimer_start(&tcp_timer, deadline);
}

/* The ticks that nobody needed. */
static void catch_up(u64 now)
{
	u64 n = (now - ticked) / SLOW;

	if (n > 1) {
		tcp_ticks += (u32)(n - 1);
		ticked += (n - 1) * SLOW;
	}
}

void timers_arm(void)
{
	u64 now;

	if (!tcp_active_pcbs && !tcp_tw_pcbs)
		return;
	now = clock_mono();
	if (deadline && deadline <= now + TICK)
		return;
	catch_up(now);
	start(now, TICK);
}

static void tcp_fire(struct ktimer *t)
{
	u64 now = clock_mono(), next;

	spin_lock(&net_lock);
	catch_up(now);
	for (; ticked + TICK <= now; ticked += TICK)
		tcp_tmr();
	loop_run();
	device_flush();
	next = next_tick();
	deadline = 0;
	if (next)
		start(now, next);
	spin_unlock(&net_lock);
}

static void link_fire(struct ktimer *t)
{
	u64 now = clock_mono();

	spin_lock(&net_lock);
	for (unsigned n = 0; link_ticked + SECOND <= now; link_ticked += SECOND, n++) {
		if (n >= 600) {
			link_ticked = now;
			break;
		}
		etharp_tmr();
		nd6_tmr();
		ip_reass_tmr();
		ip6_reass_tmr();
		for (unsigned k = 0; k < 10; k++) {
			igmp_tmr();
			mld6_tmr();
		}
	}
	if (--link_left)
		ktimer_start(&link_timer, now + SECOND);
	net_leave();
}

void timers_device_active(void)
{
	u64 now = clock_mono();

	if (!link_left)
		ktimer_start(&link_timer, now + SECOND);
	link_left = QUIET_AFTER;
}

void tcp_timer_needed(void)
{
	/* timers_arm looks at every net_leave */
}

void timers_init(void)
{
	ticked = link_ticked = clock_mono();
	ktimer_init(&tcp_timer, tcp_fire);
	ktimer_init(&link_timer, link_fire);
}
