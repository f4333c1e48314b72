/*
 * create.c - the families AF_INET and AF_INET6: socket(2)'s rules, and the tables of operations.
 */
#include <linux/capability.h>

#include "net/families.h"
#include "net/inet/inet.h"
#include "task/task.h"

#define IPPROTO_TCP 6

const struct socket_ops tcp_ops = {
	.bind = inet_bind,
	.connect = tcp_sk_connect,
	.listen = tcp_sk_listen,
	.accept = tcp_sk_accept,
	.getname = inet_getname,
	.sendmsg = tcp_sk_send,
	.recvmsg = tcp_sk_recv,
	.shutdown = tcp_sk_shutdown,
	.poll = tcp_sk_poll,
	.release = tcp_sk_release,
	.destroy = inet_destroy,
};

static struct socket *create(int family, int type, int protocol)
{
	struct inet_sock *k;

	if (type == SOCK_STREAM && (!protocol || protocol == IPPROTO_TCP)) {
		k = inet_alloc(&tcp_ops, family, type, IPPROTO_TCP);
	} else if (type == SOCK_STREAM) {
		return ERR_PTR(-EPROTONOSUPPORT);
	} else {
		return ERR_PTR(-ESOCKTNOSUPPORT);
	}
	if (!k)
		return ERR_PTR(-ENOBUFS);
	spin_lock(&net_lock);
	list_add_tail(&inet_all, &k->all_node);
	spin_unlock(&net_lock);
	return &k->s;
}

static struct socket *create4(int type, int protocol)
{
	return create(AF_INET, type, protocol);
}

static struct socket *create6(int type, int protocol)
{
	return create(AF_INET6, type, protocol);
}

const struct proto_family inet_family = { AF_INET, stack_init, create4 };
const struct proto_family inet6_family = { AF_INET6, NULL, create6 };
