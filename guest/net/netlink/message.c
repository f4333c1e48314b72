/*
 * message.c - building netlink messages: headers, attributes, datagrams of several messages.
 *
 * Answers collect in one datagram until it is full; a message never spans two. Everything is aligned to 4 bytes. The
 * socket's dump_lock is held.
 */
#include <string.h>

#include "mm/slab.h"
#include "net/netlink/netlink.h"

#define DATAGRAM 8192u /* as Linux's dumps: what programs' buffers are made for */
#define MESSAGE	 2048u /* the largest message; a new one must find this much room */

void nl_flush(struct nl_sock *s)
{
	struct nl_buf *b = s->open;

	s->open = NULL;
	if (b)
		nl_take(s, b, ~0ULL);
}

static struct nlmsghdr *header(struct nl_sock *s)
{
	return (void *)(s->open->data + s->message);
}

/* n more bytes of the present message, zeroed; NULL: it is too large, or there is no memory. */
static void *extend(struct nl_sock *s, u32 n)
{
	struct nl_buf *b = s->open;
	void *p;

	if (!b || s->failed || NLMSG_ALIGN(n) > b->size - b->len) {
		s->failed = true;
		return NULL;
	}
	p = b->data + b->len;
	memset(p, 0, NLMSG_ALIGN(n));
	b->len += NLMSG_ALIGN(n);
	return p;
}

void *nl_begin(struct nl_request *r, u16 type, u32 size, bool multi)
{
	struct nl_sock *s = r->from;
	struct nlmsghdr *h;

	if (s->open && s->open->size - s->open->len < MESSAGE)
		nl_flush(s);
	if (!s->open) {
		s->open = kmalloc(sizeof(*s->open) + DATAGRAM);
		if (!s->open) {
			s->failed = true;
			return NULL;
		}
		*s->open = (struct nl_buf){ .size = DATAGRAM };
		list_init(&s->open->node);
	}
	s->message = s->open->len;
	h = extend(s, NLMSG_HDRLEN);
	if (!h)
		return NULL;
	h->nlmsg_type = type;
	h->nlmsg_flags = multi ? NLM_F_MULTI : 0;
	h->nlmsg_seq = r->h->nlmsg_seq;
	h->nlmsg_pid = s->portid;
	return extend(s, size);
}

void nl_end(struct nl_request *r)
{
	struct nl_sock *s = r->from;

	if (s->open && !s->failed)
		header(s)->nlmsg_len = s->open->len - s->message;
}

void nl_attr(struct nl_request *r, u16 type, const void *data, u32 len)
{
	struct nlattr *a = extend(r->from, NLA_HDRLEN + len);

	if (!a)
		return;
	a->nla_len = (u16)(NLA_HDRLEN + len);
	a->nla_type = type;
	memcpy(a + 1, data, len);
}

void nl_attr_u32(struct nl_request *r, u16 type, u32 v)
{
	nl_attr(r, type, &v, sizeof(v));
}

void nl_attr_u8(struct nl_request *r, u16 type, u8 v)
{
	nl_attr(r, type, &v, sizeof(v));
}

void nl_attr_str(struct nl_request *r, u16 type, const char *str)
{
	nl_attr(r, type, str, (u32)strlen(str) + 1);
}

void nl_done(struct nl_request *r)
{
	nl_begin(r, NLMSG_DONE, sizeof(s32), true);
	nl_end(r);
}

/* err 0: an acknowledgement. The request comes back with an error, its header alone otherwise. */
void nl_error(struct nl_request *r, int err)
{
	bool cap = !err || (r->from->flags & NLF_CAP_ACK);
	struct nlmsgerr *e = nl_begin(r, NLMSG_ERROR, sizeof(*e), false);
	u32 body = MIN(r->len, MESSAGE / 2);
	void *rest;

	if (!e)
		return;
	header(r->from)->nlmsg_flags = cap ? NLM_F_CAPPED : 0;
	e->error = err;
	e->msg = *r->h;
	rest = cap ? NULL : extend(r->from, body);
	if (rest)
		memcpy(rest, r->body, body);
	nl_end(r);
}

const void *nl_find_in(const u8 *attrs, u32 n, u16 type, u32 *len)
{
	u32 at = 0;

	while (at + NLA_HDRLEN <= n) {
		struct nlattr a;

		memcpy(&a, attrs + at, sizeof(a));
		if (a.nla_len < NLA_HDRLEN || a.nla_len > n - at)
			return NULL;
		if ((a.nla_type & NLA_TYPE_MASK) == type) {
			*len = a.nla_len - NLA_HDRLEN;
			return attrs + at + NLA_HDRLEN;
		}
		at += NLA_ALIGN(a.nla_len);
	}
	return NULL;
}

const void *nl_find(const struct nl_request *r, u32 fixed, u16 type, u32 *len)
{
	u32 at = NLMSG_ALIGN(fixed);

	return at < r->len ? nl_find_in(r->body + at, r->len - at, type, len) : NULL;
}
