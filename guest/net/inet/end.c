/*
 * end.c - the network at the end of the sandbox. Linux's kernel stays when a process ends: what it wrote still reaches its
 * peers, and they hear that the connection is closed. Here the stack goes with the sandbox, so it closes what is open and waits
 * until the peers have it all, for END_NS at most. A sandbox that owes nobody anything does not wait.
 */
#include "lwip/priv/tcp_priv.h"
#include "net/end.h"
#include "net/inet/inet.h"
#include "net/virtio.h"
#include "platform/platform.h"
#include "task/wait.h"

#define END_NS	 2000000000ULL
#define FIRST_NS 250000ULL /* the first look again; each one after it is twice as far */

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

/* Do connections without a socket have something that is not acknowledged? */
static bool owes(void)
{
	const struct tcp_pcb *p;
	bool ret = false;

	spin_lock(&net_lock);
	for (p = tcp_active_pcbs; p && !ret; p = p->next)
		ret = !p->callback_arg && (p->unsent || p->unacked) && !inside(p);
	spin_unlock(&net_lock);
	return ret;
}

void net_end(void)
{
	u64 deadline = clock_mono() + END_NS, step = FIRST_NS;
	struct waitq q;

	close_all();
	waitq_init(&q);
	for (; (owes() || !virtio_net_sent()) && clock_mono() < deadline; step *= 2)
		(void)wait_event(&q, SLEEP_UNINTERRUPTIBLE, MIN(clock_mono() + step, deadline),
				 false);
}
