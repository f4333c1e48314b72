/*
 * veth.c - pairs of Ethernet interfaces: what goes into one comes out of the other, mostly in another namespace (veth(4)).
 *
 * A frame is queued like a packet of the loopback and comes in when the stack is left (lwip/loop.c); bytes in chunks are
 * shared. Checksums and segments are left to the other end, which needs neither: a frame has up to 64 KiB.
 *
 * Lock: netdev_mutex for making, moving and ending; net_lock for the peer.
 * Differs from Linux: an end is "running" when it is up, whatever the other end is.
 */
#include <string.h>

#include "lib/err.h"
#include "lib/random.h"
#include "mm/slab.h"
#include "net/lwip/loop.h"
#include "net/lwip/stack.h"
#include "net/netlink/event.h"
#include "net/veth.h"

#define HEADERS 256 /* what lwIP wants in the first buffer (lwip/device.c) */

struct veth {
	struct net_device nd;
	struct veth *peer;
};

static int transmit(struct net_device *d, struct pbuf *p, const struct net_offload *o)
{
	struct veth *to = container_of(d, struct veth, nd)->peer;
	struct pbuf *copy;

	if (!(to->nd.dev.flags & IFF_UP))
		return -ENOBUFS;
	copy = chunk_clone_frame(p, HEADERS);
	if (!copy)
		return -ENOBUFS;
	if (loop_queue_frame(&to->nd, copy)) {
		pbuf_free(copy);
		return -ENOBUFS;
	}
	return 0;
}

static const struct net_device_ops ops = { .transmit = transmit };

static struct veth *veth_of(struct netdev *d)
{
	struct net_device *nd = container_of(d, struct net_device, dev);

	return !(d->flags & IFF_LOOPBACK) && nd->ops == &ops ? container_of(nd, struct veth, nd)
							     : NULL;
}

bool netdev_is_veth(struct netdev *d)
{
	return veth_of(d);
}

static void make(struct veth *v, const struct link_request *q)
{
	struct netdev *d = &v->nd.dev;

	memcpy(d->name, q->name, IFNAMSIZ);
	memset(d->broadcast, 0xff, 6);
	if (q->has_hwaddr) {
		memcpy(d->hwaddr, q->hwaddr, 6);
	} else {
		u64 r = random_u64();

		memcpy(d->hwaddr, &r, 6);
		d->hwaddr[0] = (u8)((d->hwaddr[0] & 0xfe) | 2); /* one station's, given here */
	}
	d->type = ARPHRD_ETHER;
	d->kind = "veth";
	d->flags = IFF_BROADCAST | IFF_MULTICAST;
	d->mtu = q->mtu ? q->mtu : 1500;
	d->min_mtu = 68;
	d->max_mtu = 65535;
	d->txqlen = 1000;
	v->nd.ops = &ops;
	v->nd.features = NETF_CSUM | NETF_TSO4 | NETF_TSO6;
}

/* What each end shows of the other. */
static void link_ends(struct veth *v, struct veth *w)
{
	v->nd.dev.link = w->nd.dev.index;
	w->nd.dev.link = v->nd.dev.index;
	v->nd.dev.link_elsewhere = w->nd.dev.link_elsewhere = v->nd.dev.net != w->nd.dev.net;
}

int veth_create(const struct link_request *a, const struct link_request *b)
{
	struct veth *v = kzalloc(sizeof(*v)), *w = kzalloc(sizeof(*w));
	int err = -ENOMEM;

	if (!v || !w)
		goto free;
	make(v, a);
	make(w, b);
	v->peer = w;
	w->peer = v;
	err = net_device_add(a->net, &v->nd);
	if (err)
		goto free;
	err = net_device_add(b->net, &w->nd);
	if (err) {
		net_device_remove(&v->nd);
		goto free;
	}
	link_ends(v, w);
	rtnetlink_link_event(&v->nd.dev, false);
	rtnetlink_link_event(&w->nd.dev, false);
	if (a->up)
		netdev_set_up(&v->nd.dev, true);
	if (b->up)
		netdev_set_up(&w->nd.dev, true);
	return 0;
free:
	kfree(v);
	kfree(w);
	return err;
}

void veth_delete(struct netdev *d)
{
	struct veth *v = veth_of(d);

	net_device_remove(&v->nd);
	net_device_remove(&v->peer->nd);
	kfree(v->peer);
	kfree(v);
}

int veth_move(struct netdev *d, struct net_ns *to)
{
	struct veth *v = veth_of(d);
	int err;

	net_device_remove(&v->nd); /* it is down then */
	err = net_device_add(to, &v->nd);
	if (err) { /* it has nowhere to go */
		net_device_remove(&v->peer->nd);
		kfree(v->peer);
		kfree(v);
		return err;
	}
	link_ends(v, v->peer);
	rtnetlink_link_event(d, false);
	return 0;
}

void veth_end_all(struct net_ns *net)
{
	struct netdev *d;

	mutex_lock(&netdev_mutex);
	while (!list_empty(&net->devs)) {
		d = container_of(net->devs.prev, struct netdev, node);
		if (!veth_of(d))
			break;
		veth_delete(d);
	}
	mutex_unlock(&netdev_mutex);
}
