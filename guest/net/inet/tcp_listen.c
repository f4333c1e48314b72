/*
 * tcp_listen.c - listen(2) and accept(2).
 *
 * A connection gets its socket when its handshake is done and waits in the listener's queue. While that is longer than the
 * backlog, SYNs for it are dropped, as Linux does, and come again later.
 */
#include <string.h>

#include "lwip_hooks.h"
#include "lwip/priv/tcp_priv.h"
#include "lwip/prot/tcp.h"
#include "net/inet/inet.h"
#include "task/task.h"

static err_t on_accept(void *arg, struct tcp_pcb *pcb, err_t err)
{
	struct inet_sock *l = arg, *k;
	struct inet_port *p;

	if (!pcb || err != ERR_OK)
		return ERR_VAL;
	if (!l)
		return ERR_MEM;
	k = inet_alloc(l->s.net, &tcp_ops, l->s.family, SOCK_STREAM, l->s.protocol);
	if (!k)
		return ERR_MEM;
	p = pcb->ext_args[0].data;
	tcp_half_open_done(p);
	p->sk = k;
	p->ref++;
	k->port = p;
	k->state = INET_CONNECTED;
	k->rx_seq = pcb->rcv_nxt;
	k->laddr = pcb->local_ip;
	k->raddr = pcb->remote_ip;
	k->lport = pcb->local_port;
	k->rport = pcb->remote_port;
	k->s.options = READ_ONCE(l->s.options) & ~(u32)SOPT_LISTENING;
	k->s.sndbuf = l->s.sndbuf;
	k->s.rcvbuf = l->s.rcvbuf;
	k->s.rcvlowat = l->s.rcvlowat;
	k->s.rcvtimeo = l->s.rcvtimeo;
	k->s.sndtimeo = l->s.sndtimeo;
	k->s.linger = l->s.linger;
	k->s.priority = l->s.priority;
	k->filter = l->filter;
	filter_get(k->filter.f);
	k->s.mark = l->s.mark;
	k->sndbuf_set = l->sndbuf_set;
	k->rcvbuf_set = l->rcvbuf_set;
	k->v6only = l->v6only;
	k->nodelay = l->nodelay;
	k->reno = l->reno;
	k->tos = l->tos;
	k->ttl = l->ttl;
	k->hops = l->hops;
	k->keep_idle = l->keep_idle;
	k->keep_intvl = l->keep_intvl;
	k->keep_cnt = l->keep_cnt;
	k->user_timeout = l->user_timeout;
	k->maxseg = l->maxseg;
	k->linger2 = l->linger2;
	k->min_ttl = l->min_ttl;
	k->min_hops = l->min_hops;
	k->inq = l->inq;
	k->notsent_lowat = l->notsent_lowat;
	if (addr_is_local(&k->raddr))
		tcp_bind_netif(pcb, &net_cur->loop);
	tcp_sk_adopt(k, pcb);
	k->s.incoming_cpu = (s32)cpu_this()->id;
	k->listener = l;
	list_add_tail(&inet_all, &k->all_node);
	if (!tcp_defer(k))
		tcp_offer(k);
	return ERR_OK;
}

void tcp_offer(struct inet_sock *k)
{
	struct inet_sock *l = k->listener;

	list_add_tail(&l->acceptq, &k->accept_node);
	l->nr_accept++;
	sock_wake_readable(&l->s);
}

/* ---- handshakes under way ---- */

static struct list half_open = LIST_INIT(half_open); /* struct inet_port, the oldest first */
static unsigned nr_half_open; /* of all listeners; above tcp_max_syn_backlog the oldest is given up */

void tcp_half_open(struct inet_port *p, struct tcp_pcb *pcb)
{
	p->half_open = pcb;
	list_add_tail(&half_open, &p->half_node);
	if (++nr_half_open > net_sysctl(net_cur, SYSCTL_TCP_MAX_SYN_BACKLOG)) {
		/* A flood: whoever means it answers within a round trip, so the oldest is the least likely to come. */
		p = list_first(&half_open, struct inet_port, half_node);
		tcp_abandon(p->half_open, 0);
	}
}

void tcp_half_open_done(struct inet_port *p)
{
	if (!p->half_open)
		return;
	p->half_open = NULL;
	list_del(&p->half_node);
	nr_half_open--;
}

/* ---- who gets a segment ---- */

/* How well a listener fits; 0: not at all. */
static unsigned score(const struct inet_port *p, const ip_addr_t *local)
{
	const struct inet_sock *k = p->sk;

	if (p->net != net_cur || !p->listening || !k || !k->pcb ||
	    !(p->covers & (IP_IS_V6(local) ? COVER_V6 : COVER_V4)) || !inet_device_matches(k))
		return 0;
	if (ip_addr_isany(&k->laddr))
		return 1 + !!k->ifindex;
	return ip_addr_cmp(&k->laddr, local) ? 3 + !!k->ifindex : 0;
}

struct tcp_pcb_listen *tcp_listener_hook(const ip_addr_t *local, u16 lport, const ip_addr_t *remote,
					 u16 rport)
{
	struct list *l = port_bucket(PORTS_TCP, lport);
	unsigned best = 0, same = 0, n;
	struct inet_sock *k = NULL;
	struct inet_port *p;
	u32 hash = inet_peer_hash(remote, rport);

	list_for_each(p, l, node) {
		n = p->num == lport ? score(p, local) : 0;
		if (n > best) {
			best = n;
			k = p->sk;
			same = 1;
		} else if (n && n == best && p->reuseport && hash % ++same == 0) {
			k = p->sk;
		}
	}
	if (k && unlikely(k->steer))
		k = reuseport_pick(k, NULL);
	return k ? (struct tcp_pcb_listen *)k->pcb : NULL;
}

/* A segment's options in one piece; how many bytes. */
static unsigned read_options(u8 opt[40], const struct tcp_hdr *h, unsigned optlen, unsigned opt1len,
			     const void *opt2)
{
	if (optlen > 40 || opt1len > optlen)
		return 0;
	memcpy(opt, h + 1, opt1len);
	if (opt1len < optlen)
		memcpy(opt + opt1len, opt2, optlen - opt1len);
	return optlen;
}

/* Did the packet cross more routers than IP_MINTTL or IPV6_MINHOPCOUNT allows? */
static bool too_far(const struct inet_sock *k)
{
	return ip_current_is_v6() ? IP6H_HOPLIM(ip6_current_header()) < k->min_hops
				  : IPH_TTL(ip4_current_header()) < k->min_ttl;
}

bool tcp_segment_hook(struct tcp_pcb *pcb, const struct tcp_hdr *h, unsigned optlen,
		      unsigned opt1len, const void *opt2, const struct pbuf *p)
{
	const struct inet_sock *k =
		pcb->callback_arg; /* a listener's while it is half open; NULL: an orphan */

	u8 opt[40];

	if (pcb->state != TIME_WAIT) {
		optlen = read_options(opt, h, optlen, opt1len, opt2);
		if (k && unlikely(k->min_ttl | k->min_hops) && too_far(k))
			return false;
		if (k && unlikely(k->filter.f) && !tcp_filter(k, h, opt, optlen, p))
			return false;
		if (pcb->state != LISTEN)
			recovery_heard(pcb, opt, optlen);
	}
	if (unlikely(TCPH_FLAGS(h) & TCP_URG) && pcb->state != LISTEN)
		tcp_urgent_heard(pcb, h);
	if (pcb->state != LISTEN || !(TCPH_FLAGS(h) & TCP_SYN))
		return true;
	return k && k->nr_accept <= k->backlog;
}

static int listen_locked(struct inet_sock *k, int backlog)
{
	struct tcp_pcb *pcb, *lp;
	err_t e;
	int err;

	k->backlog = (unsigned)backlog;
	if (k->state == INET_LISTENING)
		return 0;
	if (k->state != INET_CLOSED || k->pcb)
		return -EINVAL;
	if (!k->port) {
		err = port_bind(k, 0);
		if (err)
			return err;
	}
	err = port_listen(k);
	if (err)
		return err;
	pcb = tcp_new_ip_type(IP_GET_TYPE(&k->laddr));
	if (!pcb)
		return -ENOBUFS;
	pcb->local_ip = k->laddr;
	if (k->s.family == AF_INET6 && ip_addr_isany(&k->laddr) && !k->v6only)
		IP_SET_TYPE_VAL(pcb->local_ip, IPADDR_TYPE_ANY);
	pcb->local_port = k->lport;
	TCP_REG(&tcp_bound_pcbs, pcb);
	tcp_arg(pcb, k);
	lp = tcp_listen_with_backlog_and_err(pcb, 0xff, &e);
	if (!lp) {
		tcp_close(pcb);
		k->port->listening = false;
		return inet_errno(e);
	}
	k->pcb = lp;
	k->port->ref++;
	tcp_sk_attach(lp, k->port);
	tcp_accept(lp, on_accept);
	k->state = INET_LISTENING;
	k->was = LISTEN;
	k->s.shutdown = 0;
	sock_set_opt(&k->s, SOPT_LISTENING, true);
	reuseport_join(k);
	return 0;
}

int tcp_sk_listen(struct socket *s, int backlog)
{
	int err;

	net_enter(s->net);
	err = listen_locked(inet_sk(s), backlog);
	net_leave();
	return err;
}

int tcp_sk_accept(struct socket *s, struct socket **conn)
{
	struct inet_sock *l = inet_sk(s), *k = NULL;
	int err = -EAGAIN;

	spin_lock(&net_lock);
	if (l->state != INET_LISTENING) {
		err = -EINVAL;
	} else if (!list_empty(&l->acceptq)) {
		k = list_first(&l->acceptq, struct inet_sock, accept_node);
		list_del(&k->accept_node);
		k->listener = NULL;
		l->nr_accept--;
		err = 0;
	}
	spin_unlock(&net_lock);
	if (k)
		*conn = &k->s;
	return err;
}

void tcp_sk_drop(struct inet_sock *k)
{
	struct tcp_pcb *p = k->pcb;

	list_del(&k->accept_node);
	list_del(&k->all_node);
	k->pcb = NULL;
	if (p) {
		tcp_arg(p, NULL);
		tcp_err(p, NULL);
		tcp_abort(p);
	}
	tcp_rx_purge(k);
	port_release(k);
	sock_put(&k->s);
}

/* The listener goes: nobody will take these. net_lock held. */
void tcp_sk_drop_queue(struct inet_sock *l)
{
	reuseport_leave(l);
	tcp_defer_drop(l);
	while (!list_empty(&l->acceptq))
		tcp_sk_drop(list_first(&l->acceptq, struct inet_sock, accept_node));
	l->nr_accept = 0;
}
