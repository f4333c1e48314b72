/*
 * netdev.c - the table of network interfaces (netdev.h). The first is always the loopback.
 */
#include <string.h>

#include "fs/procfs.h"
#include "fs/vfs.h"
#include "net/abi.h"
#include "net/netdev.h"

struct spinlock netdev_lock = SPINLOCK_INIT;
struct list netdevs = LIST_INIT(netdevs);

static int last_index; /* under netdev_lock */

static struct netdev loopback = {
	.name = "lo",
	.flags = IFF_UP | IFF_LOOPBACK | IFF_RUNNING | IFF_LOWER_UP,
	.mtu = 65536,
	.txqlen = 1000,
	.type = ARPHRD_LOOPBACK,
	.addr = {
		{ .family = AF_INET, .prefix = 8, .scope = SCOPE_HOST, .addr = { 127, 0, 0, 1 } },
		{ .family = AF_INET6, .prefix = 128, .scope = SCOPE_HOST, .addr = { [15] = 1 } },
	},
};

void netdev_add(struct netdev *d)
{
	spin_lock(&netdev_lock);
	d->index = ++last_index;
	list_add_tail(&netdevs, &d->node);
	spin_unlock(&netdev_lock);
}

struct netdev *netdev_by_index(int index)
{
	struct netdev *d;

	list_for_each(d, &netdevs, node)
		if (d->index == index)
			return d;
	return NULL;
}

struct netdev *netdev_by_name(const char *name)
{
	struct netdev *d;

	list_for_each(d, &netdevs, node)
		if (!strncmp(d->name, name, IFNAMSIZ))
			return d;
	return NULL;
}

typedef unsigned long long ull;

static int show_dev(struct seq *s, void *arg)
{
	struct netdev *d;

	seq_puts(s, "Inter-|   Receive                                                |  Transmit\n"
		    " face |bytes    packets errs drop fifo frame compressed multicast|"
		    "bytes    packets errs drop fifo colls carrier compressed\n");
	spin_lock(&netdev_lock);
	list_for_each(d, &netdevs, node) {
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

void netdev_init(void)
{
	netdev_add(&loopback);
	proc_net_add("dev", show_dev);
}
