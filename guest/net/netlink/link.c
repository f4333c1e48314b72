/*
 * link.c - rtnetlink(7): interfaces that programs make (veth pairs), their names, MTUs, addresses, and the namespaces they go to.
 *
 * Other kinds (bridge, vlan, macvlan, tun ...) are EOPNOTSUPP and a line in dmesg, as on a Linux without their modules.
 */
#include <linux/capability.h>
#include <linux/if_link.h>
#include <linux/rtnetlink.h>
#include <linux/veth.h>
#include <string.h>

#include "fs/procfs.h"
#include "lib/log.h"
#include "net/lwip/stack.h"
#include "net/netlink/event.h"
#include "net/netlink/netlink.h"
#include "net/veth.h"
#include "task/ns/pidns.h"
#include "task/unsupported.h"

/* ---- what a request says of an interface ---- */

struct attrs {
	const u8 *p;
	u32 n;
};

static int read_number(const struct attrs *a, u16 type, u32 *v)
{
	u32 len;
	const void *p = nl_find_in(a->p, a->n, type, &len);

	if (!p)
		return -ENOENT;
	if (len != sizeof(*v))
		return -EINVAL;
	memcpy(v, p, sizeof(*v));
	return 0;
}

/* The namespace of a process or a file, with a reference. NULL: none is named. ERR_PTR. */
static struct ns_common *named_ns(const struct attrs *a)
{
	struct ns_common *n = NULL;
	struct file *f;
	struct task *t;
	u32 v;

	if (!read_number(a, IFLA_NET_NS_PID, &v)) {
		t = task_find_vpid((int)v);
		n = t ? task_ns(t, NS_NET) : NULL;
		if (t)
			task_put(t);
		return n ? n : ERR_PTR(-ESRCH);
	}
	if (read_number(a, IFLA_NET_NS_FD, &v))
		return NULL;
	f = fd_get((int)v);
	if (IS_ERR(f))
		return (void *)f;
	n = proc_ns_of_file(f);
	if (n && n->kind == NS_NET)
		ns_get(n);
	else
		n = ERR_PTR(-EINVAL);
	file_put(f);
	return n;
}

static bool valid_name(const char *name)
{
	if (!*name || !strcmp(name, ".") || !strcmp(name, ".."))
		return false;
	for (; *name; name++)
		if (*name == '/' || *name == ':' || *name == ' ' || (*name >= 9 && *name <= 13))
			return false;
	return true;
}

static bool name_taken(struct net_ns *net, const char *name)
{
	bool taken;

	spin_lock(&netdev_lock);
	taken = netdev_by_name(net, name);
	spin_unlock(&netdev_lock);
	return taken;
}

/* IFLA_IFNAME; "" without one. -EINVAL. */
static int read_name(const struct attrs *a, char name[IFNAMSIZ])
{
	u32 len;
	const char *v = nl_find_in(a->p, a->n, IFLA_IFNAME, &len);

	memset(name, 0, IFNAMSIZ);
	if (!v)
		return 0;
	len = (u32)strnlen(v, len);
	if (len >= IFNAMSIZ)
		return -EINVAL;
	memcpy(name, v, len);
	return valid_name(name) ? 0 : -EINVAL;
}

/* A name that is free in q's namespace and is not `other`. */
static int choose_name(struct link_request *q, const char *other)
{
	for (unsigned i = 0; !q->name[0] && i < 1000; i++) {
		ksnprintf(q->name, IFNAMSIZ, "veth%u", i);
		if (name_taken(q->net, q->name) || !strcmp(q->name, other))
			q->name[0] = 0;
	}
	return !q->name[0] ? -ENFILE : name_taken(q->net, q->name) ? -EEXIST : 0;
}

static int read_hwaddr(const struct attrs *a, struct link_request *q)
{
	u32 len;
	const u8 *v = nl_find_in(a->p, a->n, IFLA_ADDRESS, &len);

	if (!v)
		return 0;
	if (len != sizeof(q->hwaddr))
		return -EINVAL;
	memcpy(q->hwaddr, v, sizeof(q->hwaddr));
	if (q->hwaddr[0] & 1) /* of a group */
		return -EADDRNOTAVAIL;
	q->has_hwaddr = true;
	return 0;
}

/* Of one interface; here: where it goes if nothing is said. q->held must be put after an error too. */
static int read_link(const struct attrs *a, struct net_ns *here, struct link_request *q)
{
	struct ns_common *ns = named_ns(a);
	int err;

	if (IS_ERR(ns))
		return (int)PTR_ERR(ns);
	q->held = ns;
	q->net = ns ? ns->object : here;
	if (ns && !net_capable(q->net, CAP_NET_ADMIN))
		return -EPERM;
	err = read_name(a, q->name);
	if (!err)
		err = read_hwaddr(a, q);
	if (!err && !read_number(a, IFLA_MTU, &q->mtu) && (q->mtu < 68 || q->mtu > 65535))
		err = -EINVAL;
	return err;
}

/* ---- making and unmaking ---- */

/* The other end: in IFLA_LINKINFO, IFLA_INFO_DATA, VETH_INFO_PEER, behind a header of its own. */
static int read_peer(const struct attrs *info, struct net_ns *here, struct link_request *q)
{
	struct attrs a = { NULL, 0 };
	struct ifinfomsg i;
	u32 len;
	const void *v = nl_find_in(info->p, info->n, IFLA_INFO_DATA, &len);

	v = v ? nl_find_in(v, len, VETH_INFO_PEER, &len) : NULL;
	if (v && len < sizeof(i))
		return -EINVAL;
	if (v) {
		memcpy(&i, v, sizeof(i));
		q->up = i.ifi_flags & IFF_UP;
		a.p = (const u8 *)v + NLMSG_ALIGN(sizeof(i));
		a.n = len - (u32)NLMSG_ALIGN(sizeof(i));
	}
	return read_link(&a, here, q);
}

static int new_veth(struct nl_request *r, const struct ifinfomsg *i, const struct attrs *a,
		    const struct attrs *info)
{
	struct link_request own = { .up = i->ifi_flags & IFF_UP }, peer = { 0 };
	struct net_ns *here = r->from->s.net;
	int err = read_link(a, here, &own);

	if (!err)
		err = read_peer(info, here, &peer);
	if (!err)
		err = choose_name(&own, "");
	if (!err)
		err = choose_name(&peer, peer.net == own.net ? own.name : "");
	if (!err && peer.net == own.net && !strcmp(own.name, peer.name))
		err = -EEXIST;
	if (!err)
		err = net_ns_start_reaper();
	if (!err)
		err = veth_create(&own, &peer);
	ns_put(own.held);
	ns_put(peer.held);
	return err;
}

int rtnetlink_new_link(struct nl_request *r, const struct ifinfomsg *i)
{
	struct attrs a = { r->body + NLMSG_ALIGN(sizeof(*i)),
			   r->len - (u32)NLMSG_ALIGN(sizeof(*i)) };
	struct attrs info;
	const char *kind;
	u32 len;

	info.p = nl_find_in(a.p, a.n, IFLA_LINKINFO, &info.n);
	kind = info.p ? nl_find_in(info.p, info.n, IFLA_INFO_KIND, &len) : NULL;
	if (!kind)
		return -EOPNOTSUPP;
	if (strnlen(kind, len) == 4 && !memcmp(kind, "veth", 4))
		return new_veth(r, i, &a, &info);
	unsupported("kind of interface", 0);
	return -EOPNOTSUPP;
}

int rtnetlink_del_link(struct netdev *d)
{
	if (!netdev_is_veth(d))
		return -EOPNOTSUPP;
	veth_delete(d);
	return 0;
}

/* ---- changing ---- */

static int move(struct netdev *d, const struct link_request *q)
{
	const char *name = q->name[0] ? q->name : d->name;

	if (q->net == d->net)
		return 0;
	if (!netdev_is_veth(d))
		return d->flags & IFF_LOOPBACK ? -EINVAL : -EOPNOTSUPP;
	if (name_taken(q->net, name))
		return -EEXIST;
	memmove(d->name, name, IFNAMSIZ);
	return veth_move(d, q->net);
}

static int apply(struct netdev *d, const struct link_request *q)
{
	bool rename = q->name[0] && strcmp(q->name, d->name), virtual = netdev_is_veth(d);
	bool sized = virtual || (d->flags & IFF_LOOPBACK); /* not by what is behind it */

	if ((q->mtu && q->mtu != d->mtu && !sized) || (q->has_hwaddr && !virtual))
		return -EOPNOTSUPP;
	if (rename && (d->flags & IFF_LOOPBACK))
		return -EOPNOTSUPP;
	if (rename && q->net == d->net && name_taken(d->net, q->name))
		return -EEXIST;
	net_lock_for(d->net);
	spin_lock(&netdev_lock);
	if (rename && q->net == d->net)
		memcpy(d->name, q->name, IFNAMSIZ);
	if (sized && q->mtu)
		netdev_set_mtu(d, q->mtu);
	if (q->has_hwaddr)
		netdev_set_hwaddr(d, q->hwaddr);
	spin_unlock(&netdev_lock);
	spin_unlock(&net_lock);
	if (rename || q->mtu || q->has_hwaddr)
		rtnetlink_link_event(d, false);
	return move(d, q);
}

int rtnetlink_set_link(struct nl_request *r, struct netdev *d)
{
	static const u16 known[] = { IFLA_IFNAME,    IFLA_ALT_IFNAME,
				     IFLA_EXT_MASK,  IFLA_NET_NS_PID,
				     IFLA_NET_NS_FD, IFLA_MTU,
				     IFLA_ADDRESS,   0 };
	struct attrs a = { r->body + NLMSG_ALIGN(sizeof(struct ifinfomsg)),
			   r->len - (u32)NLMSG_ALIGN(sizeof(struct ifinfomsg)) };
	struct link_request q = { 0 };
	int err;

	if (rtnetlink_has_other(r, sizeof(struct ifinfomsg), known))
		return -EOPNOTSUPP;
	err = read_link(&a, d->net, &q);
	if (!err)
		err = apply(d, &q);
	ns_put(q.held);
	return err;
}
