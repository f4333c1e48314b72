/*
 * wire.h - bounds-checked cursors over a 9P message, and copies between messages and iovecs.
 *
 * A reader that runs past the end, and a writer that runs past its room, sets .bad and goes on with
 * zeros; callers look at .bad once, after the last field. The bytes behind a reader are private,
 * never shared with the client.
 */
#ifndef MOAT_GOFER_WIRE_H
#define MOAT_GOFER_WIRE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/uio.h>

#include "abi/p9.h"

struct wire_rd {
	const uint8_t *p;
	size_t left;
	bool bad;
};

struct wire_wr {
	uint8_t *buf;
	size_t len;
	size_t cap;
	bool bad;
};

uint8_t wire_get8(struct wire_rd *r);
uint16_t wire_get16(struct wire_rd *r);
uint32_t wire_get32(struct wire_rd *r);
uint64_t wire_get64(struct wire_rd *r);
void wire_get(struct wire_rd *r, void *dst, size_t len);

/*
 * A string of any bytes but NUL, at most cap - 1 of them, made NUL-terminated. 0, -EPROTO, -EINVAL,
 * -ENAMETOOLONG.
 */
int wire_get_str(struct wire_rd *r, char *dst, size_t cap);

/*
 * One path component: 1..255 bytes, no slash, neither "." nor "..". Also -ENOENT (empty) and
 * -EINVAL.
 */
int wire_get_name(struct wire_rd *r, char name[P9_NAME_MAX + 1]);

/* All fields read and nothing left over: 0, else -EPROTO. */
int wire_end(const struct wire_rd *r);

void wire_put8(struct wire_wr *w, uint8_t v);
void wire_put16(struct wire_wr *w, uint16_t v);
void wire_put32(struct wire_wr *w, uint32_t v);
void wire_put64(struct wire_wr *w, uint64_t v);
void wire_put(struct wire_wr *w, const void *src, size_t len);
void wire_put_str(struct wire_wr *w, const char *s);

/* Bytes [off, off + len) of the iovecs to or from memory. Returns how many there were. */
size_t wire_gather(void *dst, size_t len, const struct iovec *iov, unsigned n, size_t off);
size_t wire_scatter(const struct iovec *iov, unsigned n, size_t off, const void *src, size_t len);

/* The same range as iovecs of its own: fills dst (room for n), returns their number. */
unsigned wire_slice(struct iovec *dst, const struct iovec *iov, unsigned n, size_t off, size_t len);

#endif
