/*
 * neigh.c - rtnetlink(7): neighbours (net/lwip/neighbour.h), to read.
 */
#include <linux/neighbour.h>
#include <linux/rtnetlink.h>
#include <string.h>

#include "net/lwip/neighbour.h"
#include "net/lwip/stack.h"
#include "net/netlink/netlink.h"

struct walk {
	struct nl_request *r;
	bool dump, found;
	u8 family;	 /* AF_UNSPEC: both */
	u32 ifindex;	 /* 0: any */
	const void *dst; /* of the one that is asked for */
};

static void put(struct nl_request *r, const struct neighbour *n, bool multi)
{
	struct nda_cacheinfo times = { .ndm_refcnt = 0 };
	struct ndmsg *m = nl_begin(r, RTM_NEWNEIGH, sizeof(*m), multi);

	if (!m)
		return;
	m->ndm_family = (u8)n->family;
	m->ndm_ifindex = n->ifindex;
	m->ndm_state = n->state;
	m->ndm_flags = n->router ? NTF_ROUTER : 0;
	m->ndm_type = RTN_UNICAST;
	nl_attr(r, NDA_DST, n->addr, n->family == AF_INET ? 4 : 16);
	if (n->has_hwaddr)
		nl_attr(r, NDA_LLADDR, n->hwaddr, sizeof(n->hwaddr));
	nl_attr(r, NDA_CACHEINFO, &times, sizeof(times));
	nl_attr_u32(r, NDA_PROBES, 0);
	nl_end(r);
}

static void visit(const struct neighbour *n, void *arg)
{
	struct walk *w = arg;

	if ((w->family && n->family != w->family) || (w->ifindex && (u32)n->ifindex != w->ifindex))
		return;
	if (!w->dump && (w->found || memcmp(n->addr, w->dst, n->family == AF_INET ? 4 : 16)))
		return;
	w->found = true;
	put(w->r, n, w->dump);
}

/* What a request for one neighbour names. */
static int read_one(const struct nl_request *r, const struct ndmsg *m, struct walk *w)
{
	struct netdev *d;
	u32 len;

	if (r->len < sizeof(*m))
		return -EINVAL;
	if (m->ndm_family != AF_INET && m->ndm_family != AF_INET6)
		return -EAFNOSUPPORT;
	w->dst = nl_find(r, sizeof(*m), NDA_DST, &len);
	if (!w->dst || len != (m->ndm_family == AF_INET ? 4 : 16))
		return -EINVAL;
	spin_lock(&netdev_lock);
	d = netdev_by_index(r->from->s.net, m->ndm_ifindex);
	spin_unlock(&netdev_lock);
	if (!d)
		return m->ndm_ifindex ? -ENODEV : -EINVAL;
	w->ifindex = (u32)m->ndm_ifindex;
	return 0;
}

int rtnetlink_get_neighbours(struct nl_request *r, bool dump)
{
	struct walk w = { .r = r, .dump = dump };
	struct ndmsg m = { 0 };
	const void *v;
	u32 len;
	int err;

	memcpy(&m, r->body, MIN(r->len, (u32)sizeof(m)));
	w.family = m.ndm_family;
	if (!dump) {
		err = read_one(r, &m, &w);
		if (err)
			return err;
	} else {
		if (m.ndm_flags & NTF_PROXY) /* there are none */
			return 0;
		v = nl_find(r, sizeof(m), NDA_IFINDEX, &len);
		if (v && len == sizeof(w.ifindex))
			memcpy(&w.ifindex, v, sizeof(w.ifindex));
	}
	net_lock_for(r->from->s.net);
	neighbour_each(visit, &w);
	spin_unlock(&net_lock);
	return dump || w.found ? 0 : -ENOENT;
}
