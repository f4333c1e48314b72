/*
 * io.c - frames to packet sockets and from them.
 *
 * What a program sends goes to its device as it is. On the loopback it comes in again, by lwIP's own checks.
 */
#include <string.h>

#include "fs/vfs.h"
#include "lwip/ip.h"
#include "mm/slab.h"
#include "net/lwip/gso.h"
#include "net/lwip/tap.h"
#include "net/packet/packet.h"
#include "net/scm.h"

#define VLAN_HLEN 4
#define OVERHEAD  256

static void drop(struct packet_queued *q)
{
	chunk_put(q->frame.data);
	kfree(q);
}

static void take_out(struct packet_sock *k, struct packet_queued *q)
{
	list_del(&q->node);
	k->rx_bytes -= q->frame.f.len + OVERHEAD;
}

void packet_purge(struct packet_sock *k)
{
	while (!list_empty(&k->rx)) {
		struct packet_queued *q = list_first(&k->rx, struct packet_queued, node);

		take_out(k, q);
		drop(q);
	}
}

/* ---- receiving ---- */

static void tell(struct packet_sock *k, struct scm *scm, const struct packet_queued *q, u32 start)
{
	const struct packet_frame *f = &q->frame;
	struct tpacket_auxdata aux = {
		.tp_status = TP_STATUS_USER | f->status,
		.tp_len = f->f.len - start,
		.tp_snaplen = q->take,
		.tp_net = (u16)(f->f.mac_len - start),
	};

	scm_add_time(scm, &k->s, q->time);
	if (k->auxdata)
		scm_extra_add(scm, SOL_PACKET, PACKET_AUXDATA, &aux, sizeof(aux));
}

s64 packet_recv(struct socket *s, struct sock_msg *m)
{
	struct packet_sock *k = packet_sk(s);
	bool peek = m->flags & MSG_PEEK;
	struct packet_queued *q = NULL, copy;
	u32 start, n;
	s64 r;

	if (m->flags & (MSG_OOB | MSG_ERRQUEUE))
		return m->flags & MSG_OOB ? -EINVAL : -EAGAIN;
	r = sock_error(s);
	if (r)
		return r;
	spin_lock(&net_lock);
	if (!list_empty(&k->rx)) {
		q = list_first(&k->rx, struct packet_queued, node);
		copy = *q;
		atomic_add(&q->frame.data->ref, 1);
		if (!peek) {
			take_out(k, q);
			drop(q);
		}
	}
	spin_unlock(&net_lock);
	if (!q)
		return -EAGAIN;
	start = copy.frame.f.start;
	n = (u32)MIN((size_t)copy.take, m->iov->left);
	if (n < copy.take)
		m->out |= MSG_TRUNC;
	r = iov_to(m->iov, copy.frame.f.data + start, n) != n ? -EFAULT
	    : m->flags & MSG_TRUNC			      ? (s64)copy.take
							      : (s64)n;
	if (m->name) {
		memcpy(m->name->raw, &copy.frame.from, sizeof(copy.frame.from));
		m->name->len = sizeof(copy.frame.from);
	}
	if (r >= 0)
		tell(k, m->scm, &copy, start);
	chunk_put(copy.frame.data);
	return r;
}

/* ---- sending ---- */

/* Where a message goes. */
struct target {
	int ifindex;
	u32 mtu;
	u8 hwaddr[6];
	u16 protocol; /* network order */
	u8 to[6];
};

static int find_target(struct packet_sock *k, const struct sock_msg *m, struct target *t)
{
	struct sockaddr_ll a = { .sll_ifindex = k->ifindex,
				 .sll_protocol = lwip_htons(k->protocol) };
	struct netdev *d;
	bool named = m->name && m->name->len, loopback = false;
	int err = 0;

	if (named) { /* the family may be anything, as programs that leave it 0 know */
		if (m->name->len < sizeof(a))
			return -EINVAL;
		memcpy(&a, m->name->raw, sizeof(a));
		if (m->name->len < offsetof(struct sockaddr_ll, sll_addr) + a.sll_halen)
			return -EINVAL;
	}
	t->protocol = a.sll_protocol;
	memcpy(t->to, a.sll_addr, sizeof(t->to));
	spin_lock(&netdev_lock);
	d = netdev_by_index(k->s.net, a.sll_ifindex);
	if (!d)
		err = -ENXIO;
	else if (!(d->flags & IFF_UP))
		err = -ENETDOWN;
	if (!err) {
		t->ifindex = d->index;
		t->mtu = d->mtu;
		memcpy(t->hwaddr, d->hwaddr, sizeof(t->hwaddr));
		loopback = d->flags & IFF_LOOPBACK;
	}
	spin_unlock(&netdev_lock);
	if (!err && packet_is_cooked(k) && !loopback && !named)
		err = -EINVAL;
	return err;
}

/* The message as a frame. ERR_PTR. */
static struct pbuf *read_frame(struct packet_sock *k, struct sock_msg *m, const struct target *t)
{
	size_t n = m->iov->left, head = packet_is_cooked(k) ? ETH_HLEN : 0;
	struct pbuf *p;
	u8 *b;

	if (n + head > (size_t)t->mtu + ETH_HLEN + VLAN_HLEN || n + head > 65535)
		return ERR_PTR(-EMSGSIZE);
	if (n + head < ETH_HLEN)
		return ERR_PTR(-EINVAL);
	p = pbuf_alloc(PBUF_RAW, (u16)(n + head), PBUF_RAM);
	if (!p)
		return ERR_PTR(-ENOBUFS);
	b = p->payload;
	if (head) {
		memcpy(b, t->to, 6);
		memcpy(b + 6, t->hwaddr, 6);
		memcpy(b + 12, &t->protocol, 2);
	}
	if (iov_from(m->iov, b + head, n) != n) {
		pbuf_free(p);
		return ERR_PTR(-EFAULT);
	}
	return p;
}

static int transmit(struct netdev *d, struct pbuf *p)
{
	struct net_offload none = { 0 };

	if (d->flags & IFF_LOOPBACK) {
		loop_inject(p);
		return 0;
	}
	gso_flush();
	return device_transmit(container_of(d, struct net_device, dev), p, &none) == ERR_OK
		       ? 0
		       : -ENOBUFS;
}

s64 packet_send(struct socket *s, struct sock_msg *m)
{
	struct packet_sock *k = packet_sk(s);
	size_t n = m->iov->left;
	struct netdev *d;
	struct target t;
	struct pbuf *p;
	int err;

	if (m->flags & MSG_OOB)
		return -EINVAL;
	err = find_target(k, m, &t);
	if (err)
		return err;
	p = read_frame(k, m, &t);
	if (IS_ERR(p))
		return PTR_ERR(p);
	net_enter(k->s.net);
	spin_lock(&netdev_lock);
	d = netdev_by_index(k->s.net, t.ifindex); /* it may have gone meanwhile */
	spin_unlock(&netdev_lock);
	err = d ? transmit(d, p) : -ENXIO;
	pbuf_free(p);
	net_leave();
	return err ? err : (s64)n;
}
