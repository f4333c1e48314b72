/*
 * mqueue_thread.c - mq_notify(2) with SIGEV_THREAD: the cookie goes to a netlink socket on which libc's thread reads.
 */
#include "fs/file.h"
#include "ipc/mqueue.h"
#include "net/netlink/deliver.h"
#include "net/socket.h"
#include "sys/mqueue_thread.h"
#include "sys/socket.h"

static struct file *get(int fd)
{
	struct file *f;
	struct socket *s = socket_get(fd, &f);

	if (IS_ERR(s))
		return (void *)s;
	if (s->family == AF_NETLINK)
		return f;
	file_put(f);
	return ERR_PTR(-EINVAL);
}

static void send(struct file *sock, const void *cookie, size_t n)
{
	netlink_deliver(sock->priv, cookie, (u32)n);
}

void mq_thread_init(void)
{
	static const struct mq_cookie_ops ops = { get, send };

	mq_cookie = &ops;
}
