/*
 * diag.c - AF_UNIX sockets for sock_diag(7), as `ss -x` asks for them.
 *
 * A dump is made whole, under unix_lock.
 */
#include <linux/unix_diag.h>
#include <string.h>

#include "fs/dentry.h"
#include "net/netlink/netlink.h"
#include "net/unix/unix.h"
#include "task/task.h"

/* As TCP's. */
#define STATE_ESTABLISHED 1
#define STATE_CLOSE	  7
#define STATE_LISTEN	  10

static u8 state_of(const struct unix_sock *u)
{
	if (u->state == UNIX_LISTENING)
		return STATE_LISTEN;
	return u->state == UNIX_CONNECTED || u->peer ? STATE_ESTABLISHED : STATE_CLOSE;
}

/* The connections that wait to be accepted: the inodes of who connected. */
static void put_waiting(struct nl_request *r, const struct unix_sock *u)
{
	u32 ino[128], n = 0;
	struct unix_sock *c;

	list_for_each(c, &u->backlog, backlog)
		if (n < ARRAY_SIZE(ino))
			ino[n++] = c->peer ? (u32)sock_ino(&c->peer->s) : 0;
	nl_attr(r, UNIX_DIAG_ICONS, ino, n * 4);
}

static void put_extras(struct nl_request *r, const struct unix_diag_req *q,
		       const struct unix_sock *u)
{
	bool listens = u->state == UNIX_LISTENING;
	u8 shutdown = u->s.shutdown;

	if ((q->udiag_show & UDIAG_SHOW_NAME) && u->addr)
		nl_attr(r, UNIX_DIAG_NAME, u->addr->a.raw + SUN_PATH_OFFSET,
			u->addr->a.len - SUN_PATH_OFFSET);
	if ((q->udiag_show & UDIAG_SHOW_VFS) && u->path.dentry) {
		const struct inode *i = u->path.dentry->inode;
		struct unix_diag_vfs vfs = { (u32)i->ino, (u32)i->sb->dev };

		nl_attr(r, UNIX_DIAG_VFS, &vfs, sizeof(vfs));
	}
	if ((q->udiag_show & UDIAG_SHOW_PEER) && u->peer)
		nl_attr_u32(r, UNIX_DIAG_PEER, (u32)sock_ino(&u->peer->s));
	if ((q->udiag_show & UDIAG_SHOW_ICONS) && listens)
		put_waiting(r, u);
	if (q->udiag_show & UDIAG_SHOW_RQLEN) {
		struct unix_diag_rqlen len = {
			listens ? u->nr_backlog : (u32)u->rx_bytes,
			listens ? u->max_backlog : u->wmem,
		};

		nl_attr(r, UNIX_DIAG_RQLEN, &len, sizeof(len));
	}
	if (q->udiag_show & UDIAG_SHOW_MEMINFO)
		diag_put_meminfo(r, UNIX_DIAG_MEMINFO, &u->s, u->rx_bytes, u->wmem, 0);
	if (q->udiag_show & UDIAG_SHOW_UID)
		nl_attr_u32(r, UNIX_DIAG_UID,
			    u->s.file && u->s.file->inode ? u->s.file->inode->uid : 0);
	nl_attr(r, UNIX_DIAG_SHUTDOWN, &shutdown, 1);
}

static void put(struct nl_request *r, const struct unix_diag_req *q, const struct unix_sock *u,
		bool all)
{
	struct unix_diag_msg *m = nl_begin(r, r->h->nlmsg_type, sizeof(*m), all);

	if (!m)
		return;
	m->udiag_family = AF_UNIX;
	m->udiag_type = u->s.type;
	m->udiag_state = state_of(u);
	m->udiag_ino = (u32)sock_ino(&u->s);
	m->udiag_cookie[0] = (u32)u->s.cookie;
	m->udiag_cookie[1] = (u32)(u->s.cookie >> 32);
	put_extras(r, q, u);
	nl_end(r);
}

/* By the number of its inode; a cookie that is not all ones must be right. unix_lock held. */
static int find(struct nl_request *r, const struct unix_diag_req *q)
{
	u64 cookie = q->udiag_cookie[0] | (u64)q->udiag_cookie[1] << 32;
	struct unix_sock *u;

	list_for_each(u, &unix_all, all_node) {
		if (u->s.net != r->from->s.net || (u32)sock_ino(&u->s) != q->udiag_ino)
			continue;
		if (cookie != ~0ULL && cookie != u->s.cookie)
			return -ESTALE;
		put(r, q, u, false);
		return 0;
	}
	return -ENOENT;
}

int unix_diag_request(struct nl_request *r, bool all)
{
	struct unix_diag_req q;
	struct unix_sock *u;
	int err = 0;

	if (r->len < sizeof(q))
		return -EINVAL;
	memcpy(&q, r->body, sizeof(q));
	if (!all && !q.udiag_ino)
		return -EINVAL;
	spin_lock(&unix_lock);
	if (!all) {
		err = find(r, &q);
	} else {
		list_for_each(u, &unix_all, all_node)
			if (u->s.net == r->from->s.net && q.udiag_states >> state_of(u) & 1)
				put(r, &q, u, true);
	}
	spin_unlock(&unix_lock);
	return err;
}
