/*
 * pageio.c - read and write through a page cache, to kernel and to user memory.
 *
 * A page is pinned by a reference and copied without any lock, so a user copy may fault, even on the very same page.
 * A whole-page write to an absent page does not read it first: the data goes to a fresh frame that enters the cache only
 * when it is complete. Reads of holes of memory-only caches create nothing. A file that has a window is read from there.
 */
#include "mm/pagecache_priv.h"
#include <string.h>

#define FRESH 32U /* pages that enter the cache at once */

/* One side of a copy. */
struct side {
	void *kernel;
	uaddr_t user; /* if kernel is NULL */
};

/* Bytes not copied. */
static size_t copy_out(const struct side *s, size_t at, const void *src, size_t n)
{
	if (s->kernel)
		return copy_mapped((char *)s->kernel + at, src, n);
	return src ? user_write(s->user + at, src, n) : user_zero(s->user + at, n);
}

static size_t zero_out(const struct side *s, size_t at, size_t n)
{
	if (s->kernel) {
		memset((char *)s->kernel + at, 0, n);
		return 0;
	}
	return user_zero(s->user + at, n);
}

static size_t copy_in(const struct side *s, size_t at, void *dst, size_t n)
{
	if (s->kernel) {
		memcpy(dst, (char *)s->kernel + at, n);
		return 0;
	}
	return user_read(dst, s->user + at, n);
}

/*
 * All of it at once, from the host's page cache. A page that went away since (the host cut the file short) is -EIO; the
 * buffer's fault looks the same to whoever copies, so the page is asked for by itself.
 */
static s64 read_window(struct dax_window *w, u64 off, u64 size, const struct side *to, size_t n)
{
	const char *from = paddr_to_ptr(w->base);
	size_t left;
	char byte;

	size = MIN(size, w->pages << PAGE_SHIFT);
	if (off >= size)
		return 0;
	n = MIN(n, size - off);
	left = copy_out(to, 0, from + off, n);
	if (left < n || !n)
		return (s64)(n - left);
	return copy_mapped(&byte, from + off, 1) ? -EIO : -EFAULT;
}

static s64 read_side(struct pagecache *pc, u64 off, const struct side *to, size_t n)
{
	struct dax_window *w = dax_get(pc);
	size_t done = 0;

	if (w) {
		s64 r = read_window(w, off, READ_ONCE(pc->size), to, n);

		dax_put(w);
		return r;
	}
	while (done < n) {
		u64 pos = off + done, size = READ_ONCE(pc->size);
		size_t in = pos & (PAGE_SIZE - 1), len = MIN(PAGE_SIZE - in, n - done), left;
		paddr_t pa;
		int err;

		if (pos >= size)
			break;
		len = MIN(len, size - pos);
		if (!pc->ops->read && !pagecache_resident(pc, pos >> PAGE_SHIFT)) {
			left = zero_out(to, done, len);
		} else {
			err = pagecache_get(pc, pos >> PAGE_SHIFT, false, &pa);
			if (err == -ENXIO)
				break;
			if (err)
				return done ? (s64)done : err;
			left = copy_out(to, done, (char *)paddr_to_ptr(pa) + in, len);
			frame_put(pa);
		}
		done += len - left;
		if (left)
			return done ? (s64)done : -EFAULT;
	}
	return (s64)done;
}

/*
 * Whole pages, absent, that the file system would have to read: to fresh frames, which enter the cache when they are
 * complete. Pages done; 0: take the usual way; -EFAULT.
 */
static int write_fresh(struct pagecache *pc, u64 index, unsigned n, const struct side *from,
		       size_t at)
{
	paddr_t pa[FRESH];
	unsigned got, full = 0, added;
	size_t left = 0;

	n = pc->ops->read ? pc_absent(pc, index, n) : 0;
	if (n > 1 && !frame_plentiful(n))
		n = 1;
	if (!n || frame_charge(n))
		return 0;
	got = pc_frames(pc, pa, n, 0);
	while (full < got && !left) {
		left = copy_in(from, at + full * PAGE_SIZE, paddr_to_ptr(pa[full]), PAGE_SIZE);
		full += !left;
	}
	added = full ? pc_add(pc, index, pa, full) : 0;
	for (unsigned i = added; i < got; i++)
		frame_put(pa[i]);
	return added || left < PAGE_SIZE ? (int)added : -EFAULT;
}

static void grow(struct pagecache *pc, u64 end)
{
	if (end <= READ_ONCE(pc->size))
		return;
	mutex_lock(&pc->lock);
	if (end > pc->size)
		pc->size = end;
	mutex_unlock(&pc->lock);
}

static s64 write_side(struct pagecache *pc, u64 off, const struct side *from, size_t n)
{
	size_t done = 0;
	int err = 0;

	while (done < n) {
		u64 pos = off + done;
		size_t in = pos & (PAGE_SIZE - 1), len = MIN(PAGE_SIZE - in, n - done), left;
		paddr_t pa;

		if (len == PAGE_SIZE) {
			err = write_fresh(pc, pos >> PAGE_SHIFT,
					  (unsigned)MIN((n - done) >> PAGE_SHIFT, (size_t)FRESH),
					  from, done);
			if (err < 0)
				break;
			if (err) {
				done += (size_t)err << PAGE_SHIFT;
				continue;
			}
		}
		err = pc_get(pc, pos >> PAGE_SHIFT, true, true, &pa);
		if (err)
			break;
		left = copy_in(from, done, (char *)paddr_to_ptr(pa) + in, len);
		frame_put(pa);
		done += len - left;
		if (len != left)
			grow(pc, off + done);
		if (left) {
			err = -EFAULT;
			break;
		}
	}
	return done ? (s64)done : err;
}

s64 pagecache_read(struct pagecache *pc, u64 off, void *buf, size_t n)
{
	struct side s = { buf, 0 };

	return read_side(pc, off, &s, n);
}

s64 pagecache_write(struct pagecache *pc, u64 off, const void *buf, size_t n)
{
	struct side s = { (void *)buf, 0 };

	return write_side(pc, off, &s, n);
}

s64 pagecache_read_user(struct pagecache *pc, u64 off, uaddr_t buf, size_t n)
{
	struct side s = { NULL, buf };

	return read_side(pc, off, &s, n);
}

s64 pagecache_write_user(struct pagecache *pc, u64 off, uaddr_t buf, size_t n)
{
	struct side s = { NULL, buf };

	return write_side(pc, off, &s, n);
}
