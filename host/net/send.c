/*
 * send.c - from the Sentry's transmit queue to the backend, several frames to a call. The head of each is copied out and
 * checked (check.h); what follows goes from the Sentry's memory straight into the host's kernel.
 */
#include <errno.h>
#include <limits.h>
#include <string.h>
#include <unistd.h>

#include "host/net/pump.h"
#include "host/sandbox.h"

void net_send_init(struct pump *p)
{
	const struct sandbox *sb = p->n->sb;

	ring_dev_init(&p->tx.rd, sb->arena, sb->arena_size, p->tx.queue);
	ring_dev_add_ram(&p->tx.rd, sb->ram, sb->ram_size);
}

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

/* What the backend wants to have before a frame. */
static struct iovec prefix(const struct pump *p, struct frame_out *f, const struct net_hdr *h)
{
	if (p->n->config.transport != NET_STREAM) {
		memcpy(f->prefix, h, VNET_LEN);
		return (struct iovec){ f->prefix, VNET_LEN };
	}
	f->prefix[0] = (unsigned char)(f->len >> 24);
	f->prefix[1] = (unsigned char)(f->len >> 16);
	f->prefix[2] = (unsigned char)(f->len >> 8);
	f->prefix[3] = (unsigned char)f->len;
	return (struct iovec){ f->prefix, 4 };
}

/* Put the chain behind what is gathered. False: it is no frame that may go out. */
static bool add_frame(struct pump *p, struct ring_chain *c)
{
	struct sender *s = &p->tx;
	struct frame_out *f = &s->frame[s->nframes];
	struct net_hdr h;
	size_t len = c->out_len - sizeof(h),
	       head_len = len < sizeof(f->head) ? len : sizeof(f->head);
	unsigned at = 0;

	if (c->nin || c->out_len < sizeof(h) || !take(c->iov, c->nout, &at, &h, sizeof(h)) ||
	    !take(c->iov, c->nout, &at, f->head, head_len) ||
	    !net_check_frame(&p->n->config, &h, f->head, head_len, len))
		return false;
	f->chain = c->head;
	f->len = len;
	f->first = s->count;
	s->v[s->count++] = prefix(p, f, &h);
	s->v[s->count++] = (struct iovec){ f->head, head_len };
	while (at < c->nout)
		s->v[s->count++] = c->iov[at++];
	f->count = s->count - f->first;
	if (p->n->pcap_fd >= 0)
		pcap_write(p->n, s->v + f->first + 1, f->count - 1, len);
	s->nframes++;
	return true;
}

/* Take frames from the queue. True: there was a chain, good or not. */
static bool gather(struct pump *p)
{
	struct sender *s = &p->tx;
	bool any = false;

	s->nframes = s->sent = s->at = s->count = 0;
	while (s->nframes < TX_BATCH) {
		int got = ring_dev_pop(&s->rd, &p->chain);

		if (got == 0)
			break;
		if (got == -EPROTO)
			net_rest(); /* the Sentry broke its queue */
		any = true;
		if (got == 1 && s->dead)
			p->pair->tx.dropped++;
		else if (got == 1 && add_frame(p, &p->chain))
			continue;
		else
			p->pair->tx.refused++;
		if (got == 1)
			ring_dev_push(&s->rd, p->chain.head, 0);
	}
	return any;
}

/* The next frame is away, or lost. */
static void done(struct pump *p, bool lost)
{
	struct frame_out *f = &p->tx.frame[p->tx.sent++];

	if (lost) {
		p->pair->tx.dropped++;
	} else {
		p->pair->tx.frames++;
		p->pair->tx.bytes += f->len;
	}
	ring_dev_push(&p->tx.rd, f->chain, 0);
}

/* Write frames, each whole or not at all. How many, or -1 with errno. */
static int write_frames(struct pump *p)
{
	struct sender *s = &p->tx;
	struct frame_out *f = &s->frame[s->sent];
	unsigned n = s->nframes - s->sent;

	if (p->plain)
		return writev(p->fd, s->v + f->first, (int)f->count) < 0 ? -1 : 1;
	for (unsigned i = 0; i < n; i++)
		s->msg[i].msg_hdr =
			(struct msghdr){ .msg_iov = s->v + f[i].first, .msg_iovlen = f[i].count };
	return sendmmsg(p->fd, s->msg, n, MSG_DONTWAIT);
}

/* Write what is left of them all to a stream. As write_frames. */
static int write_stream(struct pump *p)
{
	struct sender *s = &p->tx;
	unsigned count = s->count - s->at < IOV_MAX ? s->count - s->at : IOV_MAX;
	ssize_t n = writev(p->fd, s->v + s->at, (int)count);
	int whole = 0;

	if (n < 0)
		return -1;
	for (; s->at < s->count && (size_t)n >= s->v[s->at].iov_len; s->at++)
		n -= (ssize_t)s->v[s->at].iov_len;
	if (s->at < s->count) {
		s->v[s->at].iov_base = (char *)s->v[s->at].iov_base + n;
		s->v[s->at].iov_len -= (size_t)n;
	}
	while (s->sent + (unsigned)whole < s->nframes) {
		const struct frame_out *f = &s->frame[s->sent + (unsigned)whole];

		if (f->first + f->count > s->at)
			break;
		whole++;
	}
	return whole;
}

/* Nothing went out. True: there is no use in trying the rest again now. */
static bool failed(struct pump *p)
{
	struct sender *s = &p->tx;

	if (errno == EINTR)
		return false;
	if (errno == EAGAIN) {
		s->blocked = true;
		return true;
	}
	if (errno == ENOTSOCK) { /* TAP */
		p->plain = true;
		return false;
	}
	/* A stream that ended, in the middle of a frame perhaps. A packet socket's interface may come up again. */
	if (p->n->config.transport == NET_STREAM || errno == EBADFD)
		s->dead = true;
	done(p, true);
	while (s->dead && s->sent < s->nframes)
		done(p, true);
	return false;
}

bool net_send(struct pump *p)
{
	struct sender *s = &p->tx;

	if (s->blocked)
		s->blocked = false;
	else if (!gather(p))
		return false;
	while (s->sent < s->nframes) {
		int n = p->n->config.transport == NET_STREAM ? write_stream(p) : write_frames(p);

		if (n < 0) {
			if (failed(p))
				return false;
			continue;
		}
		p->pair->tx.calls++;
		while (n--)
			done(p, false);
	}
	return true;
}
