/*
 * sysctl.c - the files below /proc/sys/net whose numbers can be changed (sysctl.h), each a row of the table.
 *
 * A file shows and changes the values of the namespace of who reads and writes, as on Linux.
 */
#include "fs/procfs.h"
#include "fs/seq.h"
#include "lib/err.h"
#include "mm/frame.h"
#include "net/abi.h"
#include "net/lwip/stack.h"
#include "net/sysctl.h"

#define INT_MAX 0x7fffffffLL

struct row {
	const char *dir, *name;
	enum net_sysctl first;
	u8 count;    /* of numbers in the file */
	bool rising; /* each at least the one before */
	s64 min, max;
	s64 value[3]; /* at first */
};

#define ONE(d, f, which, min, max, v)                       \
	{                                                   \
		"sys/net/" d, f, which, 1, false, min, max, \
		{                                           \
			v                                   \
		}                                           \
	}
static const struct row rows[] = {
	ONE("core", "somaxconn", SYSCTL_SOMAXCONN, 0, INT_MAX, SOMAXCONN),
	ONE("core", "rmem_max", SYSCTL_RMEM_MAX, SOCK_RCVBUF_MIN, INT_MAX, SOCK_BUF_MAX),
	ONE("core", "wmem_max", SYSCTL_WMEM_MAX, SOCK_SNDBUF_MIN, INT_MAX, SOCK_BUF_MAX),
	ONE("core", "rmem_default", SYSCTL_RMEM_DEFAULT, SOCK_RCVBUF_MIN, INT_MAX,
	    SOCK_BUF_DEFAULT),
	ONE("core", "wmem_default", SYSCTL_WMEM_DEFAULT, SOCK_SNDBUF_MIN, INT_MAX,
	    SOCK_BUF_DEFAULT),
	{ "sys/net/ipv4",
	  "ip_local_port_range",
	  SYSCTL_PORT_FIRST,
	  2,
	  true,
	  1,
	  65535,
	  { 32768, 60999 } },
	ONE("ipv4", "ip_unprivileged_port_start", SYSCTL_PORT_UNPRIVILEGED, 0, 65535, 1024),
	{ "sys/net/ipv4",
	  "ping_group_range",
	  SYSCTL_PING_GROUP_FIRST,
	  2,
	  false,
	  0,
	  0xfffffffe,
	  { 0, INT_MAX } },
	ONE("ipv4", "ip_default_ttl", SYSCTL_DEFAULT_TTL, 1, 255, 64),
	ONE("ipv4", "ip_nonlocal_bind", SYSCTL_NONLOCAL_BIND, 0, 1, 0),
	{ "sys/net/ipv4",
	  "tcp_rmem",
	  SYSCTL_TCP_RMEM_LEAST,
	  3,
	  false,
	  1,
	  INT_MAX,
	  { 4096, 131072, 2097152 } },
	{ "sys/net/ipv4",
	  "tcp_wmem",
	  SYSCTL_TCP_WMEM_LEAST,
	  3,
	  false,
	  1,
	  INT_MAX,
	  { 4096, 16384, 1048576 } },
	ONE("ipv4", "tcp_max_syn_backlog", SYSCTL_TCP_MAX_SYN_BACKLOG, 1, INT_MAX, 1024),
	ONE("ipv4", "tcp_syn_retries", SYSCTL_TCP_SYN_RETRIES, 1, 127, 6),
	ONE("ipv4", "tcp_fin_timeout", SYSCTL_TCP_FIN_TIMEOUT, 0, 100000, 60),
	ONE("ipv4", "tcp_keepalive_time", SYSCTL_TCP_KEEPALIVE_TIME, 0, 32767, 7200),
	ONE("ipv4", "tcp_keepalive_intvl", SYSCTL_TCP_KEEPALIVE_INTVL, 0, 32767, 75),
	ONE("ipv4", "tcp_keepalive_probes", SYSCTL_TCP_KEEPALIVE_PROBES, 0, 255, 9),
	/* Linux's is 0: a connection over a path whose routers are mute about packets that are too large never gets on. */
	ONE("ipv4", "tcp_mtu_probing", SYSCTL_TCP_MTU_PROBING, 0, 2, 0),
	ONE("ipv4", "tcp_base_mss", SYSCTL_TCP_BASE_MSS, 0, INT_MAX, 1024),
	ONE("ipv4/route", "min_pmtu", SYSCTL_MIN_PMTU, 68, 65535, 552),
	ONE("ipv4/route", "mtu_expires", SYSCTL_MTU_EXPIRES, 0, INT_MAX, 600),
	ONE("ipv4", "ip_forward", SYSCTL_IP_FORWARD, 0, INT_MAX, 0),
	ONE("ipv4", "tcp_syncookies", SYSCTL_TCP_SYNCOOKIES, 0, 2, 0),
	ONE("ipv4", "tcp_tw_reuse", SYSCTL_TCP_TW_REUSE, 0, 2, 0),
	ONE("ipv4", "tcp_fastopen", SYSCTL_TCP_FASTOPEN, 0, INT_MAX, 0),
	ONE("ipv6", "bindv6only", SYSCTL_BINDV6ONLY, 0, 1, 0),
	ONE("ipv6/route", "mtu_expires", SYSCTL_MTU_EXPIRES6, 0, INT_MAX, 600),
};
static struct proc_file files[ARRAY_SIZE(rows)];

s64 net_sysctl(const struct net_ns *net, enum net_sysctl which)
{
	return READ_ONCE(net->sysctl[which]);
}

void net_sysctl_set(struct net_ns *net, enum net_sysctl which, s64 v)
{
	WRITE_ONCE(net->sysctl[which], v);
}

/* A connection may have 1/64 of the sandbox's memory unread, and half of that unsent, but no more than the table says. */
static void bound_windows(struct net_ns *net)
{
	struct frame_stats m;
	s64 share;

	frame_stats(&m);
	share = MAX((s64)(m.total * PAGE_SIZE / 64), 131072LL);
	net->sysctl[SYSCTL_TCP_RMEM_MAX] = MIN(net->sysctl[SYSCTL_TCP_RMEM_MAX], share);
	net->sysctl[SYSCTL_TCP_WMEM_MAX] = MIN(net->sysctl[SYSCTL_TCP_WMEM_MAX], share / 2);
}

void net_sysctl_defaults(struct net_ns *net)
{
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
		for (unsigned k = 0; k < rows[i].count; k++)
			net->sysctl[rows[i].first + k] = rows[i].value[k];
	bound_windows(net);
}

/* ---- the files ---- */

static int show(struct seq *s, void *arg)
{
	const struct row *r = arg;
	const struct net_ns *net = net_ns_current();

	for (unsigned k = 0; k < r->count; k++)
		seq_printf(s, "%lld%c", (long long)net_sysctl(net, r->first + k),
			   k + 1 < r->count ? '\t' : '\n');
	return 0;
}

static const char *number(const char *p, s64 *n)
{
	bool minus;

	while (*p == ' ' || *p == '\t')
		p++;
	minus = *p == '-';
	p += minus;
	if (*p < '0' || *p > '9')
		return NULL;
	for (*n = 0; *p >= '0' && *p <= '9' && *n <= 0xffffffffLL; p++)
		*n = *n * 10 + (*p - '0');
	if (minus)
		*n = -*n;
	return *p && *p != ' ' && *p != '\t' && *p != '\n' ? NULL : p;
}

/* As on Linux fewer numbers than there are change the first ones, and nothing changes if one is wrong. */
static s64 store(void *arg, char *buf, size_t n)
{
	const struct row *r = arg;
	struct net_ns *net = net_ns_current();
	const char *p = buf;
	s64 v[3];
	unsigned k;

	for (k = 0; k < r->count; k++)
		v[k] = net_sysctl(net, r->first + k);
	for (k = 0; k < r->count; k++) {
		p = number(p, &v[k]);
		if (!p || v[k] < r->min || v[k] > r->max)
			return -EINVAL;
		while (*p == ' ' || *p == '\t' || *p == '\n')
			p++;
		if (!*p)
			break;
	}
	for (k = 1; k < r->count; k++)
		if (r->rising && v[k] < v[k - 1])
			return -EINVAL;
	for (k = 0; k < r->count; k++)
		WRITE_ONCE(net->sysctl[r->first + k], v[k]);
	return (s64)n;
}

void net_sysctl_init(void)
{
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
		files[i] = (struct proc_file){ rows[i].dir,
					       rows[i].name,
					       0644,
					       { .show = show, .store = store },
					       (void *)&rows[i] };
	proc_register_files(files, ARRAY_SIZE(files));
}
