/*
 * chunk.c - refcounted bytes behind pbufs.
 *
 * A sender copies from user memory into a chunk with no lock held; segments, and their copies on the loopback, refer to it.
 * lwIP's own PBUF_ROM pbufs know no owner, so pbuf_alloc is wrapped (mk/lwip.mk) and makes them ours while tcp_write runs.
 */
#include <string.h>

#include "mm/slab.h"
#include "net/lwip/stack.h"

struct chunk_pbuf {
	struct pbuf_custom pc;
	struct net_chunk *c;
};

struct net_chunk *chunk_writing;

struct pbuf *__real_pbuf_alloc(pbuf_layer layer, u16_t length, pbuf_type type);
struct pbuf *__wrap_pbuf_alloc(pbuf_layer layer, u16_t length, pbuf_type type);

struct net_chunk *chunk_alloc(u32 size)
{
	struct net_chunk *c = kmalloc(sizeof(*c) + size);

	if (c)
		*c = (struct net_chunk){ .ref = 1, .size = size };
	return c;
}

void chunk_put(struct net_chunk *c)
{
	if (atomic_sub(&c->ref, 1) == 0)
		kfree(c);
}

static void release(struct pbuf *p)
{
	struct chunk_pbuf *cp = (struct chunk_pbuf *)p;

	chunk_put(cp->c);
	kfree(cp);
}

struct pbuf *chunk_pbuf(struct net_chunk *c, const void *data, u32 len)
{
	struct chunk_pbuf *cp = kmalloc(sizeof(*cp));
	struct pbuf *p;

	if (!cp)
		return NULL;
	cp->pc.custom_free_function = release;
	cp->c = c;
	p = pbuf_alloced_custom(PBUF_RAW, (u16)len, PBUF_ROM, &cp->pc, (void *)data, (u16)len);
	atomic_add(&c->ref, 1);
	return p;
}

struct net_chunk *chunk_of(const struct pbuf *p)
{
	const struct chunk_pbuf *cp = (const struct chunk_pbuf *)p;

	if (!(p->flags & PBUF_FLAG_IS_CUSTOM) || cp->pc.custom_free_function != release)
		return NULL;
	return cp->c;
}

struct pbuf *__wrap_pbuf_alloc(pbuf_layer layer, u16_t length, pbuf_type type)
{
	if (type == PBUF_ROM && chunk_writing)
		return chunk_pbuf(chunk_writing, NULL, length);
	return __real_pbuf_alloc(layer, length, type);
}

/* Bytes of p up to the first pbuf that shows a chunk. */
static u32 plain_len(const struct pbuf *p)
{
	u32 n = 0;

	for (; p && !chunk_of(p); p = p->next)
		n += p->len;
	return n;
}

struct pbuf *chunk_clone_frame(const struct pbuf *p, u16 n)
{
	struct pbuf *head, *q;
	u16 skip = n = MIN(n, p->tot_len);

	head = pbuf_alloc(PBUF_RAW, n, PBUF_RAM);
	if (!head)
		return NULL;
	pbuf_copy_partial(p, head->payload, n, 0);
	for (; p; p = p->next) {
		struct net_chunk *c = chunk_of(p);
		u16 len;

		if (skip >= p->len) {
			skip = (u16)(skip - p->len);
			continue;
		}
		len = (u16)(p->len - skip);
		if (c) {
			q = chunk_pbuf(c, (u8 *)p->payload + skip, len);
		} else {
			q = pbuf_alloc(PBUF_RAW, len, PBUF_RAM);
			if (q)
				memcpy(q->payload, (u8 *)p->payload + skip, len);
		}
		if (!q) {
			pbuf_free(head);
			return NULL;
		}
		pbuf_cat(head, q);
		skip = 0;
	}
	return head;
}

struct pbuf *chunk_clone(const struct pbuf *p)
{
	struct pbuf *head = NULL, *q;

	while (p) {
		u32 n = plain_len(p);

		if (n) {
			u8 *to;

			q = pbuf_alloc(PBUF_RAW, (u16)n, PBUF_RAM);
			if (!q)
				goto fail;
			for (to = q->payload; p && !chunk_of(p); p = p->next) {
				memcpy(to, p->payload, p->len);
				to += p->len;
			}
		} else {
			q = chunk_pbuf(chunk_of(p), p->payload, p->len);
			if (!q)
				goto fail;
			p = p->next;
		}
		if (head)
			pbuf_cat(head, q);
		else
			head = q;
	}
	return head;
fail:
	if (head)
		pbuf_free(head);
	return NULL;
}
