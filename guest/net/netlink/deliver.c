/*
 * deliver.c - datagrams that are no netlink messages: mq_notify(3)'s cookies, which libc waits for on a netlink socket.
 */
#include <string.h>

#include "mm/slab.h"
#include "net/netlink/deliver.h"
#include "net/netlink/netlink.h"

void netlink_deliver(struct socket *sock, const void *data, u32 n)
{
	struct nl_sock *s = container_of(sock, struct nl_sock, s);
	struct nl_buf *b = kmalloc(sizeof(*b) + n);
	bool room;

	if (!b)
		return;
	*b = (struct nl_buf){ .len = n, .size = n };
	memcpy(b->data, data, n);
	spin_lock(&s->lock);
	room = s->rx_bytes + n <= s->s.rcvbuf;
	if (room) {
		list_add_tail(&s->rx, &b->node);
		s->rx_bytes += n;
	}
	spin_unlock(&s->lock);
	if (room)
		sock_wake_readable(&s->s);
	else
		kfree(b);
}
