/*
 * tcp.c - TCP sockets: connecting, closing, and lwIP's callbacks.
 */
#include <linux/in.h>
#include <string.h>

#include "fs/poll_bits.h"
#include "lwip/priv/tcp_priv.h"
#include "mm/slab.h"
#include "net/inet/inet.h"
#include "net/lwip/route.h"
#include "platform/platform.h"
#include "task/task.h"

struct list inet_all = LIST_INIT(inet_all);

struct inet_sock *inet_alloc(struct net_ns *net, const struct socket_ops *ops, int family, int type,
			     int protocol)
{
	struct inet_sock *k = kzalloc(sizeof(*k));

	if (!k)
		return NULL;
	sock_init_in(net, &k->s, ops, family, type, protocol);
	mutex_init(&k->read_lock);
	list_init(&k->rxq);
	list_init(&k->groups);
	list_init(&k->errq);
	list_init(&k->raw_node);
	list_init(&k->accept_node);
	list_init(&k->acceptq);
	list_init(&k->all_node);
	k->laddr.type = k->raddr.type = family == AF_INET ? IPADDR_TYPE_V4 : IPADDR_TYPE_V6;
	k->hops = k->mc_hops = -1;
	k->mc_ttl = 1;
	k->pmtudisc = k->pmtudisc6 = IP_PMTUDISC_WANT;
	k->mc_loop = true;
	k->v6only = family == AF_INET6 && net_sysctl(net, SYSCTL_BINDV6ONLY);
	if (type == SOCK_STREAM) {
		k->quickack = true;
		k->reno = net_sysctl(net, SYSCTL_TCP_RENO);
		k->s.sndbuf = (u32)net_sysctl(net, SYSCTL_TCP_WMEM_DEFAULT);
		k->s.rcvbuf = (u32)net_sysctl(net, SYSCTL_TCP_RMEM_DEFAULT);
	}
	return k;
}

void inet_destroy(struct socket *s)
{
	filter_put(inet_sk(s)->filter.f);
	filter_put(inet_sk(s)->steer);
	kfree(inet_sk(s));
}

/* ---- lwIP's callbacks; net_lock held ---- */

/* The PCB is about to be freed. */
static void on_destroy(u8_t id, void *data)
{
	struct inet_port *p = data;

	if (!p)
		return;
	tcp_half_open_done(p);
	if (p->sk)
		p->sk->pcb = NULL;
	port_put(p);
}

/* The first window of a connection whose handshake begins. */
static void set_window(struct tcp_pcb *pcb, u32 window)
{
	pcb->x.window = window;
	pcb->rcv_wnd = pcb->rcv_ann_wnd = TCP_WND_MAX(pcb);
}

static err_t on_passive_open(u8_t id, struct tcp_pcb_listen *l, struct tcp_pcb *pcb)
{
	struct inet_port *from = l->ext_args[0].data;
	struct inet_port *p = port_inherit(from, &pcb->local_ip);

	if (!p)
		return ERR_MEM;
	tcp_sk_attach(pcb, p);
	tcp_half_open(p, pcb);
	if (l->callback_arg) {
		const struct inet_sock *k = l->callback_arg;

		set_window(pcb, inet_window(k));
		pcb->x.maxseg = (u16)k->maxseg; /* the peer's options have been read */
		pcb->mss = tcp_own_mss(pcb, pcb->mss);
	}
	if (inet_is_loop(ip_current_input_netif()))
		tcp_set_flags(pcb, TF_NODELAY);
	return ERR_OK;
}

static const struct tcp_ext_arg_callbacks ext_callbacks = { on_destroy, on_passive_open };

/* Hand a reference of p to pcb. */
void tcp_sk_attach(struct tcp_pcb *pcb, struct inet_port *p)
{
	tcp_ext_arg_set_callbacks(pcb, 0, &ext_callbacks);
	tcp_ext_arg_set(pcb, 0, p);
}

static void append(struct inet_sock *k, struct pbuf *p)
{
	k->rx_bytes += p->tot_len;
	if (k->rx_last)
		k->rx_last->next = p;
	else
		k->rx_first = p;
	while (p->next)
		p = p->next;
	k->rx_last = p;
}

static void on_err(void *arg, err_t err);

/* Data for somebody who reads no more and has sent its end: the peer learns that they are lost. */
static err_t refuse(struct inet_sock *k, struct tcp_pcb *pcb, struct pbuf *p)
{
	pbuf_free(p);
	tcp_err(pcb, NULL);
	tcp_abort(pcb);
	on_err(k, ERR_RST);
	return ERR_ABRT;
}

static err_t on_recv(void *arg, struct tcp_pcb *pcb, struct pbuf *p, err_t err)
{
	struct inet_sock *k = arg;

	if (unlikely(p && k->s.shutdown == SHUTDOWN_BOTH &&
		     (pcb->state == FIN_WAIT_1 || pcb->state == FIN_WAIT_2)))
		return refuse(k, pcb, p);
	k->was = (u8)pcb->state;
	if (!p) {
		k->peer_closed = true;
		k->s.shutdown |= SHUTDOWN_RCV;
		if (pcb->state == TIME_WAIT || pcb->state == CLOSING)
			k->s.shutdown = SHUTDOWN_BOTH;
		sock_wake_state(&k->s);
		if (unlikely(k->deferred))
			tcp_defer_end(k);
		return ERR_OK;
	}
	k->s.incoming_cpu = (s32)cpu_this()->id;
	tcp_urgent_data(k, p);
	k->rx_seq += p->tot_len;
	append(k, p);
	if (unlikely(k->deferred))
		tcp_defer_end(k);
	if (k->rx_bytes >= MIN(k->s.rcvlowat, inet_sndbuf(k)))
		sock_wake_readable(&k->s);
	return ERR_OK;
}

static err_t on_sent(void *arg, struct tcp_pcb *pcb, u16_t len)
{
	struct inet_sock *k = arg;
	u32 limit = inet_sndbuf(k);

	k->was = (u8)pcb->state;
	if (limit - MIN(limit, tcp_queued(k)) >= limit / 3)
		sock_wake_writable(&k->s);
	else if (k->s.linger.onoff && !tcp_queued(k))
		sock_wake_state(&k->s);
	return ERR_OK;
}

/* The connection is over and the PCB gone; e: why, as an errno, or 0. */
static void ended(struct inet_sock *k, int e)
{
	bool was_connecting = k->state == INET_CONNECTING;

	k->pcb = NULL;
	if (e)
		atomic_store(&k->s.err, e);
	k->was = CLOSED;
	k->s.shutdown = SHUTDOWN_BOTH;
	if (was_connecting)
		k->state = INET_CLOSED;
	sock_wake_state(&k->s);
}

void tcp_sk_fail(struct inet_sock *k, int err)
{
	struct tcp_pcb *p = k->pcb;

	tcp_err(p, NULL);
	tcp_abandon(p, 0);
	ended(k, err);
}

static void on_err(void *arg, err_t err)
{
	struct inet_sock *k = arg;
	bool was_connecting = k->state == INET_CONNECTING;
	int e = 0;

	if (err == ERR_RST)
		e = was_connecting					 ? ECONNREFUSED
		    : k->peer_closed && !(k->s.shutdown & SHUTDOWN_SEND) ? EPIPE
									 : ECONNRESET;
	else if (err == ERR_ABRT)
		e = ETIMEDOUT;
	ended(k, e);
}

static err_t on_connected(void *arg, struct tcp_pcb *pcb, err_t err)
{
	struct inet_sock *k = arg;

	k->was = (u8)pcb->state;
	k->rx_seq = pcb->rcv_nxt;
	k->state = INET_CONNECTED;
	tcp_mss_sync(pcb);
	sock_wake_state(&k->s);
	return ERR_OK;
}

void tcp_sk_adopt(struct inet_sock *k, struct tcp_pcb *pcb)
{
	k->pcb = pcb;
	k->was = (u8)pcb->state;
	tcp_arg(pcb, k);
	tcp_recv(pcb, on_recv);
	tcp_sent(pcb, on_sent);
	tcp_err(pcb, on_err);
	tcp_sk_apply(k);
}

u32 inet_number(const struct inet_sock *k, s64 own, enum net_sysctl otherwise)
{
	return (u32)(own > 0 ? own : net_sysctl(k->s.net, otherwise));
}

/* How long FIN_WAIT_2 lasts without a socket, ms. TCP_LINGER2: its seconds; below 0 as short as can be. */
static u32 fin_timeout(const struct inet_sock *k)
{
	if (k->linger2 < 0)
		return 1;
	return MIN(inet_number(k, k->linger2, SYSCTL_TCP_FIN_TIMEOUT), 100000u) * 1000;
}

void tcp_sk_apply(struct inet_sock *k)
{
	struct tcp_pcb *p = k->pcb;

	if (!p || p->state == LISTEN)
		return;
	p->x.user_timeout = k->user_timeout;
	p->x.syn_retries = (u8)inet_number(k, k->syncnt, SYSCTL_TCP_SYN_RETRIES);
	p->x.fin_timeout = fin_timeout(k);
	p->x.maxseg = (u16)k->maxseg;
	p->x.only_reno = k->reno;
	p->x.discovery = IP_IS_V6_VAL(p->remote_ip) ? k->pmtudisc6 : k->pmtudisc;
	tcp_mss_sync(p);
	if (k->nodelay || p->netif_idx == LOOP_INDEX)
		tcp_nagle_disable(p);
	else
		tcp_nagle_enable(p);
	tcp_unpark(p); /* when it wants its next tick may have changed */
	if (sock_opt(&k->s, SOPT_KEEPALIVE))
		ip_set_option(p, SOF_KEEPALIVE);
	else
		ip_reset_option(p, SOF_KEEPALIVE);
	p->keep_idle = inet_number(k, k->keep_idle, SYSCTL_TCP_KEEPALIVE_TIME) * 1000;
	p->keep_intvl = inet_number(k, k->keep_intvl, SYSCTL_TCP_KEEPALIVE_INTVL) * 1000;
	p->keep_cnt = inet_number(k, k->keep_cnt, SYSCTL_TCP_KEEPALIVE_PROBES);
	p->tos = k->tos;
	p->ttl = k->ttl ? k->ttl
		 : k->s.family == AF_INET6 && k->hops > 0
			 ? (u8)k->hops
			 : (u8)net_sysctl(k->s.net, SYSCTL_DEFAULT_TTL);
}

/* ---- connect(2) ---- */

/* Is there such a connection already? One in TIME_WAIT makes room. */
static bool connection_exists(const struct inet_sock *k, const ip_addr_t *src, struct netif *n)
{
	unsigned index = netif_get_index(addr_is_local(&k->raddr) ? &net_cur->loop : n);
	const struct tcp_pcb *p = tcp_find(src, k->lport, &k->raddr, k->rport, index);

	return p && p->state != TIME_WAIT;
}

static int start(struct inet_sock *k)
{
	struct tcp_pcb *pcb;
	ip_addr_t src = k->laddr;
	struct netif *n;
	int err;

	if (ip_addr_isany(&src)) {
		src = *(IP_IS_V6(&k->raddr) ? IP6_ADDR_ANY : IP4_ADDR_ANY);
		inet_pick_source(&src, &k->raddr);
	}
	n = route_to(&src, &k->raddr);
	if (!n || (k->ifindex && k->ifindex != inet_ifindex(n)))
		return -ENETUNREACH;
	if (!k->port) {
		err = port_bind_connect(k);
		if (err)
			return err;
	}
	if (connection_exists(k, &src, n))
		return -EADDRNOTAVAIL;
	pcb = tcp_new_ip_type(IP_GET_TYPE(&k->raddr));
	if (!pcb)
		return -ENOBUFS;
	if (addr_is_local(&k->raddr))
		tcp_bind_netif(pcb, &net_cur->loop);
	pcb->local_ip = src;
	pcb->local_port = k->lport;
	TCP_REG(&tcp_bound_pcbs, pcb);
	k->port->ref++;
	tcp_sk_attach(pcb, k->port);
	tcp_sk_adopt(k, pcb);
	pcb->x.window = inet_window(k);
	err = inet_errno(tcp_connect(pcb, &k->raddr, k->rport, on_connected));
	if (err) {
		tcp_arg(pcb, NULL);
		tcp_err(pcb, NULL);
		tcp_abort(pcb);
		k->pcb = NULL;
		return err;
	}
	k->laddr = k->port->addr = pcb->local_ip;
	k->was = SYN_SENT;
	return 0;
}

static int connect_locked(struct inet_sock *k, const ip_addr_t *ip, u16 port)
{
	int err;

	switch (k->state) {
	case INET_LISTENING: return -EISCONN;
	case INET_CONNECTED:
		if (!k->connecting)
			return -EISCONN;
		k->connecting = false;
		return 0;
	case INET_CONNECTING: return -EALREADY;
	default: break;
	}
	if (k->connecting) { /* it failed */
		k->connecting = false;
		err = sock_error(&k->s);
		k->s.shutdown = 0;
		return err ? err : -ECONNABORTED;
	}
	if (k->pcb)
		return -EISCONN;
	k->raddr = *ip;
	if (ip_addr_isany(ip)) {
		if (IP_IS_V6(ip))
			IP_ADDR6_HOST(&k->raddr, 0, 0, 0, 1);
		else
			IP_ADDR4(&k->raddr, 127, 0, 0, 1);
	}
	if (!ip_addr_isany(&k->laddr) && IP_IS_V6(&k->laddr) != IP_IS_V6(&k->raddr))
		return -EINVAL;
	k->rport = port;
	k->s.shutdown = 0;
	atomic_store(&k->s.err, 0);
	k->peer_closed = false;
	k->state = INET_CONNECTING;
	k->connecting = true;
	err = start(k);
	if (err) {
		k->state = INET_CLOSED;
		k->connecting = false;
		if (!k->bound)
			port_release(k);
		return err;
	}
	return -EINPROGRESS;
}

/* Is a connection in this state cut off when it is given up? Not one of which both ends are on their way. */
static bool is_cut_off(const struct tcp_pcb *p)
{
	switch (p->state) {
	case LISTEN:
	case TIME_WAIT: return false;
	case CLOSING:
	case LAST_ACK: return p->unsent;
	default: return true;
	}
}

static int disconnect(struct inet_sock *k)
{
	struct tcp_pcb *p;

	net_enter(k->s.net);
	p = k->pcb;
	if (k->state == INET_LISTENING)
		tcp_sk_drop_queue(k);
	atomic_store(&k->s.err, p && is_cut_off(p) ? ECONNRESET : 0);
	if (p) {
		tcp_arg(p, NULL);
		if (p->state == LISTEN) {
			tcp_close(p);
		} else {
			tcp_err(p, NULL);
			tcp_abort(p);
		}
		k->pcb = NULL;
	}
	tcp_rx_purge(k);
	k->state = INET_CLOSED;
	k->connecting = false;
	k->s.shutdown = 0;
	k->peer_closed = false;
	k->rport = 0;
	sock_set_opt(&k->s, SOPT_LISTENING, false);
	if (!k->bound_addr)
		ip_addr_set_any(k->s.family == AF_INET6, &k->laddr);
	if (k->bound) {
		k->port->addr = k->laddr;
	} else {
		port_release(k);
		k->lport = 0;
	}
	net_leave();
	sock_wake_error(&k->s);
	return 0;
}

int tcp_sk_connect(struct socket *s, const struct sock_addr *a)
{
	struct inet_sock *k = inet_sk(s);
	ip_addr_t ip;
	u16 port;
	int err;

	if (a->len < sizeof(a->family))
		return -EINVAL;
	if (a->family == AF_UNSPEC)
		return disconnect(k);
	err = inet_addr_read(k, a, &ip, &port);
	if (err)
		return err;
	if (ip_addr_ismulticast(&ip))
		return -ENETUNREACH;
	if (inet_scope_missing(k, &ip))
		return -EINVAL;
	net_enter(k->s.net);
	err = connect_locked(k, &ip, port);
	net_leave();
	return err;
}

/* ---- the end ---- */

int tcp_sk_shutdown(struct socket *s, int how)
{
	struct inet_sock *k = inet_sk(s);
	int err = 0;

	net_enter(k->s.net);
	if (k->state == INET_LISTENING) {
		if (how != SHUT_WR) {
			struct tcp_pcb *p = k->pcb;

			tcp_sk_drop_queue(k);
			k->pcb = NULL;
			if (p)
				tcp_close(p);
			k->state = INET_CLOSED;
			sock_set_opt(s, SOPT_LISTENING, false);
			if (!k->bound)
				port_release(k);
		}
	} else if (k->state == INET_CLOSED || !k->pcb || k->pcb->state == TIME_WAIT) {
		err = -ENOTCONN;
	} else {
		if (how != SHUT_WR)
			s->shutdown |= SHUTDOWN_RCV;
		if (how != SHUT_RD && !(s->shutdown & SHUTDOWN_SEND)) {
			s->shutdown |= SHUTDOWN_SEND;
			if (k->state == INET_CONNECTED)
				tcp_shutdown(k->pcb, 0, 1);
		}
	}
	sock_wake_state(s);
	net_leave();
	return err;
}

/* SO_LINGER: until everything is acknowledged, or the time is over. */
static void linger(struct inet_sock *k)
{
	u64 deadline = clock_mono() + (u64)(u32)k->s.linger.linger * 1000000000ULL;

	(void)wait_event(&k->s.q, SLEEP_INTERRUPTIBLE, deadline,
			 !READ_ONCE(k->pcb) || !tcp_queued(k));
}

static void close_pcb(struct inet_sock *k)
{
	struct tcp_pcb *p = k->pcb;
	bool unread = k->rx_bytes;

	k->pcb = NULL;
	tcp_arg(p, NULL);
	if (p->state == LISTEN) {
		tcp_close(p);
		return;
	}
	tcp_recv(p, NULL);
	tcp_sent(p, NULL);
	tcp_err(p, NULL);
	if (p->state != SYN_SENT && ((k->s.linger.onoff && !k->s.linger.linger) || unread))
		tcp_abort(p);
	else
		tcp_close(p);
}

void tcp_sk_end(struct inet_sock *k)
{
	if (k->state != INET_CONNECTED)
		return;
	close_pcb(k);
	k->state = INET_CLOSED;
}

void tcp_sk_release(struct socket *s)
{
	struct inet_sock *k = inet_sk(s);

	net_enter(k->s.net);
	if (k->state == INET_LISTENING)
		tcp_sk_drop_queue(k);
	if (k->pcb && k->s.linger.onoff && k->s.linger.linger && k->state == INET_CONNECTED) {
		if (!(s->shutdown & SHUTDOWN_SEND))
			tcp_shutdown(k->pcb, 0, 1);
		net_leave();
		linger(k);
		net_enter(k->s.net);
	}
	if (k->pcb)
		close_pcb(k);
	k->state = INET_CLOSED;
	tcp_rx_purge(k);
	errqueue_purge(k);
	port_release(k);
	list_del(&k->all_node);
	net_leave();
}
