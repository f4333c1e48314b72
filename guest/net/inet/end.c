/*
 * end.c - the network at the end of the sandbox. Linux's kernel stays when a process ends: what it wrote still reaches its
 * peers, and they hear that the connection is closed. Here the stack goes with the sandbox, so it closes what is open and waits
 * until the peers have it all. It gives up when they have taken nothing for STALL_NS, and after END_NS in any case. A sandbox
 * that owes nobody anything does not wait.
 */
#include "lwip/priv/tcp_priv.h"
#include "net/end.h"
#include "net/inet/inet.h"
#include "net/virtio.h"
#include "platform/platform.h"
#include "task/wait.h"

#define MS	 1000000ULL
#define STALL_NS (3000 * MS) /* some retransmissions of one segment */
#define END_NS	 (30000 * MS)
/* the first look again; each one after it is twice as far, up to LAST_NS */
#define FIRST_NS (MS / 4)
#define LAST_NS	 (16 * MS)

/* To itself: nobody is left to read it. */
static bool inside(const struct tcp_pcb *p)
{
	return ip_addr_isloopback(&p->remote_ip) || ip_addr_cmp(&p->remote_ip, &p->local_ip);
}

static void close_all(void)
{
	struct inet_sock *k;

	net_enter(&net_first);
	list_for_each(k, &inet_all, all_node) {
		if (!inet_is_stream(k) || !k->pcb || inside(k->pcb))
			continue;
		net_switch(k->s.net);
		tcp_sk_end(k);
	}
	net_leave();
}

/* Bytes, and ends, of connections without a socket that are not acknowledged. */
static u64 owed(void)
{
	const struct tcp_pcb *p;
	u64 sum = 0;

	spin_lock(&net_lock);
	for (p = tcp_active_pcbs; p; p = p->next)
		if (!p->callback_arg && (p->unsent || p->unacked) && !inside(p))
			sum += (u32)(p->snd_lbb - p->lastack);
	spin_unlock(&net_lock);
	return sum;
}

static bool all_sent(u64 left)
{
	return !left && virtio_net_sent();
}

void net_end(void)
{
	u64 now, left, was, step = FIRST_NS, stalled, end;
	struct waitq q;

	close_all();
	waitq_init(&q);
	now = clock_mono();
	end = now + END_NS;
	stalled = now + STALL_NS;
	left = owed();
	while (!all_sent(left) && now < MIN(stalled, end)) {
		(void)wait_event(&q, SLEEP_UNINTERRUPTIBLE, now + step, false);
		step = MIN(2 * step, LAST_NS);
		now = clock_mono();
		was = left;
		left = owed();
		if (left < was)
			stalled = now + STALL_NS;
	}
}
