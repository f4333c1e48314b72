/*
 * receive.c - the thread that takes frames from the backend to the Sentry's receive queue. A frame costs one read, straight
 * into the arena's buffers; of a stream, that read also brings the length of the next. It also tells the Sentry what the
 * device is, and when it went away.
 */
#include <errno.h>
#include <linux/if_packet.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

#include "host/jail.h"
#include "host/net/pump.h"
#include "host/ring_dev.h"
#include "host/sandbox.h"

#define VNET_LEN   10 /* struct virtio_net_hdr, without the number of buffers */
#define NEED	   ((NET_FRAME_MAX + sizeof(struct net_hdr) + NET_RX_BUFFER - 1) / NET_RX_BUFFER)
#define WRITEV_MAX (NEED + 3)

struct buffer {
	uint16_t head;
	struct iovec iov;
};

struct receiver {
	struct net *n;
	unsigned queue;
	struct ring_dev rd, cfg;
	struct ring_chain chain;
	struct buffer buf[NEED]; /* taken from the queue, none used yet */
	unsigned nbuf;
	unsigned char length[4]; /* of the stream's next frame */
	unsigned have;		 /* bytes of it that are there */
	struct net_spin spin;
};

static const int receive_syscalls[] = {
	SYS_read,	   SYS_write,	    SYS_readv,
	SYS_writev,	   SYS_poll,	    SYS_restart_syscall,
	SYS_clock_gettime, SYS_getsockname, SYS_exit_group,
};

/* Give the device's description to the Sentry, when it has room for it. */
static void tell(struct receiver *r)
{
	struct ring_chain *c = &r->chain;

	for (;;) {
		int got = ring_dev_pop(&r->cfg, c);

		if (got == -EPROTO)
			return;
		if (got == 0) {
			if (!ring_dev_arm(&r->cfg))
				net_await_doorbell(r->n, RING_Q_NET_CFG, &r->n->rx);
			continue;
		}
		if (got == 1 && c->nin && c->iov[c->nout].iov_len >= sizeof(r->n->config)) {
			memcpy(c->iov[c->nout].iov_base, &r->n->config, sizeof(r->n->config));
			ring_dev_push(&r->cfg, c->head, sizeof(r->n->config));
			break;
		}
		if (got == 1)
			ring_dev_push(&r->cfg, c->head, 0);
	}
	if (ring_dev_publish(&r->cfg))
		net_wake_sentry(r->n, RING_Q_NET_CFG, &r->n->rx);
}

/* Nothing comes from there any more. The sender finds out by itself. */
static void gone(struct receiver *r)
{
	r->n->config.flags &= ~(uint32_t)NET_UP;
	tell(r);
	net_rest();
}

static void publish(struct receiver *r)
{
	if (ring_dev_publish(&r->rd))
		net_wake_sentry(r->n, r->queue, &r->n->rx);
}

static bool chain_ready(const void *rd)
{
	return ring_dev_ready(rd);
}

/* Have buffers for the longest frame. */
static void refill(struct receiver *r)
{
	while (r->nbuf < NEED) {
		struct ring_chain *c = &r->chain;
		int got = ring_dev_pop(&r->rd, c);

		if (got == -EPROTO)
			net_rest();
		if (got == 1 && !c->nout && c->nin == 1 && c->in_len >= NET_RX_BUFFER) {
			r->buf[r->nbuf++] = (struct buffer){ c->head, c->iov[0] };
			r->buf[r->nbuf - 1].iov.iov_len = NET_RX_BUFFER;
			continue;
		}
		if (got == 1) {
			r->n->rx.refused++;
			ring_dev_push(&r->rd, c->head, 0);
		}
		if (got)
			continue;
		publish(r);
		if (!net_spin(&r->spin, chain_ready, &r->rd) && !ring_dev_arm(&r->rd))
			net_await_doorbell(r->n, r->queue, &r->n->rx);
	}
}

/* A frame of len bytes lies in the first buffers, room for its header before it. */
static void deliver(struct receiver *r, struct net_hdr *h, size_t len)
{
	struct net *n = r->n;
	size_t left = len + sizeof(*h);
	unsigned used = (unsigned)((left + NET_RX_BUFFER - 1) / NET_RX_BUFFER);

	h->buffers = (uint16_t)used;
	memcpy(r->buf[0].iov.iov_base, h, sizeof(*h));
	if (n->pcap_fd >= 0) {
		struct iovec v[NEED];

		for (unsigned i = 0; i < used; i++)
			v[i] = r->buf[i].iov;
		v[0].iov_base = (char *)v[0].iov_base + sizeof(*h);
		v[0].iov_len -= sizeof(*h);
		v[used - 1].iov_len -= used * (size_t)NET_RX_BUFFER - left;
		pcap_write(n, v, used, len);
	}
	for (unsigned i = 0; i < used; i++) {
		size_t part = left < NET_RX_BUFFER ? left : NET_RX_BUFFER;

		ring_dev_push(&r->rd, r->buf[i].head, (uint32_t)part);
		left -= part;
	}
	memmove(r->buf, r->buf + used, (r->nbuf - used) * sizeof(r->buf[0]));
	r->nbuf -= used;
	n->rx.frames++;
	n->rx.bytes += len;
	publish(r);
}

/* One packet socket or TAP read. 1: a frame; 0: none is there; -1: the backend is gone. */
static int receive_vnet(struct receiver *r)
{
	struct net_hdr h = { 0 };
	struct iovec v[NEED + 1];
	ssize_t n;

	v[0] = (struct iovec){ &h, VNET_LEN };
	for (unsigned i = 0; i < NEED; i++)
		v[i + 1] = r->buf[i].iov;
	v[1].iov_base = (char *)v[1].iov_base + sizeof(h);
	v[1].iov_len -= sizeof(h);
	n = readv(r->n->fd, v, NEED + 1);
	r->n->rx.calls++;
	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return 0;
	if (n < 0 && errno == ENETDOWN) {
		/* Down, to come up again; or deleted: then the socket is bound to no interface. */
		struct sockaddr_ll a = { .sll_ifindex = -1 };
		socklen_t len = sizeof(a);

		if (getsockname(r->n->fd, (struct sockaddr *)&a, &len) == 0 && a.sll_ifindex > 0)
			return 0;
		return -1;
	}
	if (n < 0)
		return errno == EINVAL
			       ? 0
			       : -1; /* EINVAL: a frame with an offload that the header cannot say */
	if (n == 0)
		return -1;
	if (n < VNET_LEN + 14) {
		r->n->rx.dropped++;
		return 1;
	}
	deliver(r, &h, (size_t)n - VNET_LEN);
	return 1;
}

/* Read into v until it is full, sleeping between. False: the stream ended. */
static bool read_rest(struct receiver *r, struct iovec *v, unsigned count)
{
	while (count) {
		ssize_t n = readv(r->n->fd, v, (int)count);

		r->n->rx.calls++;
		if (n < 0 && errno == EAGAIN) {
			struct pollfd p = { r->n->fd, POLLIN, 0 };

			poll(&p, 1, -1);
			continue;
		}
		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return false;
		for (; count && (size_t)n >= v->iov_len; v++, count--)
			n -= (ssize_t)v->iov_len;
		if (count) {
			v->iov_base = (char *)v->iov_base + n;
			v->iov_len -= (size_t)n;
		}
	}
	return true;
}

/* As receive_vnet. The length of the next frame comes with this one, if it is there already. */
static int receive_stream(struct receiver *r)
{
	struct net_hdr h = { .flags = NET_HDR_DATA_VALID };
	struct iovec v[WRITEV_MAX];
	size_t len, left, got = 0;
	unsigned count = 0;
	ssize_t n;

	if (r->have < 4) {
		n = read(r->n->fd, r->length + r->have, 4 - r->have);
		r->n->rx.calls++;
		if (n < 0 && (errno == EAGAIN || errno == EINTR))
			return 0;
		if (n <= 0)
			return -1;
		r->have += (unsigned)n;
		if (r->have < 4)
			return 1;
	}
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
	do {
		n = readv(r->n->fd, v, (int)count + 1);
		r->n->rx.calls++;
		if (n < 0 && errno == EAGAIN) {
			struct pollfd p = { r->n->fd, POLLIN, 0 };

			poll(&p, 1, -1);
		}
	} while (n < 0 && (errno == EAGAIN || errno == EINTR));
	if (n <= 0)
		return -1;
	r->have = 0;
	got = (size_t)n;
	if (got >= len) {
		r->have = (unsigned)(got - len);
	} else {
		unsigned i = 0;

		for (; got >= v[i].iov_len; i++)
			got -= v[i].iov_len;
		v[i].iov_base = (char *)v[i].iov_base + got;
		v[i].iov_len -= got;
		if (!read_rest(r, v + i, count - i))
			return -1;
	}
	deliver(r, &h, len);
	return 1;
}

static bool readable(const void *arg)
{
	struct pollfd p = { *(const int *)arg, POLLIN, 0 };

	return poll(&p, 1, 0) == 1;
}

void *net_receive_main(void *arg)
{
	static struct receiver receiver; /* too large for the stack */
	struct receiver *r = &receiver;
	const uint64_t one = 1;
	struct net *n = arg;

	r->n = n;
	net_spin_init(&r->spin);
	if (jail_seccomp_thread(receive_syscalls, sizeof(receive_syscalls) / sizeof(int)) < 0)
		_exit(125);
	net_await(n, 0);
	r->queue = RING_Q_NET + 2 * n->config.pair;
	ring_dev_init(&r->rd, n->sb->arena, n->sb->arena_size, r->queue);
	ring_dev_add_ram(&r->rd, n->sb->ram, n->sb->ram_size);
	ring_dev_init(&r->cfg, n->sb->arena, n->sb->arena_size, RING_Q_NET_CFG);
	tell(r);
	if (write(n->told_fd, &one, 8) != 8)
		_exit(125);
	for (;;) {
		int got;

		refill(r);
		got = n->config.transport == NET_STREAM ? receive_stream(r) : receive_vnet(r);
		if (got < 0)
			gone(r);
		if (!got && !net_spin(&r->spin, readable, &n->fd)) {
			struct pollfd p = { n->fd, POLLIN, 0 };

			poll(&p, 1, -1);
			net_spin_miss(&r->spin);
		}
	}
}
