/*
 * stream.c - see stream.h: requests to the host, its events, and the ends of streams. What files are: stream_file.c.
 *
 * Locks: stream->lock (spinlock), then table_lock (spinlock: the table by id, the lists of starving halves and of ids to be
 * closed); the ring's lock inside both. Completions and events are upcalls; what they do with a stream they do with a
 * reference to it: a request in flight holds one.
 */
#include <string.h>

#include "dev/stream_priv.h"
#include "fs/abi.h"
#include "fs/poll_bits.h"
#include "lib/log.h"
#include "mm/frame.h"
#include "mm/slab.h"
#include "task/task.h"

#define EVENTS	  32
#define CLOSE_MAX ((PAGE_SIZE - sizeof(struct stream_req)) / sizeof(u32))

static struct ring *ring, *events;
static struct spinlock table_lock = SPINLOCK_INIT;
static struct stream *table[STREAMS_MAX];
static struct list starving = LIST_INIT(starving);

static struct event_slot {
	struct ring_request rr;
	struct stream_event *ev; /* in the arena */
} slots[EVENTS];

/* Streams that nobody here uses are closed by the batch. */
static struct closing {
	struct ring_request rr;
	struct stream_req *req; /* in the arena; ids behind it */
	bool busy;
	u32 pending[STREAMS_MAX];
	unsigned n;
} closing;

static void close_batch(void);

static u32 *close_ids(void)
{
	return (u32 *)(closing.req + 1);
}

/* ---- requests ---- */

int stream_buffer(struct stream_half *h)
{
	paddr_t pa;

	if (h->buf)
		return 0;
	pa = frame_alloc(ZONE_ARENA, STREAM_ORDER, 0);
	if (!pa)
		return -ENOMEM;
	h->buf = paddr_to_ptr(pa);
	return 0;
}

/* The two halves differ in who gives the data. False: the ring is full, and h waits for room. */
static bool add(struct stream_half *h)
{
	struct stream *s = h->stream;
	bool write = h == &s->out;
	struct ring_buf out[3] = { { &h->buf->req, sizeof(h->buf->req) },
				   { h->buf->data, h->len },
				   { &h->buf->reply, sizeof(h->buf->reply) } };
	struct ring_buf in[2] = { out[0], { &h->buf->reply, STREAM_BUF - sizeof(h->buf->req) } };
	int err;

	h->buf->req = (struct stream_req){ s->id, write ? STREAM_WRITE : STREAM_READ };
	err = ring_add(ring, &h->rr, write ? out : in, write ? 2 : 1, 1);
	if (err == -ENOSPC) {
		spin_lock(&table_lock);
		if (!h->starved) {
			h->starved = true;
			list_add_tail(&starving, &h->node);
		}
		spin_unlock(&table_lock);
		return false;
	}
	if (err)
		h->rr.done(&h->rr, -EIO);
	return true;
}

void stream_submit(struct stream_half *h)
{
	stream_get(h->stream);
	/* Full: what is in flight comes back soon and makes room (on_room). */
	if (add(h))
		ring_kick(ring);
}

static void on_room(void *arg)
{
	bool more = true;

	while (more) {
		struct stream_half *h = NULL;

		spin_lock(&table_lock);
		if (!list_empty(&starving)) {
			h = list_first(&starving, struct stream_half, node);
			list_del(&h->node);
			h->starved = false;
		}
		spin_unlock(&table_lock);
		more = h && add(h);
	}
	ring_kick(ring);
	close_batch();
}

static struct stream_reply reply_of(struct stream_half *h, s32 written)
{
	struct stream_reply r = { .error = EIO };

	if (written >= (s32)sizeof(r))
		memcpy(&r, &h->buf->reply, sizeof(r));
	return r;
}

/* An answer came, or an event: is it the second of the two? stream->lock held. */
static bool met_again(struct stream_half *h)
{
	h->waits = !h->event;
	h->event = false;
	return !h->waits;
}

static bool met_event(struct stream_half *h)
{
	bool second = h->waits;

	h->event = !second;
	h->waits = false;
	return second;
}

/* ---- output ---- */

static void call_room(struct stream *s);

static void out_done(struct ring_request *rr, s32 written)
{
	struct stream *s = container_of(rr, struct stream, out.rr);
	struct stream_reply r = reply_of(&s->out, written);
	bool again = false;

	spin_lock(&s->lock);
	r.taken = MIN(r.taken, s->out.len);
	s->out.busy = false;
	s->no_reader = r.error == EPIPE;
	if (r.error == EAGAIN)
		met_again(&s->out);
	if (s->async) {
		/* The terminal's: the rest stays in the buffer and goes when the host takes more. */
		s->out.len -= r.taken;
		memmove(s->out.buf->data, s->out.buf->data + r.taken, s->out.len);
		if (r.error && r.error != EAGAIN) {
			s->error = r.error;
			s->out.len = 0;
		}
		again = s->out.len && !s->out.waits;
		s->out.busy = again;
		s->claimed = s->out.len != 0;
	} else {
		s->answer = r;
		s->answered = true;
	}
	spin_unlock(&s->lock);
	if (again)
		stream_submit(&s->out);
	else if (s->async &&
		 written >= 0) /* a broken ring: the terminal may be calling us under its lock */
		call_room(s);
	poll_wake(&s->q, POLL_WRITABLE);
	stream_put(s);
}

static void can_write(struct stream *s)
{
	bool again;

	spin_lock(&s->lock);
	again = met_event(&s->out) && s->async && s->out.len;
	if (again)
		s->out.busy = true;
	spin_unlock(&s->lock);
	if (again)
		stream_submit(&s->out);
	else
		poll_wake(&s->q, POLL_WRITABLE);
}

size_t stream_output(struct stream *s, const u8 *data, size_t len)
{
	spin_lock(&s->lock);
	if (s->claimed || stream_buffer(&s->out))
		len = 0;
	if (len) {
		len = MIN(len, STREAM_DATA);
		memcpy(s->out.buf->data, data, len);
		s->out.len = (u32)len;
		s->claimed = s->out.busy = s->async = true;
	}
	spin_unlock(&s->lock);
	if (len)
		stream_submit(&s->out);
	return len;
}

/* A copy of the user, who stays until user_put. */
static struct stream_user user_get(struct stream *s)
{
	struct stream_user u;

	spin_lock(&s->lock);
	u = s->user;
	atomic_add(&s->calls, 1);
	spin_unlock(&s->lock);
	return u;
}

static void user_put(struct stream *s)
{
	atomic_sub(&s->calls, 1);
}

void stream_set_user(struct stream *s, const struct stream_user *u)
{
	spin_lock(&s->lock);
	s->user = *u;
	spin_unlock(&s->lock);
	while (atomic_load(&s->calls))
		sched_yield();
}

static void call_room(struct stream *s)
{
	struct stream_user u = user_get(s);

	if (u.room)
		u.room(u.arg);
	user_put(s);
}

bool stream_dead(const struct stream *s)
{
	return READ_ONCE(s->error) != 0;
}

bool stream_busy(const struct stream *s)
{
	return READ_ONCE(s->claimed);
}

/* ---- input ---- */

void stream_ask(struct stream *s)
{
	bool post;

	spin_lock(&s->lock);
	post = !s->in.busy && !s->eof && s->in_pos == s->in_len && !stream_buffer(&s->in);
	if (post)
		s->in.busy = true;
	spin_unlock(&s->lock);
	if (post)
		stream_submit(&s->in);
}

/*
 * Something came, or would at the next request. A file's is left to whoever still reads: what is typed while the program
 * is stopped is for the user's shell, so that nothing may be fetched for a reader who has gone.
 */
static void input_ready(struct stream *s)
{
	if (s->user.input)
		stream_want_input(s);
	else
		poll_wake(&s->q, POLL_READABLE);
}

static void in_done(struct ring_request *rr, s32 written)
{
	struct stream *s = container_of(rr, struct stream, in.rr);
	struct stream_reply r = reply_of(&s->in, written);
	bool ready;

	spin_lock(&s->lock);
	ready = r.error != EAGAIN || met_again(&s->in);
	if (ready)
		s->in.busy = false;
	if (r.error != EAGAIN) {
		s->in_pos = 0;
		s->in_len = (u32)MIN((size_t)r.taken, STREAM_DATA);
		s->eof = !s->in_len;
		s->in_error = MIN(r.error, 4095u);
	}
	spin_unlock(&s->lock);
	if (ready)
		input_ready(s);
	stream_put(s);
}

static void can_read(struct stream *s)
{
	bool ready;

	spin_lock(&s->lock);
	ready = met_event(&s->in);
	if (ready)
		s->in.busy = false;
	spin_unlock(&s->lock);
	if (ready)
		input_ready(s);
}

/* One caller at a time hands bytes on: `feeding` keeps their order. A call in between makes it look again. */
void stream_want_input(struct stream *s)
{
	struct stream_user u;

	if (atomic_add(&s->feeding, 1) != 1)
		return;
	u = user_get(s);
	do {
		bool eof;

		atomic_store(&s->feeding, 1);
		if (!u.input)
			continue;
		eof = READ_ONCE(s->eof); /* for good: a terminal gives no end of file in raw mode */
		if (eof)
			u.input(u.arg, NULL, 0);
		if (s->in_pos < s->in_len)
			s->in_pos += (u32)u.input(u.arg, s->in.buf->data + s->in_pos,
						  s->in_len - s->in_pos);
		if (!eof)
			stream_ask(s);
	} while (atomic_sub(&s->feeding, 1));
	user_put(s);
}

/* ---- events ---- */

static void post_event(struct event_slot *e)
{
	struct ring_buf b = { e->ev, sizeof(*e->ev) };

	ring_add(events, &e->rr, &b, 0, 1);
	ring_kick(events); /* rings only if the host has something to tell and no buffer */
}

static void event_done(struct ring_request *rr, s32 written)
{
	struct event_slot *e = container_of(rr, struct event_slot, rr);
	struct stream_event ev;
	struct stream *s;

	if (written < 0)
		return;
	memcpy(&ev, e->ev, sizeof(ev));
	if (written != sizeof(ev))
		ev.ready = 0;
	post_event(e);
	spin_lock(&table_lock);
	s = table[ev.id % STREAMS_MAX];
	if (s && (s->id != ev.id || !ref_tryget(&s->ref)))
		s = NULL;
	spin_unlock(&table_lock);
	if (!s)
		return;
	if (ev.ready & STREAM_CAN_READ)
		can_read(s);
	if (ev.ready & STREAM_CAN_WRITE)
		can_write(s);
	stream_put(s);
}

/* ---- the ends ---- */

/* Send what is to be closed, unless a batch is with the host already. */
static void close_batch(void)
{
	struct ring_buf b = { closing.req, sizeof(*closing.req) };
	bool send;

	spin_lock(&table_lock);
	send = closing.n && !closing.busy;
	if (send) {
		unsigned n = (unsigned)MIN((size_t)closing.n, CLOSE_MAX);

		closing.n -= n;
		memcpy(close_ids(), closing.pending + closing.n, n * sizeof(u32));
		b.len += n * (u32)sizeof(u32);
		closing.busy = true;
	}
	spin_unlock(&table_lock);
	if (!send)
		return;
	closing.req->op = STREAM_CLOSE;
	if (ring_add(ring, &closing.rr, &b, 1, 0) == -ENOSPC) {
		/* on_room comes by here again */
		spin_lock(&table_lock);
		closing.n += (b.len - (u32)sizeof(*closing.req)) / (u32)sizeof(u32);
		closing.busy = false;
		spin_unlock(&table_lock);
	}
	ring_kick(ring);
}

static void close_done(struct ring_request *rr, s32 written)
{
	spin_lock(&table_lock);
	closing.busy = false;
	spin_unlock(&table_lock);
	close_batch();
}

void stream_discard(u32 id)
{
	if (id == STREAM_NONE)
		return;
	spin_lock(&table_lock);
	if (closing.n < STREAMS_MAX) /* the host has no more than that */
		closing.pending[closing.n++] = id;
	spin_unlock(&table_lock);
	close_batch();
}

static void free_half(struct stream_half *h)
{
	if (h->buf)
		frame_put(ptr_to_paddr(h->buf));
}

void stream_get(struct stream *s)
{
	ref_get(&s->ref);
}

void stream_put(struct stream *s)
{
	if (!ref_put(&s->ref))
		return;
	spin_lock(&table_lock);
	table[s->id % STREAMS_MAX] = NULL;
	spin_unlock(&table_lock);
	stream_discard(s->id);
	free_half(&s->in);
	free_half(&s->out);
	kfree(s);
}

struct stream *stream_open(u32 id)
{
	struct stream *s;
	int err = 0;

	if (id == STREAM_NONE)
		return ERR_PTR(-EINVAL);
	s = kzalloc(sizeof(*s));
	if (!s)
		return ERR_PTR(-ENOMEM);
	ref_init(&s->ref);
	spin_init(&s->lock);
	waitq_init(&s->q);
	s->id = id;
	s->in.stream = s->out.stream = s;
	s->in.rr.done = in_done;
	s->out.rr.done = out_done;
	spin_lock(&table_lock);
	if (table[id % STREAMS_MAX])
		err = -EEXIST;
	else
		table[id % STREAMS_MAX] = s;
	spin_unlock(&table_lock);
	if (!err)
		return s;
	kfree(s);
	return ERR_PTR(err);
}

void stream_init(void)
{
	paddr_t ev = frame_alloc(ZONE_ARENA, 0, FRAME_ZERO),
		cl = frame_alloc(ZONE_ARENA, 0, FRAME_ZERO);

	if (!ev || !cl)
		panic("streams: no memory");
	ring = ring_open(RING_Q_STREAM);
	events = ring_open(RING_Q_STREAM_EVENT);
	ring_set_room(ring, on_room, NULL);
	closing.req = paddr_to_ptr(cl);
	closing.rr.done = close_done;
	for (unsigned i = 0; i < EVENTS; i++) {
		slots[i].ev = (struct stream_event *)paddr_to_ptr(ev) + i;
		slots[i].rr.done = event_done;
		post_event(&slots[i]);
	}
}
