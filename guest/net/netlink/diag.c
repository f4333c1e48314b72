/*
 * diag.c - sock_diag(7): dumps of sockets for ss(8). The families list their own (net/inet/diag.c, net/unix/diag.c).
 *
 * Sockets cannot be destroyed by it (SOCK_DESTROY: EOPNOTSUPP, as a Linux without INET_DIAG_DESTROY).
 */
#include <linux/capability.h>
#include <linux/sock_diag.h>
#include <string.h>

#include "net/net_ns.h"
#include "net/netlink/netlink.h"
#include "task/task.h"

static const struct {
	u8 family;
	int (*dump)(struct nl_request *r, bool all);
} families[] = {
	{ AF_INET, inet_diag_request },
	{ AF_INET6, inet_diag_request },
	{ AF_UNIX, unix_diag_request },
};

static int by_family(struct nl_request *r)
{
	bool all = (r->h->nlmsg_flags & NLM_F_DUMP) == NLM_F_DUMP;
	int err = -ENOENT;

	if (r->len < sizeof(struct sock_diag_req) || r->body[0] >= AF_MAX)
		return -EINVAL;
	for (size_t k = 0; k < ARRAY_SIZE(families); k++)
		if (families[k].family == r->body[0])
			err = families[k].dump(r, all);
	if (!err && all)
		nl_done(r);
	return err;
}

int sock_diag_request(struct nl_request *r)
{
	switch (r->h->nlmsg_type) {
	case SOCK_DIAG_BY_FAMILY: return by_family(r);
	case SOCK_DESTROY: return nl_admin(r) ? -EOPNOTSUPP : -EPERM;
	default: return -EINVAL;
	}
}

void diag_put_meminfo(struct nl_request *r, u16 type, const struct socket *s, u64 unread,
		      u64 unsent, u32 drops)
{
	u32 v[SK_MEMINFO_VARS] = {
		[SK_MEMINFO_RMEM_ALLOC] = (u32)unread,	[SK_MEMINFO_RCVBUF] = s->rcvbuf,
		[SK_MEMINFO_WMEM_ALLOC] = (u32)unsent,	[SK_MEMINFO_SNDBUF] = s->sndbuf,
		[SK_MEMINFO_WMEM_QUEUED] = (u32)unsent, [SK_MEMINFO_DROPS] = drops,
	};

	nl_attr(r, type, v, sizeof(v));
}
