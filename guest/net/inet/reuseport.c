/*
 * reuseport.c - SO_ATTACH_REUSEPORT_CBPF: a program that says which of the sockets that share a port by SO_REUSEPORT gets a
 * datagram or a connection. It sees the payload; its value is the place of a socket in its group.
 *
 * Places are given as on Linux: in the order of bind(2), of listen(2) for TCP, and that of one who leaves is taken by the last.
 * Who is alone is a group too. All under net_lock.
 */
#include <string.h>

#include "net/inet/inet.h"

/* Is q's socket in the group of p's? */
static bool fellows(const struct inet_port *p, const struct inet_port *q)
{
	return q->sk && q->sk->grouped && q->num == p->num && q->net == p->net &&
	       q->covers == p->covers && q->uid == p->uid && ip_addr_cmp(&q->addr, &p->addr);
}

void reuseport_join(struct inet_sock *k)
{
	struct inet_port *p = k->port, *q;
	struct list *l = port_bucket((enum inet_proto)p->kind, p->num);
	const struct inet_sock *other = NULL;

	if (!p->reuseport)
		return;
	k->group_place = 0;
	list_for_each(q, l, node)
		if (fellows(p, q)) {
			other = q->sk;
			k->group_place++;
		}
	if (other) {
		filter_put(k->steer);
		k->steer = filter_get(other->steer);
	}
	k->grouped = true;
}

void reuseport_leave(struct inet_sock *k)
{
	struct inet_port *p = k->port, *q;
	struct inet_sock *last = NULL;
	struct list *l;

	if (!k->grouped)
		return;
	k->grouped = false;
	l = port_bucket((enum inet_proto)p->kind, p->num);
	list_for_each(q, l, node)
		if (fellows(p, q) && (!last || q->sk->group_place > last->group_place))
			last = q->sk;
	if (last && last->group_place > k->group_place)
		last->group_place = k->group_place;
}

struct inet_sock *reuseport_pick(struct inet_sock *k, const struct pbuf *p)
{
	struct inet_port *own = k->port, *q;
	struct list *l = port_bucket((enum inet_proto)own->kind, own->num);
	u32 place;

	if (!inet_filter_value(k->steer, true, NULL, 0, p, &place))
		return k;
	list_for_each(q, l, node)
		if (fellows(own, q) && q->sk->group_place == place)
			return q->sk;
	return k;
}

/* f, taken over, for the whole group of k; NULL: none. 0, -EINVAL: k is bound and in no group; -ENOENT. */
static int set_locked(struct inet_sock *k, struct socket_filter *f)
{
	bool bound = inet_is_stream(k) ? k->state == INET_LISTENING : k->port != NULL;
	struct socket_filter *old = k->steer;
	struct inet_port *q;
	struct list *l;

	if (!k->grouped && (bound || !sock_opt(&k->s, SOPT_REUSEPORT)))
		return -EINVAL;
	if (!f && !old)
		return -ENOENT;
	k->steer = filter_get(f);
	filter_put(old);
	if (!k->grouped)
		return 0;
	l = port_bucket((enum inet_proto)k->port->kind, k->port->num);
	list_for_each(q, l, node)
		if (q->sk != k && fellows(k->port, q)) {
			filter_put(q->sk->steer);
			q->sk->steer = filter_get(f);
		}
	return 0;
}

int reuseport_set(struct inet_sock *k, int name, const void *v, unsigned len)
{
	struct socket_filter *f = NULL;
	int err;

	if (name == SO_ATTACH_REUSEPORT_CBPF) {
		if (k->filter.locked)
			return -EPERM;
		f = filter_create(v, len);
		if (IS_ERR(f))
			return (int)PTR_ERR(f);
	}
	spin_lock(&net_lock);
	err = set_locked(k, f);
	spin_unlock(&net_lock);
	filter_put(f);
	return err;
}
