/*
 * wire.c - little-endian numbers and counted strings of 9P messages. Errors stick in the buffer and are looked at once.
 */
#include <string.h>

#include "fs/p9/p9.h"

void p9_putmem(struct p9_buf *b, const void *p, size_t n)
{
	if (b->cap - b->n < n) {
		b->bad = true;
		return;
	}
	memcpy(b->p + b->n, p, n);
	b->n += n;
}

void p9_put8(struct p9_buf *b, u8 v)
{
	p9_putmem(b, &v, 1);
}

void p9_put16(struct p9_buf *b, u16 v)
{
	p9_putmem(b, &v, 2);
}

void p9_put32(struct p9_buf *b, u32 v)
{
	p9_putmem(b, &v, 4);
}

void p9_put64(struct p9_buf *b, u64 v)
{
	p9_putmem(b, &v, 8);
}

void p9_putstr(struct p9_buf *b, const char *s, size_t n)
{
	if (n > 0xffff) {
		b->bad = true;
		return;
	}
	p9_put16(b, (u16)n);
	p9_putmem(b, s, n);
}

void p9_getmem(struct p9_buf *b, void *p, size_t n)
{
	if (b->cap - b->n < n) {
		b->bad = true;
		memset(p, 0, n);
		return;
	}
	memcpy(p, b->p + b->n, n);
	b->n += n;
}

u8 p9_get8(struct p9_buf *b)
{
	u8 v;

	p9_getmem(b, &v, 1);
	return v;
}

u16 p9_get16(struct p9_buf *b)
{
	u16 v;

	p9_getmem(b, &v, 2);
	return v;
}

u32 p9_get32(struct p9_buf *b)
{
	u32 v;

	p9_getmem(b, &v, 4);
	return v;
}

u64 p9_get64(struct p9_buf *b)
{
	u64 v;

	p9_getmem(b, &v, 8);
	return v;
}

const char *p9_getstr(struct p9_buf *b, u16 *len)
{
	const char *s;

	*len = p9_get16(b);
	if (b->bad || b->cap - b->n < *len) {
		b->bad = true;
		*len = 0;
		return NULL;
	}
	s = (const char *)b->p + b->n;
	b->n += *len;
	return s;
}
