/*
 * netdev.c - the tables of network interfaces (netdev.h), one in each namespace. The first is always the loopback.
 */
#include <string.h>

#include "fs/procfs.h"
#include "fs/seq.h"
#include "lib/err.h"
#include "net/abi.h"
#include "net/lwip/stack.h"

struct spinlock netdev_lock = SPINLOCK_INIT;
struct mutex netdev_mutex = MUTEX_INIT(netdev_mutex);

static const struct netdev loopback = {
	.name = "lo",
	.flags = IFF_LOOPBACK,
	.mtu = 65536,
	.txqlen = 1000,
	.type = ARPHRD_LOOPBACK,
};

/* The next number that is free, round and round; netdev_lock held. 0: none is. */
static int new_index(struct net_ns *net)
{
	for (int i = 0; i < NETDEV_INDEX_MAX; i++) {
		net->last_index = net->last_index % NETDEV_INDEX_MAX + 1;
		if (!netdev_by_index(net, net->last_index))
			return net->last_index;
	}
	return 0;
}

int netdev_add(struct net_ns *net, struct netdev *d)
{
	int index;

	spin_lock(&netdev_lock);
	index = new_index(net);
	if (index) {
		d->net = net;
		d->index = index;
		memset(d->addr, 0, sizeof(d->addr));
		list_add_tail(&net->devs, &d->node);
	}
	spin_unlock(&netdev_lock);
	return index ? 0 : -ENFILE;
}

void netdev_del(struct netdev *d)
{
	spin_lock(&netdev_lock);
	list_del(&d->node);
	spin_unlock(&netdev_lock);
}

struct netdev *netdev_by_index(struct net_ns *net, int index)
{
	struct netdev *d;

	list_for_each(d, &net->devs, node)
		if (d->index == index)
			return d;
	return NULL;
}

struct netdev *netdev_by_name(struct net_ns *net, const char *name)
{
	struct netdev *d;

	list_for_each(d, &net->devs, node)
		if (!strncmp(d->name, name, IFNAMSIZ))
			return d;
	return NULL;
}

typedef unsigned long long ull;

static int show_dev(struct seq *s, void *arg)
{
	struct net_ns *net = arg;
	struct netdev *d;

	seq_puts(s, "Inter-|   Receive                                                |  Transmit\n"
		    " face |bytes    packets errs drop fifo frame compressed multicast|"
		    "bytes    packets errs drop fifo colls carrier compressed\n");
	spin_lock(&netdev_lock);
	list_for_each(d, &net->devs, node) {
		const struct netdev_stats *t = &d->stats;

		seq_printf(s,
			   "%6s: %7llu %7llu %4llu %4llu    0     0          0 %9llu "
			   "%8llu %7llu %4llu %4llu    0     0       0          0\n",
			   d->name, (ull)t->rx_bytes, (ull)t->rx_packets, (ull)t->rx_errors,
			   (ull)t->rx_dropped, (ull)t->multicast, (ull)t->tx_bytes,
			   (ull)t->tx_packets, (ull)t->tx_errors, (ull)t->tx_dropped);
	}
	spin_unlock(&netdev_lock);
	return 0;
}

void netdev_ns_init(struct net_ns *net)
{
	list_init(&net->devs);
	net->lo = loopback;
	netdev_add(net, &net->lo);
}

void netdev_init(void)
{
	proc_net_add("dev", show_dev);
	net_sysfs_init();
}
