/*
 * virtio.c - devices as the host announces them over RING_Q_NET_CFG: made, given their addresses and routes, and taken
 * down again when the host says that they went away. A device that was made stays.
 */
#include <string.h>

#include "lib/err.h"
#include "lib/log.h"
#include "mm/frame.h"
#include "mm/slab.h"
#include "net/abi.h"
#include "net/lwip/names.h"
#include "net/net_ns.h"
#include "net/virtio.h"
#include "net/virtio_dev.h"
#include "platform/platform.h"
#include "task/wait.h"

#define PATIENCE_NS 5000000000ULL

static struct {
	struct ring *ring;
	struct ring_request req;
	struct net_config *shared; /* in the arena: the host may change it at any time */
	struct net_config own;
	struct virtio_net *dev[NET_PAIRS];
	struct waitq q;
	bool seen; /* one was announced, and dealt with */
} net = { .q = WAITQ_INIT(net.q) };

static bool valid(const struct net_config *c)
{
	return c->pairs && c->pairs <= NET_PAIRS && c->pair <= NET_PAIRS - c->pairs &&
	       c->naddrs <= NET_ADDRS && c->nroutes <= NET_ROUTES && c->mtu >= 576 &&
	       c->mtu <= 65535 && memchr(c->name, 0, sizeof(c->name)) && c->name[0];
}

/* Its queues cannot be opened twice, whatever follows. */
static int open_pairs(struct virtio_net *v, u32 first)
{
	int err = 0;

	for (unsigned i = 0; i < v->npairs; i++) {
		struct virtio_pair *q = &v->pair[i];

		q->v = v;
		q->rx = ring_open(RING_Q_NET + 2 * (first + i));
		q->tx = ring_open(RING_Q_NET + 2 * (first + i) + 1);
		net.dev[first + i] = v;
		if (!err)
			err = virtio_tx_start(q);
	}
	return err;
}

static struct virtio_net *make(const struct net_config *c)
{
	struct virtio_net *v = kzalloc(sizeof(*v) + c->pairs * sizeof(v->pair[0]));
	struct netdev *d;

	if (!v)
		return NULL;
	v->npairs = c->pairs;
	d = &v->nd.dev;
	memcpy(d->name, c->name, sizeof(d->name));
	memcpy(d->hwaddr, c->mac, 6);
	memset(d->broadcast, 0xff, 6);
	d->type = ARPHRD_ETHER;
	d->flags = IFF_BROADCAST | IFF_MULTICAST;
	d->mtu = c->mtu;
	d->min_mtu = 68;
	d->max_mtu = c->mtu;
	d->txqlen = 1000;
	v->nd.ops = &virtio_net_ops;
	if (c->flags & NET_CSUM)
		v->nd.features |= NETF_CSUM;
	if (c->flags & NET_GSO)
		v->nd.features |= NETF_TSO4 | NETF_TSO6;
	if (open_pairs(v, c->pair) < 0 || net_device_add(&net_first, &v->nd) < 0)
		return NULL;
	return v;
}

static int family(u8 f)
{
	return f == 4 ? AF_INET : AF_INET6;
}

static void add_routes(struct netdev *d, const struct net_config *c, bool gateways)
{
	for (u32 i = 0; i < c->nroutes; i++) {
		const struct net_route *r = &c->routes[i];
		int err;

		if (!r->gateway == gateways)
			continue;
		err = net_route_add(d, family(r->family), r->dst, r->prefix,
				    r->gateway ? r->gw : NULL);
		if (err && err != -EEXIST)
			klog("net: %s: route %u of the host is left out (error %d)", d->name, i,
			     -err);
	}
}

static void configure(struct virtio_net *v, const struct net_config *c)
{
	struct netdev *d = &v->nd.dev;

	for (u32 i = 0; i < c->naddrs; i++) {
		const struct net_addr *a = &c->addrs[i];
		int err = net_addr_add(d, family(a->family), a->addr, a->prefix);

		if (err && err != -EEXIST)
			klog("net: %s: address %u of the host is left out (error %d)", d->name, i,
			     -err);
	}
	v->up = true;
	net_device_up(&v->nd, true);
	/* Gateways are found over the links' routes. */
	add_routes(d, c, false);
	add_routes(d, c, true);
}

static void apply(const struct net_config *c)
{
	struct virtio_net *v;

	if (!valid(c)) {
		klog("net: the host's description of a device is not valid");
		return;
	}
	v = net.dev[c->pair];
	if (!(c->flags & NET_UP)) {
		if (!v || !v->up)
			return;
		v->up = false;
		net_device_up(&v->nd, false);
		klog("net: %s went away", v->nd.dev.name);
		return;
	}
	if (v && v->nd.netif) {
		v->up = true;
		net_device_up(&v->nd, true);
		return;
	}
	v = v ? NULL : make(c);
	if (!v) {
		klog("net: no memory for %s", c->name);
		return;
	}
	configure(v, c);
	if (c->flags & NET_NAMES)
		names_enable();
	for (unsigned i = 0; i < v->npairs; i++)
		if (virtio_rx_start(&v->pair[i]) < 0)
			klog("net: %s: no memory for receive buffers", c->name);
	klog("net: %s up, MTU %u%s, %u pair%s of queues", v->nd.dev.name, v->nd.dev.mtu,
	     c->flags & NET_GSO ? ", segmentation offload" : "", v->npairs,
	     v->npairs > 1 ? "s" : "");
}

static void post(void)
{
	struct ring_buf b = { net.shared, sizeof(*net.shared) };

	ring_add(net.ring, &net.req, &b, 0, 1);
	ring_kick(net.ring);
}

/* There is one buffer, so one of these at a time. */
static void announced(struct ring_request *req, s32 written)
{
	(void)req;
	if (written < 0)
		return;
	memcpy(&net.own, net.shared, sizeof(net.own));
	if (written == (s32)sizeof(net.own))
		apply(&net.own);
	WRITE_ONCE(net.seen, true);
	post();
	waitq_wake_all(&net.q, 0);
}

void virtio_net_settle(void)
{
	if (net.ring)
		ring_reap(net.ring);
}

static bool sent(struct virtio_net *v)
{
	for (unsigned i = 0; i < v->npairs; i++) {
		virtio_tx_clean(&v->pair[i]);
		if (!ring_idle(v->pair[i].tx))
			return false;
	}
	return true;
}

bool virtio_net_sent(void)
{
	for (unsigned i = 0; i < NET_PAIRS; i++)
		if (net.dev[i] && net.dev[i]->up && !sent(net.dev[i]))
			return false;
	return true;
}

void virtio_net_start(bool expected)
{
	paddr_t pa = frame_alloc(ZONE_ARENA, 0, 0);

	if (!pa)
		panic("out of memory at boot");
	net.shared = paddr_to_ptr(pa);
	net.req.done = announced;
	net.ring = ring_open(RING_Q_NET_CFG);
	post();
	if (expected && wait_event(&net.q, SLEEP_UNINTERRUPTIBLE, clock_mono() + PATIENCE_NS,
				   READ_ONCE(net.seen)) < 0)
		klog("net: the host announced a device and none came");
}
