/*
 * socket.c - AF_PACKET sockets: their life, names and readiness, and /proc/net/packet.
 */
#include <linux/capability.h>
#include <string.h>

#include "fs/poll_bits.h"
#include "fs/procfs.h"
#include "fs/seq.h"
#include "fs/vfs.h"
#include "mm/slab.h"
#include "net/families.h"
#include "net/inet/inet.h"
#include "net/packet/packet.h"
#include "task/task.h"
#include "task/unsupported.h"

#define SOCK_PACKET 10

static int packet_bind(struct socket *s, const struct sock_addr *a)
{
	struct packet_sock *k = packet_sk(s);
	struct sockaddr_ll ll;
	int err = 0;

	if (a->len < sizeof(ll))
		return -EINVAL;
	memcpy(&ll, a->raw, sizeof(ll));
	if (ll.sll_family != AF_PACKET)
		return -EINVAL;
	spin_lock(&net_lock);
	spin_lock(&netdev_lock);
	if (ll.sll_ifindex && !netdev_by_index(s->net, ll.sll_ifindex))
		err = -ENODEV;
	spin_unlock(&netdev_lock);
	if (!err) {
		k->ifindex = ll.sll_ifindex;
		if (ll.sll_protocol)
			k->protocol = lwip_ntohs(ll.sll_protocol);
		packet_listen(k, k->protocol);
	}
	spin_unlock(&net_lock);
	return err;
}

static int packet_getname(struct socket *s, struct sock_addr *a, bool peer)
{
	struct packet_sock *k = packet_sk(s);
	struct sockaddr_ll ll = { .sll_family = AF_PACKET,
				  .sll_protocol = lwip_htons(k->protocol),
				  .sll_ifindex = k->ifindex };
	struct netdev *d;

	if (peer)
		return -EOPNOTSUPP;
	spin_lock(&netdev_lock);
	d = netdev_by_index(s->net, k->ifindex);
	if (d) {
		ll.sll_hatype = d->type;
		ll.sll_halen = sizeof(d->hwaddr);
		memcpy(ll.sll_addr, d->hwaddr, sizeof(d->hwaddr));
	}
	spin_unlock(&netdev_lock);
	memcpy(a->raw, &ll, sizeof(ll));
	a->len = offsetof(struct sockaddr_ll, sll_addr) + (d ? 6 : 0);
	return 0;
}

static u32 packet_poll(struct socket *s)
{
	struct packet_sock *k = packet_sk(s);
	u32 ev = POLL_WRITABLE | (READ_ONCE(s->err) ? POLLERR : 0);

	spin_lock(&net_lock);
	if (!list_empty(&k->rx) || (k->ring && packet_ring_readable(k->ring)))
		ev |= POLL_READABLE;
	spin_unlock(&net_lock);
	return ev;
}

static s64 packet_ioctl(struct socket *s, unsigned cmd, u64 arg)
{
	struct packet_sock *k = packet_sk(s);
	s32 n = 0;

	if (cmd == SIOCINQ) {
		spin_lock(&net_lock);
		if (!list_empty(&k->rx))
			n = (s32)list_first(&k->rx, struct packet_queued, node)->take;
		spin_unlock(&net_lock);
	} else if (cmd != SIOCOUTQ) {
		return inet_address_ioctl(s->net, cmd, arg);
	}
	return user_write(arg, &n, sizeof(n)) ? -EFAULT : 0;
}

static void packet_release(struct socket *s)
{
	struct packet_sock *k = packet_sk(s);

	spin_lock(&net_lock);
	packet_listen(k, false);
	list_del(&k->all_node);
	packet_purge(k);
	spin_unlock(&net_lock);
}

static void packet_destroy(struct socket *s)
{
	struct packet_sock *k = packet_sk(s);

	packet_ring_free(k->ring);
	filter_put(k->filter.f);
	kfree(k);
}

static const struct socket_ops packet_ops = {
	.bind = packet_bind,
	.getname = packet_getname,
	.sendmsg = packet_send,
	.recvmsg = packet_recv,
	.poll = packet_poll,
	.ioctl = packet_ioctl,
	.setsockopt = packet_setsockopt,
	.getsockopt = packet_getsockopt,
	.mmap = packet_ring_mmap,
	.release = packet_release,
	.destroy = packet_destroy,
};

/* protocol is in network order. */
static struct socket *create(int type, int protocol)
{
	struct packet_sock *k;

	if (!net_capable(net_ns_current(), CAP_NET_RAW))
		return ERR_PTR(-EPERM);
	if (type != SOCK_RAW && type != SOCK_DGRAM) {
		if (type == SOCK_PACKET)
			unsupported("packet socket of type", SOCK_PACKET);
		return ERR_PTR(-ESOCKTNOSUPPORT);
	}
	k = kzalloc(sizeof(*k));
	if (!k)
		return ERR_PTR(-ENOBUFS);
	sock_init(&k->s, &packet_ops, AF_PACKET, type, protocol);
	list_init(&k->rx);
	list_init(&k->all_node);
	k->protocol = lwip_ntohs((u16)protocol);
	spin_lock(&net_lock);
	list_add_tail(&packet_all, &k->all_node);
	packet_listen(k, k->protocol);
	spin_unlock(&net_lock);
	return &k->s;
}

static int show(struct seq *s, void *arg)
{
	struct packet_sock *k;

	seq_puts(s, "sk               RefCnt Type Proto  Iface R Rmem   User   Inode\n");
	spin_lock(&net_lock);
	list_for_each(k, &packet_all, all_node)
		seq_printf(s, "%016llx %-6u %-4d %04x   %-5d %u %-6u %-6u %-6llu\n", 0ULL,
			   k->s.ref.n, k->s.type, k->protocol, k->ifindex, k->listening,
			   (u32)k->rx_bytes,
			   k->s.file && k->s.file->inode ? k->s.file->inode->uid : 0,
			   (unsigned long long)sock_ino(&k->s));
	spin_unlock(&net_lock);
	return 0;
}

static void init(void)
{
	proc_net_add("packet", show);
}

const struct proto_family packet_family = { AF_PACKET, init, create };
