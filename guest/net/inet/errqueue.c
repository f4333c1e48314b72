/*
 * errqueue.c - the queue of errors that IP_RECVERR and IPV6_RECVERR keep (ip(7)): what ICMP said of a datagram, with as much of
 * it as came back, or why a datagram was not sent. Likewise what is told of messages that went: when (SO_TIMESTAMPING), and that
 * their memory is not needed any more (SO_ZEROCOPY; it was copied). All under net_lock but for the copy to the reader.
 */
#include <linux/in.h>
#include <string.h>

#include "lwip/prot/ethernet.h"
#include "mm/slab.h"
#include "net/inet/inet.h"
#include "net/scm.h"
#include "platform/platform.h"

/* <linux/errqueue.h> wants a struct timespec of libc's. */
struct sock_extended_err {
	u32 ee_errno;
	u8 ee_origin, ee_type, ee_code, ee_pad;
	u32 ee_info, ee_data;
};
#define SO_EE_ORIGIN_LOCAL	   1
#define SO_EE_ORIGIN_ICMP	   2
#define SO_EE_ORIGIN_ICMP6	   3
#define SO_EE_ORIGIN_TIMESTAMPING  4
#define SO_EE_ORIGIN_ZEROCOPY	   5
#define SO_EE_CODE_ZEROCOPY_COPIED 1
#define SCM_TSTAMP_SND		   0
#define SCM_TSTAMP_SCHED	   1

static bool from_icmp(const struct inet_dgram *d)
{
	return d->origin == SO_EE_ORIGIN_ICMP || d->origin == SO_EE_ORIGIN_ICMP6;
}

static bool wanted(const struct inet_sock *k, const ip_addr_t *to)
{
	return IP_IS_V6(to) ? k->recverr6 : k->recverr;
}

void dgram_free(struct inet_dgram *d)
{
	if (d->p)
		pbuf_free(d->p);
	kfree(d);
}

static struct inet_dgram *enqueue(struct inet_sock *k, struct pbuf *quote, const ip_addr_t *to,
				  u16 port)
{
	u32 len = quote ? quote->tot_len : 0;
	struct inet_dgram *d = NULL;

	if (k->rxq_bytes + len + DGRAM_OVERHEAD <= k->s.rcvbuf)
		d = kzalloc(sizeof(*d));
	if (!d) {
		if (quote)
			pbuf_free(quote);
		return NULL;
	}
	d->p = quote;
	d->len = len;
	d->to = *to;
	d->port = port;
	list_add_tail(&k->errq, &d->node);
	k->rxq_bytes += len + DGRAM_OVERHEAD;
	return d;
}

void errqueue_icmp(struct inet_sock *k, const struct icmp_error *e, const ip_addr_t *to, u16 port)
{
	struct pbuf *quote = NULL;
	struct inet_dgram *d;

	if (!wanted(k, to) && (k->state != INET_CONNECTED || !e->hard))
		return;
	if (wanted(k, to)) {
		quote = e->len ? pbuf_alloc(PBUF_RAW, e->len, PBUF_RAM) : NULL;
		if (quote)
			pbuf_copy_partial(e->p, quote->payload, e->len, e->at);
		d = enqueue(k, quote, to, port);
		if (d) {
			d->from = e->from;
			d->err = (u8)e->err;
			d->type = e->type;
			d->code = e->code;
			d->info = e->info;
			d->origin = IP_IS_V6(to) ? SO_EE_ORIGIN_ICMP6 : SO_EE_ORIGIN_ICMP;
			dgram_header(d, IP_IS_V6(to));
		}
	}
	atomic_store(&k->s.err, e->err);
	sock_wake_error(&k->s);
}

void errqueue_local(struct inet_sock *k, int err, u32 info, const ip_addr_t *to, u16 port)
{
	struct inet_dgram *d = wanted(k, to) ? enqueue(k, NULL, to, port) : NULL;

	if (!d)
		return;
	d->err = (u8)err;
	d->info = info;
	d->origin = SO_EE_ORIGIN_LOCAL;
	sock_wake_error(&k->s);
}

/* A packet of len bytes as a device has it: on the loopback with an empty header in front. NULL: it went in fragments. */
static struct pbuf *as_frame(const struct pbuf *p, u32 len)
{
	u32 head = p->tot_len == len ? SIZEOF_ETH_HDR : 0;
	struct pbuf *q;

	if (p->tot_len < len || head + len > UINT16_MAX)
		return NULL;
	q = pbuf_alloc(PBUF_RAW, (u16)(head + p->tot_len), PBUF_RAM);
	if (!q)
		return NULL;
	memset(q->payload, 0, head);
	pbuf_copy_partial(p, (u8 *)q->payload + head, p->tot_len, 0);
	return q;
}

static void stamp(struct inet_sock *k, u32 what, u32 number, const struct pbuf *p, u32 len)
{
	bool alone = k->s.stamps & SOF_TIMESTAMPING_OPT_TSONLY;
	struct inet_dgram *d = enqueue(k, alone ? NULL : as_frame(p, len), &k->raddr, 0);

	if (!d)
		return;
	d->err = ENOMSG;
	d->origin = SO_EE_ORIGIN_TIMESTAMPING;
	d->info = what;
	d->data = number;
	d->time = clock_mono() + (u64)clock_real_offset();
	sock_wake_error(&k->s);
}

void errqueue_stamps(struct inet_sock *k, u32 stamps, const struct pbuf *p, u32 len)
{
	u32 number = k->s.stamps & SOF_TIMESTAMPING_OPT_ID ? k->next_stamp++ : 0;

	if (stamps & SOF_TIMESTAMPING_TX_SCHED)
		stamp(k, SCM_TSTAMP_SCHED, number, p, len);
	if (stamps & SOF_TIMESTAMPING_TX_SOFTWARE)
		stamp(k, SCM_TSTAMP_SND, number, p, len);
}

/* One entry stands for as many messages in a row as there are when it is read. */
static bool extend(struct inet_sock *k, u32 number)
{
	struct inet_dgram *last;

	if (list_empty(&k->errq))
		return false;
	last = list_entry(k->errq.prev, struct inet_dgram, node);
	if (last->origin != SO_EE_ORIGIN_ZEROCOPY || last->data + 1 != number)
		return false;
	last->data = number;
	return true;
}

void errqueue_copied(struct socket *s)
{
	struct inet_sock *k = inet_sk(s);
	struct inet_dgram *d;
	u32 number;

	spin_lock(&net_lock);
	number = k->next_copied++;
	d = extend(k, number) ? NULL : enqueue(k, NULL, &k->raddr, 0);
	if (d) {
		d->origin = SO_EE_ORIGIN_ZEROCOPY;
		d->code = SO_EE_CODE_ZEROCOPY_COPIED;
		d->info = d->data = number;
	}
	spin_unlock(&net_lock);
	sock_wake_error(s);
}

/* The first one leaves the queue; the pending error is the next one's. */
static struct inet_dgram *dequeue(struct inet_sock *k)
{
	struct inet_dgram *d, *next;

	if (list_empty(&k->errq))
		return NULL;
	d = list_first(&k->errq, struct inet_dgram, node);
	list_del(&d->node);
	k->rxq_bytes -= d->len + DGRAM_OVERHEAD;
	next = list_empty(&k->errq) ? NULL : list_first(&k->errq, struct inet_dgram, node);
	if (next && from_icmp(next))
		atomic_store(&k->s.err, next->err);
	else if (from_icmp(d))
		atomic_store(&k->s.err, 0);
	return d;
}

void errqueue_purge(struct inet_sock *k)
{
	struct inet_dgram *d;

	while ((d = dequeue(k)))
		dgram_free(d);
}

s64 errqueue_recv(struct inet_sock *k, struct sock_msg *m)
{
	struct {
		struct sock_extended_err e;
		u8 offender[28];
	} x = { 0 };
	bool v6 = k->s.family == AF_INET6;
	struct sock_addr a = { .len = v6 ? 28 : 16 };
	struct inet_dgram *d;
	s64 n;

	spin_lock(&net_lock);
	d = dequeue(k);
	spin_unlock(&net_lock);
	if (!d)
		return -EAGAIN;
	x.e = (struct sock_extended_err){ .ee_errno = d->err,
					  .ee_origin = d->origin,
					  .ee_type = d->type,
					  .ee_code = d->code,
					  .ee_info = d->info,
					  .ee_data = d->data };
	if (from_icmp(d)) {
		inet_addr_write(k, &a, &d->from, 0);
		memcpy(x.offender, a.raw, a.len);
	}
	n = dgram_copy(m, d, 0);
	if (d->time)
		scm_add_time(m->scm, &k->s, d->time);
	if (from_icmp(d))
		dgram_tell_header(k, m->scm, d); /* of the ICMP message */
	scm_extra_add(m->scm, v6 ? IPPROTO_IPV6 : IPPROTO_IP, v6 ? IPV6_RECVERR : IP_RECVERR, &x,
		      sizeof(x.e) + a.len);
	if (m->name && (from_icmp(d) || d->origin == SO_EE_ORIGIN_LOCAL))
		inet_addr_write(k, m->name, &d->to, d->port);
	m->out |= MSG_ERRQUEUE;
	spin_lock(&net_lock);
	dgram_free(d);
	spin_unlock(&net_lock);
	return n;
}
