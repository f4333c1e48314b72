/*
 * socket.c - netlink sockets: addresses, groups, and datagrams to the kernel and back.
 *
 * Requests are answered while they are sent, so the answers are there when sendmsg returns; dumps are made whole.
 * Differs from Linux: programs cannot send to each other (ECONNREFUSED).
 */
#include <linux/capability.h>
#include <string.h>

#include "fs/poll_bits.h"
#include "lib/random.h"
#include "mm/slab.h"
#include "net/families.h"
#include "net/net_ns.h"
#include "net/netdev.h"
#include "net/netlink/netlink.h"
#include "net/scm.h"
#include "platform/platform.h"
#include "task/task.h"
#include "task/unsupported.h"

#define SEND_MAX 65536u

/* What there is to talk to, by number. handle NULL: nobody answers, but one may listen. */
static const struct nl_protocol {
	int number;
	int (*handle)(struct nl_request *r);
} protocols[] = {
	{ NETLINK_ROUTE, rtnetlink_request },
	{ NETLINK_SOCK_DIAG, sock_diag_request },
	{ NETLINK_KOBJECT_UEVENT, NULL },
};

static struct spinlock netlink_lock = SPINLOCK_INIT;
static struct list bound = LIST_INIT(bound);

static struct nl_sock *nl_sk(struct socket *s)
{
	return container_of(s, struct nl_sock, s);
}

static const struct nl_protocol *protocol(int number)
{
	for (size_t k = 0; k < ARRAY_SIZE(protocols); k++)
		if (protocols[k].number == number)
			return &protocols[k];
	return NULL;
}

/* ---- addresses ---- */

static bool taken(const struct nl_sock *s, u32 portid)
{
	struct nl_sock *o;

	list_for_each(o, &bound, all_node)
		if (o->s.net == s->s.net && o->s.protocol == s->s.protocol && o->portid == portid)
			return true;
	return false;
}

/* portid 0: the process id, or any where that is taken. */
static int bind_port(struct nl_sock *s, u32 portid)
{
	u32 want = portid ? portid : (u32)task_current()->process->pid;
	int err = 0;

	spin_lock(&netlink_lock);
	if (s->portid) {
		err = portid && portid != s->portid ? -EINVAL : 0;
		goto out;
	}
	while (!portid && taken(s, want))
		want = (u32)random_u64() | 0x80000000;
	if (taken(s, want)) {
		err = -EADDRINUSE;
		goto out;
	}
	s->portid = want;
	list_add_tail(&bound, &s->all_node);
out:
	spin_unlock(&netlink_lock);
	return err;
}

static int read_addr(const struct sock_addr *a, struct sockaddr_nl *nl)
{
	if (a->len < sizeof(*nl))
		return -EINVAL;
	memcpy(nl, a->raw, sizeof(*nl));
	return nl->nl_family == AF_NETLINK ? 0 : -EINVAL;
}

static int nl_bind(struct socket *s, const struct sock_addr *a)
{
	struct sockaddr_nl nl;
	int err = read_addr(a, &nl);

	if (!err)
		err = bind_port(nl_sk(s), nl.nl_pid);
	if (!err)
		nl_sk(s)->groups = nl.nl_groups;
	return err;
}

static int nl_connect(struct socket *s, const struct sock_addr *a)
{
	struct nl_sock *n = nl_sk(s);
	struct sockaddr_nl nl = { 0 };
	int err;

	if (a->len < sizeof(a->family))
		return -EINVAL;
	if (a->family != AF_UNSPEC) {
		err = read_addr(a, &nl);
		if (err)
			return err;
		if ((nl.nl_pid || nl.nl_groups) && !net_capable(s->net, CAP_NET_ADMIN))
			return -EPERM;
		err = bind_port(n, 0);
		if (err)
			return err;
	}
	n->peer_portid = nl.nl_pid;
	n->peer_groups = nl.nl_groups;
	return 0;
}

static void write_addr(struct sock_addr *a, u32 portid, u32 groups)
{
	struct sockaddr_nl nl = { .nl_family = AF_NETLINK, .nl_pid = portid, .nl_groups = groups };

	memcpy(a->raw, &nl, sizeof(nl));
	a->len = sizeof(nl);
}

static int nl_getname(struct socket *s, struct sock_addr *a, bool peer)
{
	struct nl_sock *n = nl_sk(s);

	if (peer)
		write_addr(a, n->peer_portid, n->peer_groups);
	else
		write_addr(a, n->portid, n->groups);
	return 0;
}

/* ---- requests ---- */

static void answer(struct nl_sock *s, const struct nl_protocol *p, const u8 *data,
		   const struct nlmsghdr *h)
{
	struct nl_request r = { s, h, data + NLMSG_HDRLEN, h->nlmsg_len - NLMSG_HDRLEN };
	int err = 0;

	s->failed = false;
	/* Answers that nobody reads pile up no further than a buffer's worth and one dump. */
	if (READ_ONCE(s->rx_bytes) > s->s.rcvbuf)
		s->failed = true;
	else if ((h->nlmsg_flags & NLM_F_REQUEST) && h->nlmsg_type >= NLMSG_MIN_TYPE)
		err = p->handle ? p->handle(&r) : -EOPNOTSUPP;
	if (s->failed) { /* no memory: what is not complete is not sent */
		kfree(s->open);
		s->open = NULL;
		atomic_store(&s->s.err, ENOBUFS);
		return;
	}
	if (err || ((h->nlmsg_flags & NLM_F_ACK) && (h->nlmsg_flags & NLM_F_DUMP) != NLM_F_DUMP)) {
		nl_flush(s); /* always a datagram of its own */
		nl_error(&r, err);
	}
}

static void answer_all(struct nl_sock *s, const u8 *data, u32 len)
{
	const struct nl_protocol *p = protocol(s->s.protocol);
	struct nlmsghdr h;

	mutex_lock(&s->dump_lock);
	while (len >= NLMSG_HDRLEN) {
		memcpy(&h, data, sizeof(h));
		if (h.nlmsg_len < NLMSG_HDRLEN || h.nlmsg_len > len)
			break;
		answer(s, p, data, &h);
		nl_flush(s);
		if (NLMSG_ALIGN(h.nlmsg_len) >= len)
			break;
		data += NLMSG_ALIGN(h.nlmsg_len);
		len -= NLMSG_ALIGN(h.nlmsg_len);
	}
	mutex_unlock(&s->dump_lock);
}

/* Only to the kernel: port 0, no group. */
static int check_destination(struct nl_sock *s, const struct sock_msg *m)
{
	struct sockaddr_nl nl = { .nl_pid = s->peer_portid, .nl_groups = s->peer_groups };
	int err;

	if (m->name && m->name->len) {
		err = read_addr(m->name, &nl);
		if (err)
			return err;
		if ((nl.nl_pid || nl.nl_groups) && !net_capable(s->s.net, CAP_NET_ADMIN))
			return -EPERM;
	}
	return nl.nl_pid ? -ECONNREFUSED : 0;
}

static s64 nl_sendmsg(struct socket *s, struct sock_msg *m)
{
	struct nl_sock *n = nl_sk(s);
	size_t len = m->iov->left;
	u8 *data;
	int err;

	if (m->flags & MSG_OOB)
		return -EOPNOTSUPP;
	if (!len)
		return -ENODATA;
	err = check_destination(n, m);
	if (!err)
		err = bind_port(n, 0);
	if (!err && len > MIN(s->sndbuf - 32, SEND_MAX))
		err = -EMSGSIZE;
	if (err)
		return err;
	data = kmalloc(len);
	if (!data)
		return -ENOBUFS;
	if (iov_from(m->iov, data, len) == len)
		answer_all(n, data, (u32)len);
	else
		err = -EFAULT;
	kfree(data);
	return err ? err : (s64)len;
}

/* ---- groups ---- */

static bool listens(const struct nl_sock *s, const struct net_ns *net, int number, u32 group)
{
	return s->s.net == net && s->s.protocol == number &&
	       (READ_ONCE(s->groups) >> (group - 1) & 1);
}

bool netlink_has_listeners(const struct net_ns *net, int number, u32 group)
{
	const struct nl_sock *s;
	bool any = false;

	spin_lock(&netlink_lock);
	list_for_each(s, &bound, all_node)
		any |= listens(s, net, number, group);
	spin_unlock(&netlink_lock);
	return any;
}

static void overrun(struct nl_sock *s)
{
	if (READ_ONCE(s->flags) & NLF_NO_ENOBUFS)
		return;
	atomic_store(&s->s.err, ENOBUFS);
	sock_wake_error(&s->s);
}

void netlink_multicast(const struct net_ns *net, int number, u32 group, const void *data, u32 n)
{
	struct nl_sock *s;

	spin_lock(&netlink_lock);
	list_for_each(s, &bound, all_node)
		if (listens(s, net, number, group) && !nl_queue(s, data, n, group))
			overrun(s);
	spin_unlock(&netlink_lock);
}

/* ---- receiving ---- */

static s64 nl_recvmsg(struct socket *s, struct sock_msg *m)
{
	struct nl_sock *n = nl_sk(s);
	bool peek = m->flags & MSG_PEEK;
	struct nl_buf *b = NULL;
	size_t k;
	s64 ret;

	if (m->flags & MSG_OOB)
		return -EOPNOTSUPP;
	ret = sock_error(s);
	if (ret)
		return ret;
	mutex_lock(&n->dump_lock); /* who peeks keeps the datagram */
	spin_lock(&n->lock);
	if (!list_empty(&n->rx)) {
		b = list_first(&n->rx, struct nl_buf, node);
		if (!peek) {
			list_del(&b->node);
			n->rx_bytes -= b->len;
		}
	}
	spin_unlock(&n->lock);
	ret = -EAGAIN;
	if (b) {
		k = MIN((size_t)b->len, m->iov->left);
		if (k < b->len)
			m->out |= MSG_TRUNC;
		if (m->name)
			write_addr(m->name, 0, b->group ? 1u << (b->group - 1) : 0);
		m->scm->creds = (struct ucred){ 0, 0, 0 }; /* from the kernel */
		m->scm->has_creds = true;
		ret = iov_to(m->iov, b->data, k) != k ? -EFAULT
		      : m->flags & MSG_TRUNC	      ? (s64)b->len
						      : (s64)k;
		if (!peek)
			kfree(b);
	}
	mutex_unlock(&n->dump_lock);
	return ret;
}

static u32 nl_poll(struct socket *s)
{
	struct nl_sock *n = nl_sk(s);

	return (list_empty(&n->rx) ? 0 : POLL_READABLE) | (READ_ONCE(s->err) ? POLLERR : 0) |
	       POLL_WRITABLE | POLLWRBAND;
}

/* ---- options ---- */

static u32 flag_of(int name)
{
	switch (name) {
	case NETLINK_CAP_ACK: return NLF_CAP_ACK;
	case NETLINK_EXT_ACK: return NLF_EXT_ACK;
	case NETLINK_PKTINFO: return NLF_PKTINFO;
	case NETLINK_GET_STRICT_CHK: return NLF_STRICT;
	case NETLINK_NO_ENOBUFS: return NLF_NO_ENOBUFS;
	default: return 0;
	}
}

static int nl_setsockopt(struct socket *s, int level, int name, const void *v, unsigned len)
{
	struct nl_sock *n = nl_sk(s);
	s32 on;

	if (level == SOL_SOCKET && name == SO_PASSCRED && len >= sizeof(on)) {
		memcpy(&on, v, sizeof(on));
		sock_set_opt(s, SOPT_PASSCRED, on);
		return 0;
	}
	if (level == SOL_SOCKET)
		return filter_set_option(&n->filter, &n->lock, name, v, len);
	if (level != SOL_NETLINK)
		return -ENOPROTOOPT;
	if (len < sizeof(on))
		return -EINVAL;
	memcpy(&on, v, sizeof(on));
	if (name == NETLINK_ADD_MEMBERSHIP || name == NETLINK_DROP_MEMBERSHIP) {
		if (on < 1)
			return -EINVAL;
		if (on > 32) /* groups of events that never come */
			return 0;
		if (name == NETLINK_ADD_MEMBERSHIP)
			atomic_or(&n->groups, 1u << (on - 1));
		else
			atomic_and(&n->groups, ~(1u << (on - 1)));
		return 0;
	}
	if (!flag_of(name))
		return -ENOPROTOOPT;
	if (on)
		atomic_or(&n->flags, flag_of(name));
	else
		atomic_and(&n->flags, ~flag_of(name));
	return 0;
}

/* A bitmap of the groups, of which as much as fits is given out; *len gets the size of all, 0 before one is joined. */
static int list_memberships(const struct nl_sock *n, void *v, unsigned *len)
{
	u32 map[2] = { READ_ONCE(n->groups) };

	memcpy(v, map, MIN(*len & ~3u, (unsigned)sizeof(map)));
	*len = map[0] ? sizeof(map) : 0;
	return 0;
}

static int nl_getsockopt(struct socket *s, int level, int name, void *v, unsigned *len)
{
	s32 on;

	if (level == SOL_SOCKET && name == SO_PASSCRED)
		on = sock_opt(s, SOPT_PASSCRED);
	else if (level == SOL_SOCKET)
		return filter_get_option(&nl_sk(s)->filter, name, v, len);
	else if (level == SOL_NETLINK && name == NETLINK_LIST_MEMBERSHIPS)
		return list_memberships(nl_sk(s), v, len);
	else if (level == SOL_NETLINK && flag_of(name))
		on = !!(nl_sk(s)->flags & flag_of(name));
	else
		return -ENOPROTOOPT;
	if (*len < sizeof(on))
		return -EINVAL;
	*len = sizeof(on);
	memcpy(v, &on, sizeof(on));
	return 0;
}

/* ---- life ---- */

static void nl_release(struct socket *s)
{
	struct nl_sock *n = nl_sk(s);

	spin_lock(&netlink_lock);
	list_del(&n->all_node);
	spin_unlock(&netlink_lock);
	while (!list_empty(&n->rx)) {
		struct nl_buf *b = list_first(&n->rx, struct nl_buf, node);

		list_del(&b->node);
		kfree(b);
	}
}

static void nl_destroy(struct socket *s)
{
	filter_put(nl_sk(s)->filter.f);
	kfree(nl_sk(s));
}

static const struct socket_ops nl_ops = {
	.bind = nl_bind,
	.connect = nl_connect,
	.getname = nl_getname,
	.sendmsg = nl_sendmsg,
	.recvmsg = nl_recvmsg,
	.poll = nl_poll,
	.setsockopt = nl_setsockopt,
	.getsockopt = nl_getsockopt,
	.release = nl_release,
	.destroy = nl_destroy,
};

bool nl_admin(const struct nl_request *r)
{
	return r->from->opener_admin && net_capable(r->from->s.net, CAP_NET_ADMIN);
}

static struct socket *create(int type, int number)
{
	struct nl_sock *n;

	if (type != SOCK_RAW && type != SOCK_DGRAM)
		return ERR_PTR(-ESOCKTNOSUPPORT);
	if (!protocol(number)) {
		unsupported("netlink protocol", (u64)number);
		return ERR_PTR(-EPROTONOSUPPORT);
	}
	n = kzalloc(sizeof(*n));
	if (!n)
		return ERR_PTR(-ENOMEM);
	sock_init(&n->s, &nl_ops, AF_NETLINK, type, number);
	n->opener_admin = net_capable(n->s.net, CAP_NET_ADMIN);
	list_init(&n->all_node);
	spin_init(&n->lock);
	list_init(&n->rx);
	mutex_init(&n->dump_lock);
	return &n->s;
}

const struct proto_family netlink_family = {
	.family = AF_NETLINK,
	.init = netdev_init,
	.create = create,
};
