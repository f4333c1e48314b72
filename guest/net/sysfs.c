/*
 * sysfs.c - /sys/class/net and the interfaces' directories below /sys/devices/virtual/net.
 *
 * Differs from Linux: they show the interfaces of who looks, not of who mounted /sys; all interfaces are virtual, as those that
 * an engine gives to a container are; nothing can be written; no power and queues.
 *
 * A directory holds the numbers of its namespace and its interface, never a reference: who reads after the interface is gone,
 * or from another namespace, gets ENODEV.
 */
#include <string.h>

#include "fs/procfs.h"
#include "fs/pseudo.h"
#include "lib/log.h"
#include "net/abi.h"
#include "net/lwip/stack.h"

typedef unsigned long long ull;

/* Both numbers fit into the arg of a file. */
static void *id_of(const struct netdev *d)
{
	return (void *)((u64)d->net->common->inum << 32 | (u32)d->index);
}

static bool is_up(const struct netdev *d)
{
	return d->flags & IFF_UP;
}

/* ---- files; netdev_lock held ---- */

static int put_hwaddr(struct seq *s, const u8 *a)
{
	seq_printf(s, "%02x:%02x:%02x:%02x:%02x:%02x\n", a[0], a[1], a[2], a[3], a[4], a[5]);
	return 0;
}

static int put_number(struct seq *s, ull n)
{
	seq_printf(s, "%llu\n", n);
	return 0;
}

#define NUMBER(name, value)                                          \
	static int put_##name(struct seq *s, const struct netdev *d) \
	{                                                            \
		return put_number(s, (ull)(value));                  \
	}
NUMBER(zero, 0)
NUMBER(addr_len, sizeof(d->hwaddr))
NUMBER(index, d->index)
NUMBER(link, d->link ? d->link : d->index)
NUMBER(mtu, d->mtu)
NUMBER(queue_len, d->txqlen)
NUMBER(type, d->type)
NUMBER(name_type, d->flags &IFF_LOOPBACK ? 2 : 3) /* predictable; renamed */
NUMBER(rx_bytes, d->stats.rx_bytes)
NUMBER(rx_packets, d->stats.rx_packets)
NUMBER(rx_errors, d->stats.rx_errors)
NUMBER(rx_dropped, d->stats.rx_dropped)
NUMBER(multicast, d->stats.multicast)
NUMBER(tx_bytes, d->stats.tx_bytes)
NUMBER(tx_packets, d->stats.tx_packets)
NUMBER(tx_errors, d->stats.tx_errors)
NUMBER(tx_dropped, d->stats.tx_dropped)

static int put_address(struct seq *s, const struct netdev *d)
{
	return put_hwaddr(s, d->hwaddr);
}

static int put_broadcast(struct seq *s, const struct netdev *d)
{
	return put_hwaddr(s, d->broadcast);
}

static int put_carrier(struct seq *s, const struct netdev *d)
{
	return is_up(d) ? put_number(s, !!(d->flags & IFF_LOWER_UP)) : -EINVAL;
}

static int put_dormant(struct seq *s, const struct netdev *d)
{
	return is_up(d) ? put_number(s, 0) : -EINVAL;
}

static int put_duplex(struct seq *s, const struct netdev *d)
{
	if (!is_up(d) || (d->flags & IFF_LOOPBACK))
		return -EINVAL;
	seq_puts(s, "full\n");
	return 0;
}

static int put_speed(struct seq *s, const struct netdev *d)
{
	return !is_up(d) || (d->flags & IFF_LOOPBACK) ? -EINVAL : put_number(s, 10000);
}

static int put_flags(struct seq *s, const struct netdev *d)
{
	seq_printf(s, "0x%x\n", d->flags & ~(u32)(IFF_RUNNING | IFF_LOWER_UP));
	return 0;
}

static int put_hex_zero(struct seq *s, const struct netdev *d)
{
	seq_puts(s, "0x0\n");
	return 0;
}

static int put_empty(struct seq *s, const struct netdev *d)
{
	return 0;
}

static int put_operstate(struct seq *s, const struct netdev *d)
{
	seq_puts(s, !is_up(d) ? "down\n" : d->flags & IFF_LOOPBACK ? "unknown\n" : "up\n");
	return 0;
}

static int put_uevent(struct seq *s, const struct netdev *d)
{
	seq_printf(s, "INTERFACE=%s\nIFINDEX=%d\n", d->name, d->index);
	return 0;
}

/* Its interface, or ENODEV. */
static int show(struct seq *s, void *id, int (*put)(struct seq *s, const struct netdev *d))
{
	struct net_ns *net = net_ns_current();
	struct netdev *d;
	int err;

	spin_lock(&netdev_lock);
	d = netdev_by_index(net, (int)(u32)(uintptr_t)id);
	err = d && id_of(d) == id ? put(s, d) : -ENODEV;
	spin_unlock(&netdev_lock);
	return err;
}

#define FILE_OF(fn)                                   \
	static int show_##fn(struct seq *s, void *id) \
	{                                             \
		return show(s, id, put_##fn);         \
	}                                             \
	static const struct text_ops fn##_ops = { .show = show_##fn };
FILE_OF(zero)
FILE_OF(addr_len)
FILE_OF(index)
FILE_OF(link)
FILE_OF(mtu)
FILE_OF(queue_len)
FILE_OF(type)
FILE_OF(name_type)
FILE_OF(address)
FILE_OF(broadcast)
FILE_OF(carrier)
FILE_OF(dormant)
FILE_OF(duplex)
FILE_OF(speed)
FILE_OF(flags)
FILE_OF(hex_zero)
FILE_OF(empty)
FILE_OF(operstate)
FILE_OF(uevent)
FILE_OF(rx_bytes)
FILE_OF(rx_packets)
FILE_OF(rx_errors)
FILE_OF(rx_dropped)
FILE_OF(multicast)
FILE_OF(tx_bytes)
FILE_OF(tx_packets)
FILE_OF(tx_errors)
FILE_OF(tx_dropped)

struct attr {
	const char *name;
	const struct text_ops *ops;
};

static const struct attr attrs[] = {
	{ "addr_assign_type", &zero_ops },
	{ "addr_len", &addr_len_ops },
	{ "address", &address_ops },
	{ "broadcast", &broadcast_ops },
	{ "carrier", &carrier_ops },
	{ "carrier_changes", &zero_ops },
	{ "carrier_down_count", &zero_ops },
	{ "carrier_up_count", &zero_ops },
	{ "dev_id", &hex_zero_ops },
	{ "dev_port", &zero_ops },
	{ "dormant", &dormant_ops },
	{ "duplex", &duplex_ops },
	{ "flags", &flags_ops },
	{ "gro_flush_timeout", &zero_ops },
	{ "ifalias", &empty_ops },
	{ "ifindex", &index_ops },
	{ "iflink", &link_ops },
	{ "link_mode", &zero_ops },
	{ "mtu", &mtu_ops },
	{ "name_assign_type", &name_type_ops },
	{ "napi_defer_hard_irqs", &zero_ops },
	{ "netdev_group", &zero_ops },
	{ "operstate", &operstate_ops },
	{ "proto_down", &zero_ops },
	{ "speed", &speed_ops },
	{ "testing", &zero_ops },
	{ "threaded", &zero_ops },
	{ "tx_queue_len", &queue_len_ops },
	{ "type", &type_ops },
	{ "uevent", &uevent_ops },
};

static const struct attr statistics[] = {
	{ "collisions", &zero_ops },	    { "multicast", &multicast_ops },
	{ "rx_bytes", &rx_bytes_ops },	    { "rx_compressed", &zero_ops },
	{ "rx_crc_errors", &zero_ops },	    { "rx_dropped", &rx_dropped_ops },
	{ "rx_errors", &rx_errors_ops },    { "rx_fifo_errors", &zero_ops },
	{ "rx_frame_errors", &zero_ops },   { "rx_length_errors", &zero_ops },
	{ "rx_missed_errors", &zero_ops },  { "rx_nohandler", &zero_ops },
	{ "rx_over_errors", &zero_ops },    { "rx_packets", &rx_packets_ops },
	{ "tx_aborted_errors", &zero_ops }, { "tx_bytes", &tx_bytes_ops },
	{ "tx_carrier_errors", &zero_ops }, { "tx_compressed", &zero_ops },
	{ "tx_dropped", &tx_dropped_ops },  { "tx_errors", &tx_errors_ops },
	{ "tx_fifo_errors", &zero_ops },    { "tx_heartbeat_errors", &zero_ops },
	{ "tx_packets", &tx_packets_ops },  { "tx_window_errors", &zero_ops },
};

static bool add_files(struct inode *dir, const struct attr *a, size_t n, void *id)
{
	for (; dir && n; n--, a++)
		if (!pseudo_text(dir, a->name, 0444, a->ops, id))
			return false;
	return dir;
}

/* ---- an interface's directory ---- */

static int fill_device(struct inode *dir)
{
	void *id = dir->priv;

	if (!add_files(dir, attrs, ARRAY_SIZE(attrs), id) ||
	    !add_files(pseudo_dir(dir, "statistics", 0555), statistics, ARRAY_SIZE(statistics),
		       id) ||
	    !pseudo_link(dir, "subsystem", "../../../../class/net"))
		return -ENOMEM;
	return 0;
}

/* Who has this name for the one that looks; NULL: nobody. */
static void *find(const char *name, unsigned len)
{
	char copy[IFNAMSIZ] = "";
	struct netdev *d = NULL;
	void *id;

	memcpy(copy, name, MIN(len, IFNAMSIZ - 1u));
	spin_lock(&netdev_lock);
	if (len < IFNAMSIZ)
		d = netdev_by_name(net_ns_current(), copy);
	id = d ? id_of(d) : NULL;
	spin_unlock(&netdev_lock);
	return id;
}

static struct inode *devices_lookup(struct inode *dir, const char *name, unsigned len)
{
	void *id = find(name, len);
	struct inode *i;

	if (!id)
		return ERR_PTR(-ENOENT);
	i = pseudo_dir_inode_lazy(dir->sb, 0555, fill_device, id);
	return i ? i : ERR_PTR(-ENOMEM);
}

static bool devices_revalidate(struct inode *dir, const char *name, unsigned len, struct inode *i)
{
	return find(name, len) == (i ? i->priv : NULL);
}

/* ---- the two directories ---- */

static struct inode *class_lookup(struct inode *dir, const char *name, unsigned len)
{
	char target[64];
	struct inode *i;

	if (!find(name, len))
		return ERR_PTR(-ENOENT);
	ksnprintf(target, sizeof(target), "../../devices/virtual/net/%.*s", (int)len, name);
	i = pseudo_link_inode(dir->sb, target);
	return i ? i : ERR_PTR(-ENOMEM);
}

static bool class_revalidate(struct inode *dir, const char *name, unsigned len, struct inode *i)
{
	return !find(name, len) == !i;
}

/* The first interface with an index above *index, which becomes its; false: none is. */
static bool next(int *index, char name[IFNAMSIZ])
{
	struct netdev *d;
	bool found = false;

	spin_lock(&netdev_lock);
	list_for_each(d, &net_ns_current()->devs, node) {
		if (d->index <= *index)
			continue;
		*index = d->index;
		memcpy(name, d->name, IFNAMSIZ);
		found = true;
		break;
	}
	spin_unlock(&netdev_lock);
	return found;
}

static int readdir(struct file *f, struct dir_context *ctx, unsigned type)
{
	char name[IFNAMSIZ];
	int index;

	if (!dir_emit_dots(f, ctx))
		return 0;
	index = (int)ctx->pos - 2;
	while (next(&index, name))
		if (!dir_emit(ctx, name, (unsigned)strlen(name), (u64)index + 2,
			      f->inode->ino + (u64)index, type))
			break;
	return 0;
}

static int class_readdir(struct file *f, struct dir_context *ctx)
{
	return readdir(f, ctx, DT_LNK);
}

static int devices_readdir(struct file *f, struct dir_context *ctx)
{
	return readdir(f, ctx, DT_DIR);
}

static const struct file_ops class_fops = {
	.read = dir_read,
	.seek = dir_seek,
	.readdir = class_readdir,
};
static const struct inode_ops class_iops = {
	.lookup = class_lookup,
	.revalidate = class_revalidate,
	.fops = &class_fops,
};
static const struct file_ops devices_fops = {
	.read = dir_read,
	.seek = dir_seek,
	.readdir = devices_readdir,
};
static const struct inode_ops devices_iops = {
	.lookup = devices_lookup,
	.revalidate = devices_revalidate,
	.fops = &devices_fops,
};

static const struct sysfs_dir dirs[] = {
	{ "class", "net", &class_iops },
	{ "devices/virtual", "net", &devices_iops },
};

void net_sysfs_init(void)
{
	sysfs_register_dirs(dirs, ARRAY_SIZE(dirs));
}
