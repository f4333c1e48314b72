/*
 * write.c - what goes to the server: the data of write(2), at once, and pages that a mapping changed, later.
 *
 * Write-through: a write(2) returns when the server has the bytes, so they survive our death; it tells how many that
 * are, and what the server did not take leaves the cache. Pages that a shared mapping dirtied are written by msync,
 * fsync, reclaim, or when the inode goes.
 *
 * A long write goes in parts: the server writes the first while the application's next bytes are copied here. Parts are
 * a series, which the server ends at the first that it cannot write whole. A server without the extension, or without
 * a CPU of its own, gets one message after the other when all is copied. Lock: inode->mutex, held for the whole write(2).
 */
#include "fs/p9/p9.h"
#include "mm/frame.h"
#include "mm/slab.h"

#define PART_FIRST (64UL << 10)
#define PART_MAX   ((u64)P9_PAGES << PAGE_SHIFT)
#define PARTS	   2 /* at the server: one that it writes and the next */
#define STREAMS	   8 /* at once: they keep tags while they wait for more, and the others need some */

_Static_assert(2 * STREAMS * PARTS <= P9_REQS, "tags");

struct p9_stream {
	u32 fid, series;
	u64 next;		 /* up to here pages were sent */
	u64 reached;		 /* up to here the server has them */
	s64 err;		 /* what it said there, if it took no more */
	bool ended;		 /* it took no more */
	unsigned first, waiting; /* parts at the server: the oldest, how many */
	struct p9_part {
		struct p9_req *r;
		u64 off, len;
		paddr_t pa[P9_PAGES];
	} part[PARTS];
};

void p9_grown(struct inode *i, u64 end)
{
	spin_lock(&i->lock);
	p9_pages(i)->srv_size = MAX(p9_pages(i)->srv_size, end);
	spin_unlock(&i->lock);
}

/* One message after the other, until one is short; *done: the bytes that the server took. 0 or its last word, -errno. */
static int write_frames(struct inode *i, u32 fid, u64 off, const paddr_t *frames, u64 len,
			u64 *done)
{
	s64 r = 0;

	*done = 0;
	while (*done < len && !(*done & (PAGE_SIZE - 1))) {
		u64 part = MIN(len - *done, PART_MAX);

		r = p9_write_frames(p9_s(i)->c, fid, off + *done, frames + (*done >> PAGE_SHIFT),
				    part);
		if (r <= 0)
			break;
		*done += (u64)r;
	}
	if (*done) {
		p9_keep_setid(i, fid);
		p9_grown(i, off + *done);
	}
	return (int)MIN(r, 0);
}

int p9_write_pages(struct pagecache *pc, u64 index, const paddr_t *frames, unsigned n)
{
	struct inode *i = pc->owner;
	u64 off = index << PAGE_SHIFT, size = pc->size, want, done;
	u32 fid;
	int err;

	if (off >= size)
		return 0;
	want = MIN((u64)n << PAGE_SHIFT, size - off);
	err = p9_fid_get(p9_i(i), P9_FID_WRITE, &fid);
	if (err)
		return err;
	err = write_frames(i, fid, off, frames, want, &done);
	p9_fid_put(p9_i(i), P9_FID_WRITE);
	p9_changed(p9_i(i));
	return err ? err : done < want ? -EIO : 0;
}

/*
 * Pages of a write(2) that are not at the server yet, [*off, end) or the first of that: their frames, how many, and the
 * *off and *len of what they hold. What is not in the cache any more was written by somebody else.
 */
static unsigned take(struct inode *i, u64 *off, u64 *len, u64 end, paddr_t *pa)
{
	u64 index = *off >> PAGE_SHIFT;
	unsigned n = pagecache_take(i->pc, &index, (end - 1) >> PAGE_SHIFT, pa, P9_PAGES);

	*off = index << PAGE_SHIFT;
	*len = MIN((u64)n << PAGE_SHIFT, i->pc->size - *off);
	return n;
}

static void put(const paddr_t *pa, u64 len)
{
	for (u64 k = 0; k << PAGE_SHIFT < len; k++)
		frame_put(pa[k]);
}

/* ---- write(2) in one part ---- */

static int write_whole(struct inode *i, u64 start, u64 end, u64 *reached)
{
	u64 off = start, len, done;
	paddr_t pa[P9_PAGES];
	u32 fid;
	int err = p9_fid_get(p9_i(i), P9_FID_WRITE, &fid);

	*reached = start;
	if (err)
		return err;
	while (*reached < end && take(i, &off, &len, end, pa)) {
		err = write_frames(i, fid, off, pa, len, &done);
		put(pa, len);
		*reached = MAX(*reached, off + done);
		if (done < len)
			goto out;
		off += len;
	}
	*reached = end;
out:
	p9_fid_put(p9_i(i), P9_FID_WRITE);
	return err;
}

/* ---- in several ---- */

static void stream_free(struct p9_client *c, struct p9_stream *s)
{
	atomic_sub(&c->streams, 1);
	kfree(s);
}

/* NULL: there are enough, or no memory or no fid for it. */
static struct p9_stream *stream_begin(struct inode *i, u64 start)
{
	struct p9_client *c = p9_s(i)->c;
	bool many = atomic_add(&c->streams, 1) > STREAMS;
	struct p9_stream *s = many ? NULL : kmalloc(sizeof(*s));
	static u32 series;

	if (!s || p9_fid_get(p9_i(i), P9_FID_WRITE, &s->fid)) {
		stream_free(c, s);
		return NULL;
	}
	do
		s->series = atomic_add(&series, 1);
	while (!s->series);
	s->next = s->reached = start;
	s->err = 0;
	s->ended = false;
	s->first = s->waiting = 0;
	return s;
}

static void await_oldest(struct inode *i, struct p9_stream *s)
{
	struct p9_part *t = &s->part[s->first];
	s64 r = p9_write_result(t->r, t->len);

	put(t->pa, t->len);
	s->first = (s->first + 1) % PARTS;
	s->waiting--;
	if (s->ended)
		return;
	if (r > 0) {
		s->reached = MAX(s->reached, t->off + (u64)r);
		p9_grown(i, t->off + (u64)r);
	}
	s->ended = r < (s64)t->len;
	s->err = MIN(r, (s64)0);
}

/* The pages up to end. last: of this write(2). */
static void stream_send(struct inode *i, struct p9_stream *s, u64 end, bool last)
{
	while (s->next < end) {
		struct p9_part *t;
		unsigned n;

		if (s->waiting == PARTS)
			await_oldest(i, s);
		if (s->ended)
			return;
		t = &s->part[(s->first + s->waiting) % PARTS];
		t->off = s->next;
		n = take(i, &t->off, &t->len, end, t->pa);
		if (!n)
			return;
		s->next = t->off + ((u64)n << PAGE_SHIFT);
		t->r = p9_write_part(p9_s(i)->c, s->fid, t->off, t->pa, t->len, s->series,
				     last && s->next >= end);
		if (IS_ERR(t->r)) {
			put(t->pa, t->len);
			s->ended = true;
			s->err = PTR_ERR(t->r);
			return;
		}
		s->waiting++;
	}
}

static int stream_end(struct inode *i, struct p9_stream *s, u64 end, u64 *reached)
{
	int err;

	stream_send(i, s, end, true);
	while (s->waiting)
		await_oldest(i, s);
	p9_keep_setid(i, s->fid);
	p9_fid_put(p9_i(i), P9_FID_WRITE);
	*reached = s->ended ? s->reached : end;
	err = (int)s->err;
	stream_free(p9_s(i)->c, s);
	return err;
}

u64 p9_op_write_part(struct inode *i, u64 start, u64 at, u64 end)
{
	struct p9_client *c = p9_s(i)->c;
	struct p9_pages *p = p9_pages(i);
	u64 part = MIN(MAX(at - start, PART_FIRST), PART_MAX);

	if (!c->moat || c->msize < PART_MAX + P9_PART_HDR || (at == start && !p9_parallel(c)))
		return end;
	if (at > start) {
		if (!p->stream)
			p->stream = stream_begin(i, start);
		if (!p->stream)
			return end;
		stream_send(i, p->stream, at, false);
	}
	return at + part + PART_FIRST <= end ? ALIGN_DOWN(at + part, PAGE_SIZE) : end;
}

s64 p9_op_write_end(struct inode *i, u64 start, u64 n)
{
	struct p9_pages *p = p9_pages(i);
	u64 end = start + n, reached, size;
	int err;

	if (!n)
		return 0;
	err = p->stream ? stream_end(i, p->stream, end, &reached)
			: write_whole(i, start, end, &reached);
	p->stream = NULL;
	p9_changed(p9_i(i));
	if (reached >= end)
		return (s64)n;
	pagecache_punch(i->pc, reached & PAGE_MASK,
			ALIGN_UP(end, PAGE_SIZE) - (reached & PAGE_MASK));
	size = READ_ONCE(p->srv_size);
	if (i->pc->size > size)
		pagecache_truncate(i->pc, size);
	return reached > start ? (s64)(reached - start) : err ? err : -EIO;
}
