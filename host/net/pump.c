/*
 * pump.c - a pair's thread (pump.h): it takes what came and sends what is to go, and looks again for a while before it
 * sleeps. Pair 0's thread also tells the Sentry what the device is, and when it went away.
 */
#include <errno.h>
#include <poll.h>
#include <sched.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "host/clock.h"
#include "host/ctl.h"
#include "host/jail.h"
#include "host/net/pump.h"
#include "host/sandbox.h"

#define NET_SPIN_MAX 50000 /* ns: about what a wake-up of an idle CPU costs, there and back */
#define NET_SPIN_MIN 1000
/* With fewer, the sandbox or who talks to it wants the CPU that looking takes: measured, docs/benchmarks.md. */
#define NET_SPIN_CPUS 4
#define YIELD_NS      4000 /* sched_yield takes longer only if somebody else ran */
#define HOLD	      64

static const int pump_syscalls[] = {
	SYS_read,	 SYS_write,	    SYS_readv,	     SYS_writev,
	SYS_recvmmsg,	 SYS_sendmmsg,	    SYS_poll,	     SYS_restart_syscall,
	SYS_sched_yield, SYS_clock_gettime, SYS_getsockname, SYS_exit_group,
};

static uint64_t now_ns(void)
{
	return clock_now_ns(CLOCK_MONOTONIC);
}

void net_rest(void)
{
	for (;;)
		poll(NULL, 0, -1);
}

void net_await_rest(const struct pump *p)
{
	struct pollfd rest = { p->fd, POLLIN, 0 };

	poll(&rest, 1, -1);
}

static void wake_sentry(struct pump *p, unsigned queue, struct net_counters *c)
{
	c->interrupts++;
	queue_notify(p->n->sb, queue);
}

static void take_doorbell(struct pump *p, unsigned queue, struct net_counters *c)
{
	uint64_t v;

	if (read(p->n->sb->kick_fd[queue], &v, 8) == 8)
		c->doorbells++;
}

/* Give the device's description to the Sentry, when it has room for it. */
static void tell(struct pump *p)
{
	const struct net_config *config = &p->n->config;
	struct ring_chain *c = &p->chain;

	for (;;) {
		int got = ring_dev_pop(&p->cfg, c);

		if (got == -EPROTO)
			return;
		if (got == 0) {
			struct pollfd bell = { p->n->sb->kick_fd[RING_Q_NET_CFG], POLLIN, 0 };

			if (!ring_dev_arm(&p->cfg) && poll(&bell, 1, -1) == 1)
				take_doorbell(p, RING_Q_NET_CFG, &p->pair->rx);
			continue;
		}
		if (got == 1 && c->nin && c->iov[c->nout].iov_len >= sizeof(*config)) {
			memcpy(c->iov[c->nout].iov_base, config, sizeof(*config));
			ring_dev_push(&p->cfg, c->head, sizeof(*config));
			break;
		}
		if (got == 1)
			ring_dev_push(&p->cfg, c->head, 0);
	}
	if (ring_dev_publish(&p->cfg))
		wake_sentry(p, RING_Q_NET_CFG, &p->pair->rx);
}

/* Nothing comes from there any more. What is sent finds out by itself. */
static void gone(struct pump *p)
{
	p->rx.dead = true;
	if (p->pair != p->n->pair)
		return;
	p->n->config.flags &= ~(uint32_t)NET_UP;
	tell(p);
}

static void publish(struct pump *p)
{
	if (ring_dev_publish(&p->rx.rd))
		wake_sentry(p, p->rx.queue, &p->pair->rx);
	if (ring_dev_publish(&p->tx.rd))
		wake_sentry(p, p->tx.queue, &p->pair->tx);
}

/* Move what there is, in both directions. Was there anything? */
static bool move(struct pump *p)
{
	int got = net_receive(p);
	bool sent;

	if (got < 0)
		gone(p);
	if (got)
		publish(p); /* before we send: that may take long */
	sent = net_send(p);
	if (sent)
		p->rx.drained = false; /* it took time, and may have been answered */
	publish(p);
	return got || sent;
}

static void spin_init(struct net_spin *s)
{
	cpu_set_t set;

	s->off = sched_getaffinity(0, sizeof(set), &set) < 0 || CPU_COUNT(&set) < NET_SPIN_CPUS;
}

/* There was nothing. Is it worth to look again at once? */
static bool look_again(struct net_spin *s)
{
	uint64_t before;

	if (s->off || s->ns < NET_SPIN_MIN)
		return false;
	before = now_ns();
	if (!s->since)
		s->since = before;
	if (before - s->since >= s->ns) {
		s->ns /= 2;
		return false;
	}
	sched_yield();
	if (now_ns() - before > YIELD_NS) {
		s->ns = 0;
		s->hold = HOLD;
		return false;
	}
	return true;
}

/* Something came after so much sleep. */
static void slept(struct net_spin *s, uint64_t ns)
{
	if (s->hold) {
		s->hold--;
		return;
	}
	if (ns < NET_SPIN_MAX && s->ns < NET_SPIN_MAX)
		s->ns = s->ns < NET_SPIN_MIN ? NET_SPIN_MIN : s->ns * 2;
	if (ns < NET_SPIN_MAX && s->ns < ns)
		s->ns = (unsigned)ns;
}

/* Sleep until there is something to do. */
static void await(struct pump *p)
{
	struct net *n = p->n;
	bool starved = net_receive_starved(p);
	struct pollfd on[3] = {
		{ p->fd,
		  (short)((starved || p->rx.dead ? 0 : POLLIN) | (p->tx.blocked ? POLLOUT : 0)),
		  0 },
		{ n->sb->kick_fd[p->tx.queue], POLLIN, 0 },
		{ n->sb->kick_fd[p->rx.queue], POLLIN, 0 },
	};
	uint64_t before;

	p->spin.since = 0;
	if (!on[0].events)
		on[0].fd = -1;
	/* Ask for doorbells where we would do something about it. */
	if ((!p->tx.blocked && ring_dev_arm(&p->tx.rd)) || (starved && ring_dev_arm(&p->rx.rd)))
		return;
	before = now_ns();
	p->pair->sleeps++;
	poll(on, starved ? 3 : 2, -1);
	p->rx.drained = on[0].fd >= 0 && !on[0].revents;
	slept(&p->spin, now_ns() - before);
	if (on[1].revents)
		take_doorbell(p, p->tx.queue, &p->pair->tx);
	if (starved && on[2].revents)
		take_doorbell(p, p->rx.queue, &p->pair->rx);
}

static void start(struct pump *p, struct net_pair *pair)
{
	struct net *n = pair->n;
	unsigned index = (unsigned)(pair - n->pair);
	uint64_t v;

	p->n = n;
	p->pair = pair;
	spin_init(&p->spin);
	if (jail_seccomp_thread(pump_syscalls, sizeof(pump_syscalls) / sizeof(int)) < 0)
		_exit(125);
	while (read(pair->attach_fd, &v, 8) != 8)
		;
	p->fd = pair->fd;
	p->rx.queue = RING_Q_NET + 2 * (n->config.pair + index);
	p->tx.queue = p->rx.queue + 1;
	net_receive_init(p);
	net_send_init(p);
}

void *net_pump_main(void *arg)
{
	static struct pump pumps[NET_PAIRS]; /* too large for a stack; touched when it is used */
	struct net_pair *pair = arg;
	struct pump *p = &pumps[pair - pair->n->pair];
	const uint64_t one = 1;

	start(p, pair);
	if (pair == pair->n->pair) {
		ring_dev_init(&p->cfg, p->n->sb->arena, p->n->sb->arena_size, RING_Q_NET_CFG);
		tell(p);
		if (write(p->n->told_fd, &one, 8) != 8)
			_exit(125);
	}
	for (;;) {
		if (move(p))
			p->spin.since = 0;
		else if (look_again(&p->spin))
			p->rx.drained = false;
		else
			await(p);
	}
}
