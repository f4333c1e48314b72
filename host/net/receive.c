/*
 * receive.c - from the backend to the Sentry's receive queue. Frames of a socket come several to a call, straight into the
 * Sentry's buffers; of a stream, the call that brings a frame also brings the length of the next.
 */
#include <errno.h>
#include <linux/if_packet.h>
#include <string.h>
#include <unistd.h>

#include "host/net/pump.h"
#include "host/sandbox.h"

void net_receive_init(struct pump *p)
{
	const struct sandbox *sb = p->n->sb;

	ring_dev_init(&p->rx.rd, sb->arena, sb->arena_size, p->rx.queue);
	ring_dev_add_ram(&p->rx.rd, sb->ram, sb->ram_size);
	p->rx.batch = 2;
}

bool net_receive_starved(const struct pump *p)
{
	return p->rx.nbuf < RX_NEED;
}

/* Take what buffers there are, if they might be too few for the next call. */
static void refill(struct pump *p)
{
	struct receiver *r = &p->rx;
	struct ring_chain *c = &p->chain;

	if (r->nbuf >= r->batch * RX_NEED)
		return;
	while (r->nbuf < RING_ENTRIES) {
		int got = ring_dev_pop(&r->rd, c);

		if (got == 0)
			return;
		if (got == -EPROTO)
			net_rest(); /* the Sentry broke its queue */
		if (got == 1 && !c->nout && c->nin == 1 && c->in_len >= NET_RX_BUFFER) {
			r->buf[r->nbuf] = (struct buffer){ c->head, c->iov[0] };
			r->buf[r->nbuf++].iov.iov_len = NET_RX_BUFFER;
		} else if (got == 1) {
			p->pair->rx.refused++;
			ring_dev_push(&r->rd, c->head, 0);
		}
	}
}

/* The frame of len bytes lies in the buffers from first on, room for its header before it. How many it took. */
static unsigned deliver(struct pump *p, unsigned first, struct net_hdr *h, size_t len)
{
	struct buffer *b = p->rx.buf + first;
	size_t left = len + sizeof(*h);
	unsigned used = (unsigned)((left + NET_RX_BUFFER - 1) / NET_RX_BUFFER);

	h->buffers = (uint16_t)used;
	memcpy(b[0].iov.iov_base, h, sizeof(*h));
	if (p->n->pcap_fd >= 0) {
		struct iovec v[RX_NEED];

		for (unsigned i = 0; i < used; i++)
			v[i] = b[i].iov;
		v[0].iov_base = (char *)v[0].iov_base + sizeof(*h);
		v[0].iov_len -= sizeof(*h);
		v[used - 1].iov_len -= used * (size_t)NET_RX_BUFFER - left;
		pcap_write(p->n, v, used, len);
	}
	for (unsigned i = 0; i < used; i++) {
		size_t part = left < NET_RX_BUFFER ? left : NET_RX_BUFFER;

		ring_dev_push(&p->rx.rd, b[i].head, (uint32_t)part);
		left -= part;
	}
	p->pair->rx.frames++;
	p->pair->rx.bytes += len;
	return used;
}

/* The buffers from first to last - 1 were used. */
static void forget(struct receiver *r, unsigned first, unsigned last)
{
	memmove(r->buf + first, r->buf + last, (r->nbuf - last) * sizeof(r->buf[0]));
	r->nbuf -= last - first;
}

/* Room for frame i: its header here, the rest in the Sentry's buffers behind the header's place. Returns where it begins. */
static struct iovec *room(struct receiver *r, unsigned i)
{
	struct iovec *v = r->v + i * (RX_NEED + 1);

	r->hdr[i] = (struct net_hdr){ 0 };
	v[0] = (struct iovec){ &r->hdr[i], VNET_LEN };
	for (unsigned k = 0; k < RX_NEED; k++)
		v[k + 1] = r->buf[i * RX_NEED + k].iov;
	v[1].iov_base = (char *)v[1].iov_base + sizeof(struct net_hdr);
	v[1].iov_len -= sizeof(struct net_hdr);
	return v;
}

/* How many frames came (their lengths in msg), or as recvmmsg has it. */
static int receive_batch(struct pump *p, unsigned want)
{
	struct receiver *r = &p->rx;

	for (unsigned i = 0; i < want; i++)
		r->msg[i].msg_hdr =
			(struct msghdr){ .msg_iov = room(r, i), .msg_iovlen = RX_NEED + 1 };
	if (!p->plain) {
		int n = recvmmsg(p->fd, r->msg, want, MSG_DONTWAIT, NULL);

		if (n >= 0 || errno != ENOTSOCK)
			return n;
		p->plain = true; /* TAP */
	}
	for (unsigned i = 0; i < want; i++) {
		ssize_t n = readv(p->fd, r->msg[i].msg_hdr.msg_iov, RX_NEED + 1);

		if (n < 0)
			return i ? (int)i : -1;
		r->msg[i].msg_len = (unsigned)n;
	}
	return (int)want;
}

/* Why nothing came. 0: it is nothing, -1: the backend is gone. */
static int failed(const struct pump *p)
{
	struct sockaddr_ll a = { .sll_ifindex = -1 };
	socklen_t len = sizeof(a);

	switch (errno) {
	case EAGAIN:
	case EINTR:
	case EINVAL: return 0; /* EINVAL: a frame with an offload that the header cannot say */
	case ENETDOWN:
		/* Down, to come up again; or deleted: then the socket is bound to no interface. */
		if (getsockname(p->fd, (struct sockaddr *)&a, &len) == 0 && a.sll_ifindex > 0)
			return 0;
	}
	return -1;
}

static int receive_vnet(struct pump *p)
{
	struct receiver *r = &p->rx;
	unsigned want = r->nbuf / RX_NEED < r->batch ? r->nbuf / RX_NEED : r->batch;
	int got = receive_batch(p, want);

	r->drained = got < 0 ? errno == EAGAIN : (unsigned)got < want;
	if (got < 0)
		return failed(p);
	p->pair->rx.calls++;
	for (unsigned i = 0, gone = 0; i < (unsigned)got; i++) {
		unsigned first = i * RX_NEED - gone, used;

		if (!r->msg[i].msg_len)
			return -1;
		if (r->msg[i].msg_len < VNET_LEN + 14) {
			p->pair->rx.dropped++;
			continue;
		}
		used = deliver(p, first, &r->hdr[i], r->msg[i].msg_len - VNET_LEN);
		forget(r, first, first + used);
		gone += used;
	}
	r->batch = (unsigned)got < want ? (unsigned)got + 1 : r->batch * 2;
	if (r->batch > RX_BATCH)
		r->batch = RX_BATCH;
	return 1;
}

/* Read into v until it is full, sleeping between. False: the stream ended. */
static bool read_rest(struct pump *p, struct iovec *v, unsigned count)
{
	while (count) {
		ssize_t n = readv(p->fd, v, (int)count);

		if (n < 0 && errno == EAGAIN) {
			net_await_rest(p);
			continue;
		}
		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return false;
		p->pair->rx.calls++;
		for (; count && (size_t)n >= v->iov_len; v++, count--)
			n -= (ssize_t)v->iov_len;
		if (count) {
			v->iov_base = (char *)v->iov_base + n;
			v->iov_len -= (size_t)n;
		}
	}
	return true;
}

/* The length of the next frame of a stream. 1; 0: it is not there yet; -1: the stream ended. */
static int read_length(struct pump *p)
{
	struct receiver *r = &p->rx;
	ssize_t n;

	if (r->have == 4)
		return 1;
	n = read(p->fd, r->length + r->have, 4 - r->have);
	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return 0;
	if (n <= 0)
		return -1;
	p->pair->rx.calls++;
	r->have += (unsigned)n;
	return r->have == 4;
}

/* The length of the next frame comes with this one, if it is there already. */
static int receive_stream(struct pump *p)
{
	struct receiver *r = &p->rx;
	struct net_hdr h = { .flags = NET_HDR_DATA_VALID };
	struct iovec v[RX_NEED + 1];
	size_t len, left, want;
	unsigned count = 0;
	ssize_t n;
	int ret = read_length(p);

	if (ret <= 0)
		return ret;
	len = (size_t)r->length[0] << 24 | (size_t)r->length[1] << 16 | (size_t)r->length[2] << 8 |
	      r->length[3];
	if (len < 14 || len > NET_FRAME_MAX)
		return -1; /* out of step: no frame after this one could be found */
	left = len;
	for (size_t skip = sizeof(h); left; skip = 0) {
		struct iovec *b = &r->buf[count].iov;
		size_t part = b->iov_len - skip < left ? b->iov_len - skip : left;

		v[count++] = (struct iovec){ (char *)b->iov_base + skip, part };
		left -= part;
	}
	v[count] = (struct iovec){ r->length, 4 };
	n = readv(p->fd, v, (int)count + 1);
	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return 0;
	if (n <= 0)
		return -1;
	p->pair->rx.calls++;
	r->have = (size_t)n > len ? (unsigned)((size_t)n - len) : 0;
	want = (size_t)n < len ? (size_t)n : len;
	if (want < len) {
		unsigned i = 0;

		for (; want >= v[i].iov_len; i++)
			want -= v[i].iov_len;
		v[i].iov_base = (char *)v[i].iov_base + want;
		v[i].iov_len -= want;
		if (!read_rest(p, v + i, count - i))
			return -1;
	}
	forget(r, 0, deliver(p, 0, &h, len));
	return 1;
}

int net_receive(struct pump *p)
{
	int got;

	if (p->rx.dead || p->rx.drained)
		return 0;
	refill(p);
	if (net_receive_starved(p))
		return 0;
	if (p->n->config.transport != NET_STREAM)
		return receive_vnet(p);
	got = receive_stream(p);
	p->rx.drained = !got;
	return got;
}
