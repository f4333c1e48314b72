/*
 * dgram.c - datagram sockets: queues, names, routes. UDP, ping and raw sockets differ only in how a packet is made and found
 * (udp.c, raw.c).
 *
 * Received packets stay in their pbufs until they are read. Sends do not wait: what a device cannot take is lost, as on
 * any network.
 */
#include <linux/in.h>

#include "fs/poll_bits.h"
#include "lwip/ip.h"
#include "lwip/prot/udp.h"
#include "lwip_hooks.h"
#include "mm/slab.h"
#include "net/inet/inet.h"
#include "net/lwip/route.h"
#include "task/task.h"

#define HEADROOM (PBUF_LINK_HLEN + 40 + 8)
/* As lwIP counts: with the header of IPv6 too, which Linux leaves out. */
#define PACKET_MAX 65535u

static bool is_udp(const struct inet_sock *k)
{
	return k->s.ops == &udp_ops;
}

/* ---- receiving ---- */

void dgram_deliver(struct inet_sock *k, struct pbuf *p, u16 port, u16 to_port)
{
	struct inet_dgram *d = NULL;
	bool v6 = IP_IS_V6(ip_current_dest_addr());

	if (unlikely(k->filter.f) && !dgram_filter(k, p, port, to_port)) {
		pbuf_free(p);
		return;
	}
	if (k->rxq_bytes + p->tot_len + DGRAM_OVERHEAD <= k->s.rcvbuf &&
	    !(k->s.shutdown & SHUTDOWN_RCV))
		d = kzalloc(sizeof(*d));
	if (!d) {
		k->drops++;
		pbuf_free(p);
		return;
	}
	d->p = p;
	d->len = p->tot_len;
	d->from = *ip_current_src_addr();
	d->to = *ip_current_dest_addr();
	d->port = port;
	d->to_port = to_port;
	d->ifindex = inet_ifindex(ip_current_input_netif());
	dgram_header(d, v6);
	if (sock_wants_time(&k->s))
		d->time = clock_mono() + (u64)clock_real_offset();
	k->s.incoming_cpu = (s32)cpu_this()->id;
	if (k->gro && udp_gro_join(k, d))
		return;
	list_add_tail(&k->rxq, &d->node);
	k->rxq_bytes += d->len + DGRAM_OVERHEAD;
	sock_wake_readable(&k->s);
}

s64 dgram_copy(struct sock_msg *m, const struct inet_dgram *d, size_t skip)
{
	size_t n = d->len - skip, want = MIN(n, m->iov->left), done = 0;

	for (struct pbuf *p = d->p; p && done < want; p = p->next) {
		size_t part = p->len;

		if (skip >= part) {
			skip -= part;
			continue;
		}
		part = MIN(part - skip, want - done);
		if (iov_to(m->iov, (u8 *)p->payload + skip, part) != part)
			return -EFAULT;
		done += part;
		skip = 0;
	}
	if (want < n)
		m->out |= MSG_TRUNC;
	return (s64)done;
}

static s64 copy_packet(struct inet_sock *k, struct sock_msg *m, struct inet_dgram *d, size_t skip)
{
	s64 done = dgram_copy(m, d, skip);

	if (done < 0)
		return done;
	if (m->name)
		inet_addr_write(k, m->name, &d->from, d->port);
	dgram_tell(k, m->scm, d);
	return m->flags & MSG_TRUNC ? (s64)(d->len - skip) : done;
}

static s64 dgram_recv(struct socket *s, struct sock_msg *m)
{
	struct inet_sock *k = inet_sk(s);
	bool peek = m->flags & MSG_PEEK;
	struct inet_dgram *d = NULL;
	size_t skip = 0;
	s64 r;

	if ((m->flags & MSG_OOB) && !is_udp(k))
		return -EOPNOTSUPP;
	if (m->flags & MSG_ERRQUEUE)
		return errqueue_recv(k, m);
	r = sock_error(s);
	if (r)
		return r;
	mutex_lock(&k->read_lock);
	spin_lock(&net_lock);
	if (!list_empty(&k->rxq)) {
		d = list_first(&k->rxq, struct inet_dgram, node);
		if (!peek) {
			list_del(&d->node);
			k->rxq_bytes -= d->len + DGRAM_OVERHEAD;
		}
	}
	spin_unlock(&net_lock);
	if (d) {
		if (peek && s->peek_off > 0)
			skip = MIN((size_t)s->peek_off, (size_t)d->len);
		r = copy_packet(k, m, d, skip);
		if (!peek)
			dgram_free(d);
	} else {
		r = s->shutdown & SHUTDOWN_RCV ? 0 : -EAGAIN;
	}
	mutex_unlock(&k->read_lock);
	return r;
}

/* ---- sending ---- */

static struct netif *multicast_netif(const struct inet_sock *k, int told)
{
	if (told)
		return told == LOOP_INDEX ? &net_cur->loop : netif_get_by_index((u8)told);
	if (k->mc_ifindex == 1)
		return &net_cur->loop;
	if (k->mc_ifindex)
		return netif_get_by_index((u8)k->mc_ifindex);
	return netif_default ? netif_default : &net_cur->loop;
}

/* From m's name, control messages and the socket's options. net_lock held. */
static int dgram_route(struct inet_sock *k, const struct sock_msg *m, const ip_addr_t *to, u16 port,
		       struct dgram_route *r)
{
	bool mc = ip_addr_ismulticast(to), v6 = IP_IS_V6(to);
	const ip_addr_t *own;
	int err;

	r->dst = *to;
	r->port = port;
	r->ifindex = 0;
	r->stamps = k->s.stamps & STAMPS_OF_SENT;
	if (ip_addr_isany(to))
		r->dst = *(v6 ? &(ip_addr_t)IPADDR6_INIT_HOST(0, 0, 0, 1)
			      : &(ip_addr_t)IPADDR4_INIT_BYTES(127, 0, 0, 1));
	r->src = ip_addr_isany(&k->laddr) || ip_addr_ismulticast(&k->laddr)
			 ? *(v6 ? IP6_ADDR_ANY : IP4_ADDR_ANY)
			 : k->laddr;
	if (IP_IS_V6_VAL(r->src) != v6)
		return -ENETUNREACH;
	r->tos = k->tos;
	if (mc)
		r->ttl = v6 ? (k->mc_hops < 0 ? 1 : (u8)k->mc_hops) : k->mc_ttl;
	else
		r->ttl = v6 ? (k->hops < 0 ? 64 : (u8)k->hops)
			    : (u8)inet_number(k, k->ttl, SYSCTL_DEFAULT_TTL);
	err = dgram_use_control(k, m->scm, r);
	if (err)
		return err;
	r->netif = mc ? multicast_netif(k, r->ifindex) : route_to(&r->src, &r->dst);
	if (!r->netif || !netif_is_up(r->netif) ||
	    (k->ifindex && k->ifindex != inet_ifindex(r->netif)))
		return -ENETUNREACH;
	/* Our own addresses are on every interface. */
	if (r->ifindex && r->ifindex != inet_ifindex(r->netif) && !inet_is_loop(r->netif))
		return -ENETUNREACH;
	if (!v6 && !sock_opt(&k->s, SOPT_BROADCAST) && !mc &&
	    (ip4_addr_isbroadcast(ip_2_ip4(&r->dst), r->netif) ||
	     ip_2_ip4(&r->dst)->addr == PP_HTONL(0x7fffffff))) /* of lo, as Linux has it */
		return -EACCES;
	if (ip_addr_isany(&r->src)) {
		inet_pick_source(&r->src, &r->dst);
		own = ip_addr_isany(&r->src) ? ip_netif_get_local_ip(r->netif, &r->dst) : NULL;
		if (own)
			r->src = *own;
	}
	return 0;
}

err_t dgram_output(struct pbuf *p, const struct dgram_route *r, u8 proto)
{
	if (IP_IS_V6_VAL(r->dst))
		return ip6_output_if_src(p, ip_2_ip6(&r->src), ip_2_ip6(&r->dst), r->ttl, r->tos,
					 proto, r->netif);
	return ip4_output_if_src(p, ip_2_ip4(&r->src), ip_2_ip4(&r->dst), r->ttl, r->tos, proto,
				 r->netif);
}

/* Of the headers that stand in front of what k sends. */
static unsigned headers_len(const struct inet_sock *k, bool v6)
{
	if (k->s.type == SOCK_RAW && k->hdrincl)
		return 0;
	return (v6 ? IP6_HLEN : IP_HLEN) + (is_udp(k) ? UDP_HLEN : 0);
}

/* The next n bytes of the message in one pbuf with room for headers. ERR_PTR. */
static struct pbuf *read_packet(struct sock_msg *m, size_t n)
{
	struct pbuf *p = pbuf_alloc((pbuf_layer)HEADROOM, (u16)n, PBUF_RAM);

	if (!p)
		return ERR_PTR(-ENOBUFS);
	if (iov_from(m->iov, p->payload, n) != n) {
		pbuf_free(p);
		return ERR_PTR(-EFAULT);
	}
	return p;
}

/* The message, for dst, as packets of at most `segment` bytes (0: any number) that are linked by next. ERR_PTR. */
static struct pbuf *read_message(const struct inet_sock *k, struct sock_msg *m,
				 const ip_addr_t *dst, u16 segment)
{
	struct pbuf *first = NULL, **last = &first, *p;

	if (m->iov->left > PACKET_MAX - headers_len(k, IP_IS_V6(dst)))
		return ERR_PTR(-EMSGSIZE);
	do {
		p = read_packet(m, segment ? MIN(m->iov->left, (size_t)segment) : m->iov->left);
		if (IS_ERR(p)) {
			if (first)
				pbuf_free(first);
			return p;
		}
		*last = p;
		last = &p->next;
	} while (m->iov->left);
	return first;
}

/*
 * A packet that may not be cut (IP_PMTUDISC_DO, _PROBE; IPV6_DONTFRAG; one of several by UDP_SEGMENT) must be no larger than what the path or
 * the interface takes.
 */
static bool fits(struct inet_sock *k, const struct dgram_route *r, const struct pbuf *p)
{
	bool v6 = IP_IS_V6_VAL(r->dst);
	u8 how = v6 ? k->pmtudisc6 : k->pmtudisc;
	u32 mtu = inet_path_mtu(k, r->netif, &r->dst);

	if (p->len + headers_len(k, v6) <= mtu)
		return true;
	if (how == IP_PMTUDISC_DO || how == IP_PMTUDISC_PROBE || (v6 && k->dontfrag))
		errqueue_local(k, EMSGSIZE, mtu, &r->dst,
			       k->state == INET_CONNECTED || v6 ? r->port : 0);
	else if (!p->next)
		return true;
	return false;
}

/* p is taken over. */
static int transmit(struct inet_sock *k, struct pbuf *p, struct dgram_route *r, u32 stamps)
{
	u32 len = p->tot_len + headers_len(k, IP_IS_V6_VAL(r->dst));
	int err;

	err = is_udp(k) ? udp_transmit(k, p, r) : raw_transmit(k, p, r);
	if (stamps && !err)
		errqueue_stamps(k, stamps, p, len);
	pbuf_free(p);
	return err;
}

/* Send the packets that are linked at *p; what is left there was not sent. */
static int send_locked(struct inet_sock *k, struct sock_msg *m, struct pbuf **p,
		       const ip_addr_t *to, u16 port)
{
	struct dgram_route r;
	struct pbuf *q;
	int err = 0;

	if (!to) {
		if (k->state != INET_CONNECTED)
			return -EDESTADDRREQ;
		to = &k->raddr;
		port = k->rport;
	}
	if (is_udp(k) && !port)
		return -EINVAL;
	if (is_udp(k) && !k->port)
		err = port_bind(k, 0);
	if (err)
		return err == -EADDRINUSE ? -EAGAIN : err;
	err = dgram_route(k, m, to, port, &r);
	if (err)
		return err;
	if (!fits(k, &r, *p))
		return -EMSGSIZE;
	path_discovery = IP_IS_V6_VAL(r.dst) ? k->pmtudisc6 : k->pmtudisc;
	while (!err && (q = *p)) {
		*p = q->next;
		q->next = NULL;
		err = transmit(k, q, &r, *p ? 0 : r.stamps);
	}
	path_discovery = PATH_DISCOVERY_DEFAULT;
	return err;
}

static s64 dgram_send(struct socket *s, struct sock_msg *m)
{
	struct inet_sock *k = inet_sk(s);
	bool named = m->name && m->name->len;
	size_t n = m->iov->left;
	struct pbuf *p;
	ip_addr_t to;
	u16 port = 0;
	int err, segment;

	if (m->flags & MSG_OOB)
		return -EOPNOTSUPP;
	if (named) {
		if (s->family == AF_INET && m->name->family == AF_UNSPEC)
			m->name->family =
				AF_INET; /* Linux takes it so here, whatever the address is */
		err = inet_addr_read(k, m->name, &to, &port);
		if (err)
			return err;
	}
	if (s->shutdown & SHUTDOWN_SEND) {
		if (!(m->flags & MSG_NOSIGNAL))
			signal_task(task_current(), SIGPIPE, NULL);
		return -EPIPE;
	}
	err = sock_error(s);
	if (err)
		return err;
	segment = is_udp(k) ? udp_segment(k, m->scm, n) : 0;
	if (segment < 0)
		return segment;
	p = read_message(k, m, named ? &to : &k->raddr, (u16)segment);
	if (IS_ERR(p))
		return PTR_ERR(p);
	net_enter(k->s.net);
	err = send_locked(k, m, &p, named ? &to : NULL, port);
	if (p)
		pbuf_free(p);
	net_leave();
	return err ? err : (s64)n;
}

/* ---- the rest ---- */

static int disconnect(struct inet_sock *k)
{
	k->state = INET_CLOSED;
	k->rport = 0;
	ip_addr_set_any(k->s.family == AF_INET6, &k->raddr);
	if (!k->bound_addr)
		ip_addr_set_any(k->s.family == AF_INET6, &k->laddr);
	if (!k->bound) {
		port_release(k);
		k->lport = 0;
	}
	return 0;
}

static int dgram_connect(struct socket *s, const struct sock_addr *a)
{
	struct inet_sock *k = inet_sk(s);
	struct sock_msg none = { 0 };
	struct dgram_route r;
	ip_addr_t ip;
	u16 port;
	int err;

	if (a->len < sizeof(a->family))
		return -EINVAL;
	if (a->family != AF_UNSPEC) {
		err = inet_addr_read(k, a, &ip, &port);
		if (err)
			return err;
		if (inet_scope_missing(k, &ip))
			return -EINVAL;
	}
	net_lock_for(s->net);
	if (a->family == AF_UNSPEC) {
		err = disconnect(k);
	} else {
		if (k->state == INET_CONNECTED && !k->bound_addr)
			ip_addr_set_any(k->s.family == AF_INET6, &k->laddr);
		err = dgram_route(k, &none, &ip, port, &r);
		if (!err && is_udp(k) && !k->port)
			err = port_bind(k, 0);
		if (!err) {
			k->raddr = r.dst;
			k->rport = port;
			if (ip_addr_isany(&k->laddr))
				k->laddr = r.src;
			k->state = INET_CONNECTED;
		}
	}
	spin_unlock(&net_lock);
	return err;
}

static int dgram_shutdown(struct socket *s, int how)
{
	struct inet_sock *k = inet_sk(s);

	spin_lock(&net_lock);
	if (how != SHUT_WR)
		s->shutdown |= SHUTDOWN_RCV;
	if (how != SHUT_RD)
		s->shutdown |= SHUTDOWN_SEND;
	spin_unlock(&net_lock);
	sock_wake_state(s);
	return k->state == INET_CONNECTED ? 0 : -ENOTCONN;
}

static u32 dgram_poll(struct socket *s)
{
	struct inet_sock *k = inet_sk(s);
	u8 shut = READ_ONCE(s->shutdown);
	u32 ev = POLL_WRITABLE | POLLWRBAND;

	if (READ_ONCE(s->err) || !list_empty(&k->errq))
		ev |= POLLERR;
	if (!list_empty(&k->rxq))
		ev |= POLL_READABLE;
	if (shut & SHUTDOWN_RCV)
		ev |= POLL_READABLE | POLLRDHUP;
	return shut == SHUTDOWN_BOTH ? ev | POLLHUP : ev;
}

static void dgram_release(struct socket *s)
{
	struct inet_sock *k = inet_sk(s);

	net_enter(k->s.net);
	group_drop_all(k);
	list_del(&k->raw_node);
	list_del(&k->all_node);
	port_release(k);
	k->state = INET_CLOSED;
	errqueue_purge(k);
	while (!list_empty(&k->rxq)) {
		struct inet_dgram *d = list_first(&k->rxq, struct inet_dgram, node);

		list_del(&d->node);
		dgram_free(d);
	}
	net_leave();
}

#define DGRAM_OPS                                                                           \
	.bind = inet_bind, .connect = dgram_connect, .getname = inet_getname,               \
	.sendmsg = dgram_send, .recvmsg = dgram_recv, .shutdown = dgram_shutdown,           \
	.poll = dgram_poll, .ioctl = inet_ioctl, .setsockopt = inet_setsockopt,             \
	.getsockopt = inet_getsockopt, .copied = errqueue_copied, .release = dgram_release, \
	.destroy = inet_destroy

const struct socket_ops udp_ops = { DGRAM_OPS };
const struct socket_ops raw_ops = { DGRAM_OPS };
