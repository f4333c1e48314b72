/*
 * tcp_defer.c - TCP_DEFER_ACCEPT: a connection on which nothing has come yet is not offered to accept(2), until its time is
 * over. All under net_lock.
 *
 * Differs from Linux: the handshake is done meanwhile, not repeated; and a listener that defers as many as its backlog is long
 * offers further ones at once, where Linux does so by SYN cookies.
 */
#include "net/inet/inet.h"
#include "platform/platform.h"
#include "task/time/timer.h"

#define NSEC_PER_SEC  1000000000ULL
#define FIRST_TIMEOUT 1	  /* s: of Linux's SYN-ACK; the next ones double, up to */
#define LAST_TIMEOUT  120 /* s */
#define TIMES_MAX     255

static struct list waiting = LIST_INIT(waiting); /* struct inet_sock, by accept_node */
static void fire(struct ktimer *t);
static struct ktimer timer = { .fn = fire };

u8 tcp_defer_times(s32 seconds)
{
	s32 timeout = FIRST_TIMEOUT, period = FIRST_TIMEOUT;
	u8 times = seconds > 0;

	for (; seconds > period && times < TIMES_MAX; times++) {
		timeout = MIN(timeout * 2, LAST_TIMEOUT);
		period += timeout;
	}
	return times;
}

s32 tcp_defer_seconds(u8 times)
{
	s32 timeout = FIRST_TIMEOUT, period = times ? FIRST_TIMEOUT : 0;

	while (times-- > 1) {
		timeout = MIN(timeout * 2, LAST_TIMEOUT);
		period += timeout;
	}
	return period;
}

static void arm(void)
{
	const struct inet_sock *k;
	u64 first = 0;

	list_for_each(k, &waiting, accept_node)
		if (!first || k->defer_until < first)
			first = k->defer_until;
	if (first)
		ktimer_start(&timer, first);
}

bool tcp_defer(struct inet_sock *k)
{
	struct inet_sock *l = k->listener;

	if (!l->defer_accept || l->nr_deferred > l->backlog)
		return false;
	k->deferred = true;
	k->defer_until = clock_mono() + (u64)tcp_defer_seconds(l->defer_accept) * NSEC_PER_SEC;
	list_add_tail(&waiting, &k->accept_node);
	l->nr_deferred++;
	arm();
	return true;
}

static void leave(struct inet_sock *k)
{
	k->deferred = false;
	k->listener->nr_deferred--;
}

void tcp_defer_end(struct inet_sock *k)
{
	leave(k);
	list_del(&k->accept_node);
	tcp_offer(k);
}

void tcp_defer_drop(const struct inet_sock *l)
{
	struct inet_sock *k, *next;

	list_for_each_safe(k, next, &waiting, accept_node)
		if (k->listener == l) {
			leave(k);
			tcp_sk_drop(k);
		}
}

static void fire(struct ktimer *t)
{
	struct inet_sock *k, *next;
	u64 now = clock_mono();

	net_enter(&net_first);
	list_for_each_safe(k, next, &waiting, accept_node) {
		if (k->defer_until > now)
			continue;
		if (k->pcb) {
			tcp_defer_end(k);
		} else { /* the peer has given up */
			leave(k);
			tcp_sk_drop(k);
		}
	}
	arm();
	net_leave();
}
