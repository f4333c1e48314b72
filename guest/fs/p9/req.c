/*
 * req.c - requests: a fixed pool of tags, each with arena memory for its two messages; sending and waiting.
 *
 * The reply is copied out of shared memory before it is looked at: the server cannot change it under the checks.
 * Cost per request: two spinlocks of ours, two of the ring's; no allocation after a tag's first use.
 */
#include <string.h>

#include "fs/p9/clients.h"
#include "fs/p9/p9.h"
#include "lib/log.h"
#include "mm/frame.h"
#include "mm/slab.h"
#include "task/sched/sched.h"
#include "task/task.h"

/* An answer takes some ten microseconds where the server's CPU is free, and to sleep for it as long again. */
#define POLL_NS	    100000
#define POLL_MISSES 2  /* in a row: the server has no CPU of its own, do not poll */
#define POLL_AGAIN  64 /* answers until it is tried again */

#define ORDER 1 /* two pages for the T-message; the R-message is copied to the heap */

/* Requests that somebody waited for, by type, and those that were sent ahead or that nobody waited for; of all clients. */
static u64 answered[256], posted;

_Static_assert(P9_T_ROOM == PAGE_SIZE << ORDER && P9_R_ROOM == PAGE_SIZE << ORDER,
	       "request memory");

void p9_reqs_init(struct p9_client *c)
{
	spin_init(&c->lock);
	waitq_init(&c->room);
	for (u16 k = 0; k < P9_REQS; k++) {
		c->reqs[k].c = c;
		c->reqs[k].tag = k;
		waitq_init(&c->reqs[k].q);
	}
}

static void want(struct p9_client *c, bool on)
{
	if (c->ops->want)
		c->ops->want(c, on);
}

/* Sleep until cond, which answers make true. Whoever sleeps says so: else they bring no interrupt. */
#define wait_answers(c, q, mode, cond)                      \
	({                                                  \
		want((c), true);                            \
		wait_event((q), (mode), NO_DEADLINE, cond); \
		want((c), false);                           \
	})

static bool idle(struct p9_client *c)
{
	for (unsigned k = 0; k < P9_REQS; k++)
		if (READ_ONCE(c->reqs[k].busy))
			return false;
	return true;
}

void p9_reqs_destroy(struct p9_client *c)
{
	if (c->ops && !idle(c)) /* clunks whose memory is in the server's hands */
		wait_answers(c, &c->room, SLEEP_UNINTERRUPTIBLE, idle(c));
	for (unsigned k = 0; k < P9_REQS; k++) {
		struct p9_req *r = &c->reqs[k];

		if (r->t) {
			frame_put(ptr_to_paddr(r->t));
			frame_put(ptr_to_paddr(r->r));
		}
		kfree(r->in.p);
		r->t = r->r = r->in.p = NULL;
	}
}

void p9_room(struct p9_client *c)
{
	if (waitq_active(&c->room))
		waitq_wake_all(&c->room, 0);
}

static struct p9_req *claim(struct p9_client *c)
{
	struct p9_req *r = NULL;

	spin_lock(&c->lock);
	/* The last tag is for Tflush. */
	for (unsigned k = 0; k < P9_REQS - 1; k++) {
		if (!c->reqs[k].busy) {
			r = &c->reqs[k];
			r->busy = true;
			break;
		}
	}
	spin_unlock(&c->lock);
	return r;
}

static int prepare(struct p9_req *r, u8 type)
{
	if (!r->t) {
		paddr_t t = frame_alloc(ZONE_ARENA, ORDER, 0),
			p = frame_alloc(ZONE_ARENA, ORDER, 0);

		r->in.p = kmalloc(P9_R_ROOM);
		if (!t || !p || !r->in.p) {
			if (t)
				frame_put(t);
			if (p)
				frame_put(p);
			kfree(r->in.p);
			r->in.p = NULL;
			return -ENOMEM;
		}
		r->t = paddr_to_ptr(t);
		r->r = paddr_to_ptr(p);
	}
	r->type = type;
	r->done = false;
	r->err = 0;
	r->nout = 1;
	r->nin = 0;
	r->out = (struct p9_buf){ .p = r->t, .cap = P9_T_ROOM };
	p9_put32(&r->out, 0);
	p9_put8(&r->out, type);
	p9_put16(&r->out, type == P9_TVERSION ? P9_NOTAG : r->tag);
	return 0;
}

struct p9_req *p9_begin(struct p9_client *c, u8 type)
{
	struct p9_req *r = NULL;
	int err;

	if (c->dead)
		return ERR_PTR(-EIO);
	r = claim(c);
	if (!r && c->ops->reap) { /* answers that nobody waited for */
		c->ops->reap(c);
		r = claim(c);
	}
	if (!r)
		wait_answers(c, &c->room, SLEEP_UNINTERRUPTIBLE, (r = claim(c)) != NULL);
	err = prepare(r, type);
	if (err) {
		p9_end(r);
		return ERR_PTR(err);
	}
	return r;
}

void p9_end(struct p9_req *r)
{
	struct p9_client *c;

	if (IS_ERR(r))
		return;
	c = r->c;
	spin_lock(&c->lock);
	r->busy = false;
	spin_unlock(&c->lock);
	p9_room(c);
}

/* Pages that lie behind each other become one buffer. */
static void add_data(struct p9_req *r, unsigned *count, unsigned first, void *ptr, u32 len)
{
	struct ring_buf *last = &r->bufs[first + *count - 1];

	if (*count > 1 && (char *)last->ptr + last->len == ptr) {
		last->len += len;
		return;
	}
	BUG_ON(first + *count >= P9_BUFS);
	r->bufs[first + *count] = (struct ring_buf){ ptr, len };
	(*count)++;
}

void p9_data_out(struct p9_req *r, void *ptr, u32 len)
{
	add_data(r, &r->nout, 0, ptr, len);
}

void p9_data_in(struct p9_req *r, void *ptr, u32 len)
{
	if (!r->nin)
		r->nin = 1; /* the header's, filled in by send */
	add_data(r, &r->nin, r->nout, ptr, len);
}

/* What the answer says: 0, and r->in stands behind its header; the server's -errno; or -EPROTO. */
static int answer(struct p9_req *r)
{
	u32 size, ecode;
	u8 type;
	u16 tag;

	/* With data, only the fixed header lies in r->r. */
	r->in.cap = MIN((size_t)r->got, (size_t)r->bufs[r->nout].len);
	r->in.n = 0;
	r->in.bad = false;
	memcpy(r->in.p, r->r, r->in.cap);
	size = p9_get32(&r->in);
	type = p9_get8(&r->in);
	tag = p9_get16(&r->in);
	if (r->in.bad || size != (u32)r->got || tag != (r->type == P9_TVERSION ? P9_NOTAG : r->tag))
		return -EPROTO;
	if (type == P9_RLERROR) {
		ecode = p9_get32(&r->in);
		return !r->in.bad && ecode && ecode < 512 ? -(int)ecode : -EPROTO;
	}
	return type == r->type + 1 ? 0 : -EPROTO;
}

static void posted_done(struct p9_req *r)
{
	struct p9_client *c = r->c;
	int err = r->err;

	r->posted = false;
	if (r->type == P9_TCLUNK) {
		p9_fid_free(c, r->clunked);
	} else {
		err = err ? err : answer(r);
		if (err) {
			WRITE_ONCE(c->careful, true);
			atomic_store(&c->late_err, err);
			klog("9p: message %u, which was taken for granted, failed: error %d",
			     r->type, -err);
		}
		atomic_sub(&c->posted, 1);
	}
	p9_end(r);
}

void p9_req_done(struct p9_req *r, s32 got)
{
	r->got = got;
	r->err = got < 0 ? got : 0;
	if (r->posted) {
		posted_done(r);
		return;
	}
	atomic_store(&r->done, true);
	waitq_wake_all(&r->q, 0);
}

static int send(struct p9_req *r)
{
	u32 size = (u32)r->out.n;
	int err;

	r->bufs[0] = (struct ring_buf){ r->t, size };
	for (unsigned k = 1; k < r->nout; k++)
		size += r->bufs[k].len;
	memcpy(r->t, &size, 4);
	if (r->nin) {
		r->bufs[r->nout] = (struct ring_buf){ r->r, P9_READ_HDR };
	} else {
		r->bufs[r->nout] = (struct ring_buf){ r->r, P9_R_ROOM };
		r->nin = 1;
	}
	err = r->c->ops->submit(r->c, r);
	if (err == -ENOSPC)
		wait_answers(r->c, &r->c->room, SLEEP_UNINTERRUPTIBLE,
			     (err = r->c->ops->submit(r->c, r)) != -ENOSPC);
	return err;
}

bool p9_parallel(const struct p9_client *c)
{
	if (!c->ops->ready) /* it answers at once */
		return true;
	return cpu_count() > 1 && READ_ONCE(c->poll_missed) < POLL_MISSES;
}

/* Look for the answer, if that paid lately, while no other task wants this CPU and the server has another. */
static void poll(struct p9_req *r)
{
	struct p9_client *c = r->c;
	u64 end;

	if (!c->ops->ready || cpu_count() < 2 || !sched_alone())
		return;
	if (!p9_parallel(c) && atomic_add(&c->unpolled, 1) % POLL_AGAIN)
		return;
	end = clock_mono() + POLL_NS;
	while (!atomic_load(&r->done) && clock_mono() < end && sched_alone()) {
		for (int k = 0; k < 32 && !c->ops->ready(c); k++)
			cpu_relax();
		if (c->ops->ready(c))
			c->ops->reap(c);
	}
	WRITE_ONCE(c->poll_missed, atomic_load(&r->done) ? 0 : MIN(c->poll_missed + 1, 255U));
}

static void wait(struct p9_req *r, enum sleep_mode mode)
{
	/* A disk is not worth looking for, and says nothing about the next message. */
	if (!atomic_load(&r->done) && r->type != P9_TFSYNC)
		poll(r);
	if (!atomic_load(&r->done))
		wait_answers(r->c, &r->q, mode, atomic_load(&r->done));
}

/* Ask the server to give a request up. Best effort: its answer means that the request came back, too. */
static void flush(struct p9_req *victim)
{
	struct p9_client *c = victim->c;
	struct p9_req *r = &c->reqs[P9_REQS - 1];
	bool mine;

	spin_lock(&c->lock);
	mine = !r->busy;
	r->busy = true;
	spin_unlock(&c->lock);
	if (!mine)
		return;
	if (!prepare(r, P9_TFLUSH)) {
		p9_put16(&r->out, victim->tag);
		if (!send(r))
			wait(r, SLEEP_UNINTERRUPTIBLE);
	}
	p9_end(r);
}

int p9_send(struct p9_req *r, bool last)
{
	int err;

	if (r->out.bad)
		return -ENAMETOOLONG;
	err = send(r);
	if (err)
		WRITE_ONCE(r->c->dead, true);
	else
		atomic_add(last ? &answered[r->type] : &posted, 1);
	return err;
}

int p9_await(struct p9_req *r)
{
	wait(r, SLEEP_KILLABLE);
	if (!atomic_load(&r->done)) {
		flush(r);
		wait(r, SLEEP_UNINTERRUPTIBLE);
	}
	if (r->err) {
		r->c->dead = true;
		return r->err;
	}
	return answer(r);
}

int p9_call(struct p9_req *r)
{
	int err = p9_send(r, true);

	return err ? err : p9_await(r);
}

int p9_post(struct p9_req *r)
{
	struct p9_client *c = r->c;

	if (r->out.bad) {
		p9_end(r);
		return -ENAMETOOLONG;
	}
	r->posted = true;
	atomic_add(&posted, 1);
	if (r->type != P9_TCLUNK)
		atomic_add(&c->posted, 1);
	if (!send(r))
		return 0;
	WRITE_ONCE(c->dead, true);
	p9_req_done(r, -EIO);
	return -EIO;
}

void p9_wait_posted(struct p9_client *c)
{
	if (atomic_load(&c->posted))
		wait_answers(c, &c->room, SLEEP_UNINTERRUPTIBLE, !atomic_load(&c->posted));
}

int p9_settle(struct p9_client *c)
{
	p9_wait_posted(c);
	return atomic_xchg(&c->late_err, 0);
}

void p9_log_totals(void)
{
	char line[200] = "";
	u64 total = 0;
	int n = 0;

	for (unsigned k = 0; k < ARRAY_SIZE(answered); k++) {
		u64 v = atomic_load(&answered[k]);

		total += v;
		if (v && n < (int)sizeof(line))
			n += ksnprintf(line + n, sizeof(line) - (size_t)n, " T%u %llu", k,
				       (unsigned long long)v);
	}
	klog("9p: %llu round trips, %llu messages sent ahead or not waited for:%s",
	     (unsigned long long)total, (unsigned long long)atomic_load(&posted), line);
}
