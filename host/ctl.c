/*
 * ctl.c - see ctl.h.
 */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "host/boottree.h"
#include "host/clock.h"
#include "host/ctl.h"
#include "host/printable.h"
#include "host/windows.h"

#define RANGES_MAX 512 /* of one chain of the balloon queue */

void ctl_init(struct ctl *c, struct sandbox *sb,
	      void (*deliver)(void *arg, const struct ctl_msg *m), void *arg)
{
	memset(c, 0, sizeof(*c));
	c->sb = sb;
	c->deliver = deliver;
	c->arg = arg;
	ring_dev_init(&c->in, sb->arena, sb->arena_size, RING_Q_CTL_IN);
	ring_dev_init(&c->out, sb->arena, sb->arena_size, RING_Q_CTL_OUT);
	ring_dev_init(&c->balloon, sb->arena, sb->arena_size, RING_Q_BALLOON);
}

void queue_notify(struct sandbox *sb, unsigned queue)
{
	uint64_t one = 1;

	while (write(sb->call_fd[queue], &one, 8) < 0 && errno == EINTR)
		;
}

/* Give a message to the Sentry; false if it has no buffer posted for it. */
static bool to_sentry(struct ctl *c, const struct ctl_msg *m)
{
	struct ring_chain chain;

	if (ring_dev_pop(&c->in, &chain) != 1) {
		if (ring_dev_publish(&c->in)) /* malformed ones went back */
			queue_notify(c->sb, RING_Q_CTL_IN);
		return false;
	}
	if (chain.nin && chain.iov[chain.nout].iov_len >= sizeof(*m)) {
		memcpy(chain.iov[chain.nout].iov_base, m, sizeof(*m));
		ring_dev_push(&c->in, chain.head, sizeof(*m));
	} else {
		ring_dev_push(&c->in, chain.head, 0);
	}
	if (ring_dev_publish(&c->in))
		queue_notify(c->sb, RING_Q_CTL_IN);
	return true;
}

/* The pair (tsc, monotonic); the Sentry finds the frequency from the pairs it has (d = 0). */
static void send_time(struct ctl *c)
{
	struct clock_sample s;
	struct ctl_msg m = { .type = CTL_TIME };

	clock_sample(&s);
	m.a = s.tsc;
	m.b = s.mono;
	m.c = s.mono + (clock_now_ns(CLOCK_REALTIME) - clock_now_ns(CLOCK_MONOTONIC));
	to_sentry(c, &m);
}

static void clean(struct ctl_msg *m, bool lines)
{
	if (m->len > sizeof(m->data))
		m->len = sizeof(m->data);
	printable(m->data, m->len, lines);
}

/* One message of the Sentry's: already a private copy. */
static void from_sentry(struct ctl *c, struct ctl_msg *m)
{
	switch (m->type) {
	case CTL_TIME_REQUEST: send_time(c); return;
	case CTL_LOG:
		if (!c->sb->debug)
			return;
		clean(m, true);
		break;
	case CTL_NOTE: clean(m, true); break;
	case CTL_NAMES_QUERY:
	case CTL_LIST: m->len = m->len < sizeof(m->data) ? m->len : sizeof(m->data); break;
	case CTL_EXIT:
	case CTL_STARTED:
	case CTL_FAILED:
	case CTL_CREATED:
	case CTL_DONE: clean(m, false); break;
	default: return; /* a newer or a hostile Sentry: nothing to do for it */
	}
	c->deliver(c->arg, m);
}

static uint32_t take_message(struct ctl *c, const struct ring_chain *chain)
{
	struct ctl_msg m;

	if (chain->nout && chain->iov[0].iov_len >= sizeof(m)) {
		memcpy(&m, chain->iov[0].iov_base, sizeof(m));
		from_sentry(c, &m);
	}
	return 0;
}

/* Frames that the Sentry gives back. Any range of its own RAM is its to forget. */
static void release_range(struct sandbox *sb, const struct balloon_range *r)
{
	if ((r->paddr | r->len) & 4095 || r->paddr > sb->ram_size ||
	    r->len > sb->ram_size - r->paddr || !r->len)
		return;
	fallocate(sb->ram_fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, (off_t)r->paddr,
		  (off_t)r->len);
}

/* A chain with room for an answer is about a window. */
static uint32_t take_window(struct ctl *c, const struct ring_chain *chain)
{
	struct dax_message m;
	int64_t ret;

	if (chain->nout != 1 || chain->iov[0].iov_len != sizeof(m) ||
	    chain->iov[1].iov_len < sizeof(ret))
		return 0;
	memcpy(&m, chain->iov[0].iov_base, sizeof(m));
	ret = windows_change(c->sb, &m);
	memcpy(chain->iov[1].iov_base, &ret, sizeof(ret));
	return sizeof(ret);
}

static uint32_t take_ranges(struct ctl *c, const struct ring_chain *chain)
{
	unsigned n = 0;

	if (chain->nin)
		return take_window(c, chain);

	for (unsigned i = 0; i < chain->nout; i++) {
		struct balloon_range r;

		for (size_t at = 0; at + sizeof(r) <= chain->iov[i].iov_len && n < RANGES_MAX;
		     at += sizeof(r), n++) {
			memcpy(&r, (char *)chain->iov[i].iov_base + at, sizeof(r));
			release_range(c->sb, &r);
		}
	}
	return 0;
}

/* One queue, a ring's worth of it at most: a Sentry that never stops must not keep us from the others. */
static bool drain(struct ctl *c, struct ring_dev *rd, unsigned queue,
		  uint32_t (*take)(struct ctl *, const struct ring_chain *))
{
	struct ring_chain chain;

	for (unsigned n = 0; n < RING_ENTRIES && !(c->stopped && rd == &c->out); n++) {
		int got = ring_dev_pop(rd, &chain);

		if (got == 1) {
			uint32_t written = take(c, &chain);

			ring_dev_push(rd, chain.head, written);
		} else if (got != -EINVAL) {
			break;
		}
	}
	if (ring_dev_publish(rd))
		queue_notify(c->sb, queue);
	return ring_dev_arm(rd);
}

bool ctl_drain(struct ctl *c)
{
	return drain(c, &c->out, RING_Q_CTL_OUT, take_message) && !c->stopped;
}

bool ctl_drain_balloon(struct ctl *c)
{
	return drain(c, &c->balloon, RING_Q_BALLOON, take_ranges);
}

bool ctl_flush(struct ctl *c)
{
	if (c->holds && to_sentry(c, &c->held))
		c->holds = false;
	return !c->holds;
}

void ctl_send(struct ctl *c, const struct ctl_msg *m)
{
	c->holds = !to_sentry(c, m);
	if (c->holds)
		c->held = *m;
}

const char *ctl_broken(const struct ctl *c)
{
	if (c->out.broken || c->in.broken)
		return "control";
	return c->balloon.broken ? "balloon" : NULL;
}
