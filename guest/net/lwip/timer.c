/*
 * timer.c - lwIP's periodic functions, run only while one of them has something to do.
 *
 * TCP counts in ticks of 25 ms: retransmission, delayed acknowledgements, persist. They run while a connection has
 * something in flight; connections that have not are parked (pcbs.c). What is further away (keep-alive, TIME_WAIT) gets one
 * late timer, and the ticks in between are added at once. Without either there is no timer, so idle sandboxes do not wake
 * up. Neighbours, groups and fragments
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
#include "task/time/timer.h"

#define MS	    1000000ULL
#define TICK	    (TCP_TMR_INTERVAL * MS)
#define SLOW	    (2 * TICK)
#define SECOND	    (1000 * MS)
#define QUIET_AFTER 30 /* seconds without a frame after which neighbours are left alone */

static struct ktimer tcp_timer, link_timer;
static u64 ticked;   /* when tcp_ticks was last brought up to date */
static u64 deadline; /* of tcp_timer; 0: off */
static bool ticking; /* each tick comes */
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

u32 tcp_fin_wait(const struct tcp_pcb *p)
{
	return p->x.fin_timeout ? p->x.fin_timeout : TCP_FIN_WAIT_TIMEOUT;
}

/* The tick at which a connection without traffic wants attention; 0: never. */
static u32 due(const struct tcp_pcb *p)
{
	u32 after = 0;

	if (ip_get_option(p, SOF_KEEPALIVE))
		after = p->keep_idle + p->keep_cnt_sent * p->keep_intvl;
	if (p->state == FIN_WAIT_2 && (p->flags & TF_RXCLOSED))
		after = after ? MIN(after, tcp_fin_wait(p)) : tcp_fin_wait(p);
	if (!after)
		return 0;
	after = p->tmr + after / TCP_SLOW_INTERVAL + 1;
	if ((s32)(after - tcp_ticks) <= 0)
		after = tcp_ticks + 1;
	return after ? after : 1;
}

static void park_idle(void)
{
	struct tcp_pcb *p, *next;

	for (p = tcp_active_pcbs; p; p = next) {
		next = p->next;
		if (!counts(p))
			pcbs_park(p, due(p));
	}
}

/* When the next tick is wanted: ns from now, or 0 for never. */
static u64 next_tick(void)
{
	u32 ticks;

	if (tcp_active_pcbs)
		return TICK;
	return pcbs_next_due(&ticks) ? ticks * SLOW : 0;
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

void timers_catch_up(void)
{
	if (!ticking)
		catch_up(net_now());
}

void timers_arm(void)
{
	u64 delay = next_tick(), now;

	if (!delay)
		return;
	now = net_now();
	if (deadline && deadline <= now + delay)
		return;
	ticking = delay == TICK;
	start(now, delay);
}

static void tcp_fire(struct ktimer *t)
{
	u64 now, next;

	net_enter(&net_first);
	now = net_now();
	catch_up(now);
	pcbs_wake_due(tcp_ticks + 1);
	for (; ticked + TICK <= now; ticked += TICK)
		tcp_tmr();
	loop_run();
	park_idle();
	next = next_tick();
	deadline = 0;
	ticking = next == TICK;
	if (next)
		start(now, next);
	net_leave();
}

/* A second has passed: of each namespace, since lwIP looks at one list of interfaces, and at net_tables. */
static void link_tick(void)
{
	struct net_ns *net;

	list_for_each(net, &net_all, all_node) {
		net_switch(net);
		etharp_tmr();
		nd6_tmr();
		ip_reass_tmr();
		ip6_reass_tmr();
		for (unsigned k = 0; k < 10; k++) {
			igmp_tmr();
			mld6_tmr();
		}
	}
	net_switch(&net_first);
}

static void link_fire(struct ktimer *t)
{
	u64 now;

	net_enter(&net_first);
	now = net_now();
	for (unsigned n = 0; link_ticked + SECOND <= now; link_ticked += SECOND, n++) {
		if (n >= 600) {
			link_ticked = now;
			break;
		}
		link_tick();
	}
	if (--link_left)
		ktimer_start(&link_timer, now + SECOND);
	net_leave();
}

void timers_device_active(void)
{
	if (!link_left)
		ktimer_start(&link_timer, net_now() + SECOND);
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
