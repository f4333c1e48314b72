/*
 * ioctl.c - ioctls that every socket answers: owners (socket(7)), interfaces (netdevice(7)).
 *
 * Addresses of interfaces belong to the families. Nothing about an interface can be changed here but whether it is up: EPERM, and
 * EOPNOTSUPP for who may.
 */
#include <linux/capability.h>
#include <string.h>

#include "fs/abi.h"
#include "fs/owner.h"
#include "fs/procfs.h"
#include "net/lwip/stack.h"
#include "net/socket.h"
#include "platform/platform.h"
#include "task/task.h"
#include "task/unsupported.h"

struct ifreq {
	char name[IFNAMSIZ];
	union {
		s16 flags;
		s32 n;
		struct {
			u16 family;
			u8 data[14];
		} addr;
		u8 space[24];
	};
};
_Static_assert(sizeof(struct ifreq) == 40, "struct ifreq of x86-64");

struct ifconf {
	s32 len, pad;
	u64 buf;
};

static s64 get_owner(struct socket *s, u64 arg)
{
	s32 n = file_owner_get(s->file);

	return user_write(arg, &n, sizeof(n)) ? -EFAULT : 0;
}

static s64 set_owner(struct socket *s, u64 arg)
{
	s32 n;

	if (user_read(&n, arg, sizeof(n)))
		return -EFAULT;
	if (n == (s32)0x80000000)
		return -EINVAL;
	return n < 0 ? file_owner_set(s->file, OWNER_PGRP, -n)
		     : file_owner_set(s->file, OWNER_PID, n);
}

/* What d says to cmd. netdev_lock held. */
static int ask_device(const struct netdev *d, unsigned cmd, struct ifreq *r)
{
	memset(r->space, 0, sizeof(r->space));
	switch (cmd) {
	case SIOCGIFFLAGS: r->flags = (s16)d->flags; break;
	case SIOCGIFINDEX: r->n = d->index; break;
	case SIOCGIFMTU: r->n = (s32)d->mtu; break;
	case SIOCGIFTXQLEN: r->n = (s32)d->txqlen; break;
	case SIOCGIFMETRIC: r->n = 0; break;
	case SIOCGIFHWADDR:
		r->addr.family = d->type;
		memcpy(r->addr.data, d->hwaddr, sizeof(d->hwaddr));
		break;
	default: return -EINVAL;
	}
	return 0;
}

static s64 device_ioctl(struct net_ns *net, unsigned cmd, u64 arg)
{
	struct ifreq r;
	struct netdev *d;
	int err;

	if (user_read(&r, arg, sizeof(r)))
		return -EFAULT;
	r.name[IFNAMSIZ - 1] = 0;
	spin_lock(&netdev_lock);
	d = cmd == SIOCGIFNAME ? netdev_by_index(net, r.n) : netdev_by_name(net, r.name);
	if (!d)
		err = -ENODEV;
	else if (cmd == SIOCGIFNAME)
		err = 0;
	else
		err = ask_device(d, cmd, &r);
	if (!err)
		memcpy(r.name, d->name, IFNAMSIZ);
	spin_unlock(&netdev_lock);
	return err ? err : user_write(arg, &r, sizeof(r)) ? -EFAULT : 0;
}

static s64 set_flags(struct net_ns *net, u64 arg)
{
	struct netdev *d;
	struct ifreq r;

	if (user_read(&r, arg, sizeof(r)))
		return -EFAULT;
	r.name[IFNAMSIZ - 1] = 0;
	mutex_lock(&netdev_mutex);
	spin_lock(&netdev_lock);
	d = netdev_by_name(net, r.name);
	spin_unlock(&netdev_lock);
	if (d && ((d->flags ^ (u32)r.flags) & IFF_UP))
		netdev_set_up(d, r.flags & IFF_UP);
	mutex_unlock(&netdev_mutex);
	return d ? 0 : -ENODEV;
}

/* The IPv4 addresses of all interfaces: with a NULL buffer only how many bytes they need. */
static s64 list_addresses(const struct net_ns *net, u64 arg)
{
	struct ifreq found[32] = { 0 };
	struct ifconf c;
	struct netdev *d;
	unsigned n = 0, room;

	if (user_read(&c, arg, sizeof(c)))
		return -EFAULT;
	if (c.len < 0)
		return -EINVAL;
	room = c.buf ? (unsigned)c.len / (unsigned)sizeof(struct ifreq) : ARRAY_SIZE(found);
	room = MIN(room, (unsigned)ARRAY_SIZE(found));
	spin_lock(&netdev_lock);
	list_for_each(d, &net->devs, node) {
		for (unsigned k = 0; k < NETDEV_ADDRS_MAX && n < room; k++) {
			if (d->addr[k].family != AF_INET)
				continue;
			memcpy(found[n].name, d->name, IFNAMSIZ);
			found[n].addr.family = AF_INET;
			memcpy(found[n++].addr.data + 2, d->addr[k].addr, 4);
		}
	}
	spin_unlock(&netdev_lock);
	c.len = (s32)(n * sizeof(struct ifreq));
	if (c.buf && user_write(c.buf, found, (size_t)c.len))
		return -EFAULT;
	return user_write(arg, &c, sizeof(c)) ? -EFAULT : 0;
}

s64 sock_ioctl(struct socket *s, unsigned cmd, u64 arg)
{
	switch (cmd) {
	case FIOSETOWN:
	case SIOCSPGRP: return set_owner(s, arg);
	case FIOGETOWN:
	case SIOCGPGRP: return get_owner(s, arg);
	case SIOCGSKNS:
		if (!net_capable(s->net, CAP_NET_ADMIN))
			return -EPERM;
		return proc_ns_open(s->net->common);
	case SIOCGIFCONF: return list_addresses(s->net, arg);
	case SIOCGIFNAME:
	case SIOCGIFFLAGS:
	case SIOCGIFINDEX:
	case SIOCGIFMTU:
	case SIOCGIFTXQLEN:
	case SIOCGIFMETRIC:
	case SIOCGIFHWADDR: return device_ioctl(s->net, cmd, arg);
	case SIOCETHTOOL: return -EOPNOTSUPP; /* devices without drivers of Linux's */
	case SIOCSIFFLAGS:
		if (!net_capable(s->net, CAP_NET_ADMIN))
			return -EPERM;
		return set_flags(s->net, arg);
	case SIOCSIFNAME:
	case SIOCSIFMTU:
	case SIOCSIFHWADDR:
	case SIOCSIFTXQLEN:
		if (!net_capable(s->net, CAP_NET_ADMIN))
			return -EPERM;
		unsupported("ioctl on an interface", cmd);
		return -EOPNOTSUPP;
	default: return -ENOTTY;
	}
}
