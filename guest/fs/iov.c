/*
 * iov.c - cursors over scattered bytes in kernel or user memory.
 *
 * A short return is a fault. No locks; see file.h on what the caller may hold.
 */
#include <string.h>

#include "fs/file.h"
#include "platform/platform.h"

void iov_kernel(struct iov *v, struct iov_seg *one, void *buf, size_t n)
{
	one->base = (u64)(uintptr_t)buf;
	one->len = n;
	*v = (struct iov){ .seg = one, .n = 1, .left = n };
}

void iov_user(struct iov *v, struct iov_seg *one, uaddr_t buf, size_t n)
{
	one->base = buf;
	one->len = n;
	*v = (struct iov){ .seg = one, .n = 1, .left = n, .user = true };
}

/* The present piece: its address, and at most n bytes of it. */
static size_t piece(struct iov *v, u64 *addr, size_t n)
{
	while (v->i < v->n && v->off == v->seg[v->i].len) {
		v->i++;
		v->off = 0;
	}
	if (v->i == v->n || !v->left)
		return 0;
	*addr = v->seg[v->i].base + v->off;
	n = MIN(n, (size_t)(v->seg[v->i].len - v->off));
	return MIN(n, v->left);
}

void iov_rewind(struct iov *v, size_t n)
{
	v->left += n;
	while (n > v->off) {
		n -= v->off;
		v->off = v->seg[--v->i].len;
	}
	v->off -= n;
}

void iov_advance(struct iov *v, size_t n)
{
	while (n) {
		u64 a;
		size_t k = piece(v, &a, n);

		if (!k)
			return;
		v->off += k;
		v->left -= k;
		n -= k;
	}
}

size_t iov_piece(struct iov *v, u64 *addr, size_t max)
{
	return piece(v, addr, max);
}

enum how { TO, FROM, ZERO };

static size_t move(struct iov *v, char *buf, size_t n, enum how how)
{
	size_t done = 0;

	while (done < n) {
		size_t k, bad = 0;
		u64 a;

		k = piece(v, &a, n - done);
		if (!k)
			break;
		if (!v->user) {
			void *p = (void *)(uintptr_t)a;

			if (how == TO)
				memcpy(p, buf + done, k);
			else if (how == FROM)
				memcpy(buf + done, p, k);
			else
				memset(p, 0, k);
		} else if (how == TO) {
			bad = user_write(a, buf + done, k);
		} else if (how == FROM) {
			bad = user_read(buf + done, a, k);
		} else {
			bad = user_zero(a, k);
		}
		v->off += k - bad;
		v->left -= k - bad;
		done += k - bad;
		if (bad)
			break;
	}
	return done;
}

size_t iov_to(struct iov *v, const void *src, size_t n)
{
	return move(v, (char *)src, n, TO);
}

size_t iov_from(struct iov *v, void *dst, size_t n)
{
	return move(v, dst, n, FROM);
}

size_t iov_zero(struct iov *v, size_t n)
{
	return move(v, NULL, n, ZERO);
}
