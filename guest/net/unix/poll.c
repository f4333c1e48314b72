/*
 * poll.c - readiness of AF_UNIX sockets, and their ioctls.
 */
#include <linux/capability.h>

#include "fs/poll_bits.h"
#include "net/net_ns.h"
#include "net/unix/unix.h"
#include "platform/platform.h"
#include "task/task.h"

#define SIOCUNIXFILE 0x89e0 /* a descriptor for the bound file */

bool unix_writable(const struct unix_sock *u)
{
	return u->state != UNIX_LISTENING && (u64)atomic_load(&u->wmem) * 4 <= u->s.sndbuf;
}

static u32 common(struct unix_sock *u)
{
	u8 shut = READ_ONCE(u->s.shutdown);
	u32 ev = 0;

	if (READ_ONCE(u->s.err))
		ev |= POLLERR;
	if (shut == SHUTDOWN_BOTH)
		ev |= POLLHUP;
	if (shut & SHUTDOWN_RCV)
		ev |= POLLRDHUP | POLL_READABLE;
	if (READ_ONCE(u->rx_count) || READ_ONCE(u->nr_backlog))
		ev |= POLL_READABLE;
	if (u->s.type != SOCK_DGRAM && READ_ONCE(u->state) == UNIX_CLOSED)
		ev |= POLLHUP;
	return ev;
}

u32 unix_stream_poll(struct socket *s)
{
	struct unix_sock *u = unix_sk(s);
	u32 ev = common(u);

	if (READ_ONCE(u->oob))
		ev |= POLLPRI;
	return ev | (unix_writable(u) ? POLL_WRITABLE | POLLWRBAND : 0);
}

/* The queue of the peer counts too: it may be full while our own buffer is not. */
static bool room_at_peer(struct unix_sock *u)
{
	struct unix_sock *p = unix_peer_get(u);
	bool room = true;

	if (!p)
		return true;
	if (unix_rx_full(p, u)) {
		atomic_store(&u->wants_room, 1);
		atomic_fence();
		room = !unix_rx_full(p, u);
	}
	sock_put(&p->s);
	return room;
}

u32 unix_dgram_poll(struct socket *s)
{
	struct unix_sock *u = unix_sk(s);
	u32 ev = common(u);

	return ev | (unix_writable(u) && room_at_peer(u) ? POLL_WRITABLE | POLLWRBAND : 0);
}

/* Unread bytes: of the first message only, where there are messages. */
static s64 unread(struct unix_sock *u)
{
	s64 n;

	if (READ_ONCE(u->state) == UNIX_LISTENING)
		return -EINVAL;
	spin_lock(&u->rx_lock);
	if (u->s.type != SOCK_DGRAM)
		n = (s64)u->rx_bytes;
	else
		n = list_empty(&u->rx) ? 0 : list_first(&u->rx, struct unix_buf, node)->len;
	spin_unlock(&u->rx_lock);
	return n;
}

static s64 at_mark(struct unix_sock *u)
{
	struct unix_buf *b;
	bool at = false;

	spin_lock(&u->rx_lock);
	if (!list_empty(&u->rx)) {
		b = list_first(&u->rx, struct unix_buf, node);
		at = b == u->oob || b->off == b->len;
	}
	spin_unlock(&u->rx_lock);
	return at;
}

static s64 bound_file(struct unix_sock *u)
{
	struct file *f;

	if (!net_capable(u->s.net, CAP_NET_ADMIN))
		return -EPERM;
	if (!READ_ONCE(u->addr) || !u->path.dentry)
		return READ_ONCE(u->addr) ? -ENOENT : -EINVAL;
	f = vfs_open_path(&u->path, O_PATH);
	return fd_install_new(f, true);
}

s64 unix_ioctl(struct socket *s, unsigned cmd, u64 arg)
{
	struct unix_sock *u = unix_sk(s);
	s64 n;
	s32 v;

	switch (cmd) {
	case SIOCINQ: n = unread(u); break;
	case SIOCOUTQ: n = atomic_load(&u->wmem); break;
	case SIOCATMARK:
		if (!unix_is_stream(u))
			return -ENOTTY;
		n = at_mark(u);
		break;
	case SIOCUNIXFILE: return bound_file(u);
	default: return -ENOTTY;
	}
	if (n < 0)
		return n;
	v = (s32)n;
	return user_write(arg, &v, sizeof(v)) ? -EFAULT : 0;
}
