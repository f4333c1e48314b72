/*
 * send.c - the thread that takes frames from the Sentry's transmit queue to the backend. A frame costs one write: its head
 * is copied out and checked (check.h), what follows goes from the arena straight into the host's kernel.
 */
#include <errno.h>
#include <poll.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

#include "host/jail.h"
#include "host/net/check.h"
#include "host/net/pump.h"
#include "host/ring_dev.h"
#include "host/sandbox.h"

#define VNET_LEN 10 /* struct virtio_net_hdr, without the number of buffers */

struct sender {
	struct net *n;
	unsigned queue;
	struct ring_dev rd;
	struct ring_chain chain;
	struct net_spin spin;
	bool dead; /* the backend is gone */
};

static const int send_syscalls[] = {
	SYS_read,	   SYS_write,	   SYS_writev, SYS_poll, SYS_restart_syscall,
	SYS_clock_gettime, SYS_exit_group,
};

/* Move the first len bytes of v[*at..count-1] to p; what is left stays in v. False: there are fewer. */
static bool take(struct iovec *v, unsigned count, unsigned *at, void *p, size_t len)
{
	char *to = p;

	while (len && *at < count) {
		struct iovec *from = &v[*at];
		size_t n = len < from->iov_len ? len : from->iov_len;

		memcpy(to, from->iov_base, n);
		to += n;
		len -= n;
		from->iov_base = (char *)from->iov_base + n;
		from->iov_len -= n;
		if (!from->iov_len)
			(*at)++;
	}
	return !len;
}

/* All of it, where the backend is a stream; a datagram is taken whole or not at all. 0 or errno. */
static int write_all(struct sender *s, struct iovec *v, unsigned count)
{
	while (count) {
		ssize_t n = writev(s->n->fd, v, (int)count);

		s->n->tx.calls++;
		if (n < 0 && errno == EAGAIN) {
			struct pollfd p = { s->n->fd, POLLOUT, 0 };

			poll(&p, 1, -1);
			continue;
		}
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return errno;
		if (s->n->config.transport == NET_VNET)
			return 0;
		for (; count && (size_t)n >= v->iov_len; v++, count--)
			n -= (ssize_t)v->iov_len;
		if (count) {
			v->iov_base = (char *)v->iov_base + n;
			v->iov_len -= (size_t)n;
		}
	}
	return 0;
}

static void send_frame(struct sender *s)
{
	struct net *n = s->n;
	struct ring_chain *c = &s->chain;
	unsigned char head[NET_HEAD_MAX], prefix[VNET_LEN];
	struct iovec v[RING_ENTRIES + 2];
	struct net_hdr h;
	size_t len = c->out_len - sizeof(h), head_len = len < sizeof(head) ? len : sizeof(head);
	unsigned at = 0, count = 2;
	int e;

	if (c->nin || c->out_len < sizeof(h) || !take(c->iov, c->nout, &at, &h, sizeof(h)) ||
	    !take(c->iov, c->nout, &at, head, head_len) ||
	    !net_check_frame(&n->config, &h, head, head_len, len)) {
		n->tx.refused++;
		return;
	}
	if (n->config.transport == NET_STREAM) {
		prefix[0] = (unsigned char)(len >> 24);
		prefix[1] = (unsigned char)(len >> 16);
		prefix[2] = (unsigned char)(len >> 8);
		prefix[3] = (unsigned char)len;
		v[0] = (struct iovec){ prefix, 4 };
	} else {
		memcpy(prefix, &h, VNET_LEN);
		v[0] = (struct iovec){ prefix, VNET_LEN };
	}
	v[1] = (struct iovec){ head, head_len };
	while (at < c->nout)
		v[count++] = c->iov[at++];
	if (n->pcap_fd >= 0)
		pcap_write(n, v + 1, count - 1, len);
	e = write_all(s, v, count);
	if (e) {
		n->tx.dropped++;
		/* A stream that ended, in the middle of a frame perhaps. A packet socket's interface may come up again. */
		if (n->config.transport == NET_STREAM || e == EBADFD)
			s->dead = true;
		return;
	}
	n->tx.frames++;
	n->tx.bytes += len;
}

static bool chain_ready(const void *rd)
{
	return ring_dev_ready(rd);
}

void *net_send_main(void *arg)
{
	static struct sender sender; /* too large for the stack */
	struct sender *s = &sender;

	s->n = arg;
	net_spin_init(&s->spin);
	if (jail_seccomp_thread(send_syscalls, sizeof(send_syscalls) / sizeof(int)) < 0)
		_exit(125);
	net_await(s->n, 1);
	s->queue = RING_Q_NET + 2 * s->n->config.pair + 1;
	ring_dev_init(&s->rd, s->n->sb->arena, s->n->sb->arena_size, s->queue);
	ring_dev_add_ram(&s->rd, s->n->sb->ram, s->n->sb->ram_size);
	for (;;) {
		int got = ring_dev_pop(&s->rd, &s->chain);

		if (got == -EPROTO)
			net_rest(); /* the Sentry broke its queue */
		if (got == 1) {
			if (!s->dead)
				send_frame(s);
			else
				s->n->tx.dropped++;
			ring_dev_push(&s->rd, s->chain.head, 0);
		} else if (got == -EINVAL) {
			s->n->tx.refused++;
		}
		if (ring_dev_publish(&s->rd))
			net_wake_sentry(s->n, s->queue, &s->n->tx);
		if (got || net_spin(&s->spin, chain_ready, &s->rd) || ring_dev_arm(&s->rd))
			continue;
		net_await_doorbell(s->n, s->queue, &s->n->tx);
		net_spin_miss(&s->spin);
	}
}
