/*
 * deliver.c - datagrams that are no answers: events for groups (event.c), and mq_notify(3)'s cookies, which libc waits for on a
 * netlink socket.
 */
#include <string.h>

#include "mm/slab.h"
#include "net/netlink/deliver.h"
#include "net/netlink/netlink.h"

bool nl_take(struct nl_sock *s, struct nl_buf *b, u64 limit)
{
	struct filter_frame f = { .data = b->data, .len = b->len };
	bool room, wanted = true;

	spin_lock(&s->lock);
	room = s->rx_bytes + b->len <= limit;
	if (room && s->filter.f) {
		b->len = filter_run(s->filter.f, &f);
		wanted = b->len;
	}
	if (room && wanted) {
		list_add_tail(&s->rx, &b->node);
		s->rx_bytes += b->len;
	}
	spin_unlock(&s->lock);
	if (room && wanted)
		sock_wake_readable(&s->s);
	else
		kfree(b);
	return room;
}

bool nl_queue(struct nl_sock *s, const void *data, u32 n, u32 group)
{
	struct nl_buf *b = kmalloc(sizeof(*b) + n);

	if (!b)
		return false;
	*b = (struct nl_buf){ .len = n, .size = n, .group = group };
	memcpy(b->data, data, n);
	return nl_take(s, b, s->s.rcvbuf);
}

void netlink_deliver(struct socket *sock, const void *data, u32 n)
{
	nl_queue(container_of(sock, struct nl_sock, s), data, n, 0);
}
