/*
 * wire.c - see wire.h. Both ends are little-endian x86-64, so fields are copied, not swapped.
 */
#include <errno.h>
#include <string.h>

#include "host/gofer/wire.h"

void wire_get(struct wire_rd *r, void *dst, size_t len)
{
	if (r->bad || len > r->left) {
		r->bad = true;
		memset(dst, 0, len);
		return;
	}
	memcpy(dst, r->p, len);
	r->p += len;
	r->left -= len;
}

uint8_t wire_get8(struct wire_rd *r)
{
	uint8_t v;

	wire_get(r, &v, sizeof(v));
	return v;
}

uint16_t wire_get16(struct wire_rd *r)
{
	uint16_t v;

	wire_get(r, &v, sizeof(v));
	return v;
}

uint32_t wire_get32(struct wire_rd *r)
{
	uint32_t v;

	wire_get(r, &v, sizeof(v));
	return v;
}

uint64_t wire_get64(struct wire_rd *r)
{
	uint64_t v;

	wire_get(r, &v, sizeof(v));
	return v;
}

int wire_get_str(struct wire_rd *r, char *dst, size_t cap)
{
	size_t len = wire_get16(r);
	int ret = 0;

	dst[0] = '\0';
	if (r->bad || len > r->left) {
		r->bad = true;
		return -EPROTO;
	}
	if (len >= cap)
		ret = -ENAMETOOLONG;
	else if (memchr(r->p, '\0', len))
		ret = -EINVAL;
	if (!ret) {
		memcpy(dst, r->p, len);
		dst[len] = '\0';
	}
	r->p += len;
	r->left -= len;
	return ret;
}

int wire_get_name(struct wire_rd *r, char name[P9_NAME_MAX + 1])
{
	int ret = wire_get_str(r, name, P9_NAME_MAX + 1);

	if (ret < 0)
		return ret;
	if (!name[0])
		return -ENOENT;
	if (strchr(name, '/') || !strcmp(name, ".") || !strcmp(name, ".."))
		return -EINVAL;
	return 0;
}

int wire_end(const struct wire_rd *r)
{
	return r->bad || r->left ? -EPROTO : 0;
}

void wire_put(struct wire_wr *w, const void *src, size_t len)
{
	if (w->bad || len > w->cap - w->len) {
		w->bad = true;
		return;
	}
	memcpy(w->buf + w->len, src, len);
	w->len += len;
}

void wire_put8(struct wire_wr *w, uint8_t v)
{
	wire_put(w, &v, sizeof(v));
}

void wire_put16(struct wire_wr *w, uint16_t v)
{
	wire_put(w, &v, sizeof(v));
}

void wire_put32(struct wire_wr *w, uint32_t v)
{
	wire_put(w, &v, sizeof(v));
}

void wire_put64(struct wire_wr *w, uint64_t v)
{
	wire_put(w, &v, sizeof(v));
}

void wire_put_str(struct wire_wr *w, const char *s)
{
	size_t len = strlen(s);

	if (len > UINT16_MAX) {
		w->bad = true;
		return;
	}
	wire_put16(w, len);
	wire_put(w, s, len);
}

unsigned wire_slice(struct iovec *dst, const struct iovec *iov, unsigned n, size_t off, size_t len)
{
	unsigned i, used = 0;

	for (i = 0; i < n && len; i++) {
		size_t part;

		if (off >= iov[i].iov_len) {
			off -= iov[i].iov_len;
			continue;
		}
		part = iov[i].iov_len - off;
		if (part > len)
			part = len;
		dst[used].iov_base = (char *)iov[i].iov_base + off;
		dst[used++].iov_len = part;
		len -= part;
		off = 0;
	}
	return used;
}

/* Walk the range piece by piece; to_mem says which way the bytes go. */
static size_t move(char *mem, size_t len, const struct iovec *iov, unsigned n, size_t off,
		   bool to_mem)
{
	size_t done = 0;
	unsigned i;

	for (i = 0; i < n && done < len; i++) {
		size_t part;
		char *p;

		if (off >= iov[i].iov_len) {
			off -= iov[i].iov_len;
			continue;
		}
		part = iov[i].iov_len - off;
		if (part > len - done)
			part = len - done;
		p = (char *)iov[i].iov_base + off;
		if (to_mem)
			memcpy(mem + done, p, part);
		else
			memcpy(p, mem + done, part);
		done += part;
		off = 0;
	}
	return done;
}

size_t wire_gather(void *dst, size_t len, const struct iovec *iov, unsigned n, size_t off)
{
	return move(dst, len, iov, n, off, true);
}

size_t wire_scatter(const struct iovec *iov, unsigned n, size_t off, const void *src, size_t len)
{
	return move((char *)src, len, iov, n, off, false);
}
