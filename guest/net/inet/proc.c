/*
 * proc.c - /proc/net/{tcp,tcp6,udp,udp6,raw,raw6,arp,route,ipv6_route,if_inet6,snmp,sockstat,...} in Linux's formats, and the
 * values below /proc/sys/net that programs read or set.
 */
#include <string.h>

#include "fs/procfs.h"
#include "fs/seq.h"
#include "lib/log.h"
#include "lwip/priv/tcp_priv.h"
#include "lwip/stats.h"
#include "net/inet/inet.h"
#include "net/inet/proc.h"
#include "net/lwip/neighbour.h"
#include "net/lwip/route.h"

typedef unsigned long long ull;

static void put_addr(struct seq *s, int family, const ip_addr_t *a, u16 port)
{
	const struct inet_sock as = { .s.family = (u16)family };
	struct sock_addr raw;
	u32 w[4];

	if (family == AF_INET) {
		seq_printf(s, "%08X:%04X ", IP_IS_V4(a) ? ip_2_ip4(a)->addr : 0, port);
		return;
	}
	inet_addr_write(&as, &raw, a, port);
	memcpy(w, raw.raw + 8, sizeof(w));
	seq_printf(s, "%08X%08X%08X%08X:%04X ", w[0], w[1], w[2], w[3], port);
}

static void put_sock(struct seq *s, const struct inet_sock *k, unsigned n, unsigned state)
{
	bool tcp = inet_is_stream(k);
	u64 rx = !tcp ? k->rxq_bytes : k->state == INET_LISTENING ? k->nr_accept : k->rx_bytes;

	seq_printf(s, tcp ? "%4u: " : "%5u: ", n);
	put_addr(s, k->s.family, &k->laddr, k->s.type == SOCK_RAW ? (u16)k->s.protocol : k->lport);
	put_addr(s, k->s.family,
		 k->state == INET_LISTENING ? &(ip_addr_t){ .type = k->raddr.type } : &k->raddr,
		 k->rport);
	seq_printf(s, "%02X %08X:%08X 00:00000000 00000000 %5u        0 %llu 2 0000000000000000",
		   state, tcp ? (u32)tcp_queued(k) : 0, (u32)rx, k->port ? k->port->uid : 0,
		   (ull)sock_ino(&k->s));
	if (tcp)
		seq_puts(s, " 20 4 30 10 -1\n");
	else
		seq_printf(s, " %u\n", k->drops);
}

struct which {
	int family, type;
};
static const struct which tcp4 = { AF_INET, SOCK_STREAM }, tcp6 = { AF_INET6, SOCK_STREAM },
			  udp4 = { AF_INET, SOCK_DGRAM }, udp6 = { AF_INET6, SOCK_DGRAM },
			  raw4 = { AF_INET, SOCK_RAW }, raw6 = { AF_INET6, SOCK_RAW };

static unsigned state_of(const struct inet_sock *k)
{
	if (inet_is_stream(k))
		return tcp_sk_state(k);
	return k->state == INET_CONNECTED ? 1 : 7;
}

/* A part of the list, as a file of text is made: net_lock is not held for all of a long one. */
struct listing {
	struct seq *s;
	const struct net_ns *net;
	const struct which *w;
	unsigned n;	   /* lines so far, those of other parts too */
	unsigned from, to; /* this part's; to 0: not full yet */
};

/* Is the next line, whose number is l->n - 1 then, in this part? */
static bool is_here(struct listing *l)
{
	unsigned n = l->n++;

	if (n < l->from || l->to)
		return false;
	if (l->s->len >= SEQ_PART)
		l->to = n;
	return !l->to;
}

/* A connection that has no socket. tr: 1 it sends again, 3 it waits for its end; tm->when in hundredths. */
static void put_orphan(struct tcp_pcb *p, void *arg)
{
	u32 gone = (tcp_ticks - p->tmr) * TCP_SLOW_INTERVAL;
	unsigned timer = 0, when = 0, unsent = p->snd_lbb - p->lastack;
	struct listing *l = arg;

	if (p->x.net != l->net || !tcp_is_orphan(p) || tcp_family(p) != l->w->family || !is_here(l))
		return;
	if (p->state == TIME_WAIT) {
		timer = 3;
		when = (2 * TCP_MSL - MIN(2u * TCP_MSL, gone)) / 10;
		unsent = 0;
	} else if (p->unacked) {
		timer = 1;
		when = (unsigned)MAX(p->rto - p->rtime, 0) * TCP_SLOW_INTERVAL / 10;
	}
	seq_printf(l->s, "%4u: ", l->n - 1);
	put_addr(l->s, l->w->family, &p->local_ip, p->local_port);
	put_addr(l->s, l->w->family, &p->remote_ip, p->remote_port);
	seq_printf(l->s, "%02X %08X:00000000 %02X:%08X %08X %5u        0 0 %u 0000000000000000",
		   tcp_linux_state(p), unsent, timer, when, p->nrtx,
		   p->state == TIME_WAIT ? 0
		   : tcp_port(p)	 ? tcp_port(p)->uid
					 : 0,
		   p->state == TIME_WAIT ? 3 : 1);
	seq_puts(l->s, p->state == TIME_WAIT || p->state == SYN_RCVD ? "\n" : " 20 4 30 10 -1\n");
}

static void show(struct seq *s, const struct net_ns *net, const struct which *w)
{
	struct listing l = { .s = s, .net = net, .w = w, .from = (unsigned)s->next };
	const char *six = w->family == AF_INET6 ? "                        " : "";
	struct inet_sock *k;

	if (!l.from)
		seq_printf(s,
			   "  sl  local_address%s rem_address%s   st tx_queue rx_queue tr tm->when "
			   "retrnsmt   uid  timeout inode%s\n",
			   six, six, w->type == SOCK_STREAM ? "" : " ref pointer drops");
	spin_lock(&net_lock);
	list_for_each(k, &inet_all, all_node) {
		unsigned st = state_of(k);

		if (k->s.net != net || k->s.family != w->family || k->s.type != w->type)
			continue;
		if (st == 7 && !k->lport && w->type != SOCK_RAW)
			continue;
		if (is_here(&l))
			put_sock(s, k, l.n - 1, st);
	}
	if (w->type == SOCK_STREAM)
		tcp_each(put_orphan, &l);
	spin_unlock(&net_lock);
	s->next = l.to;
}

#define SHOW(name)                                       \
	static int show_##name(struct seq *s, void *arg) \
	{                                                \
		show(s, arg, &name);                     \
		return 0;                                \
	}
SHOW(tcp4)
SHOW(tcp6)
SHOW(udp4)
SHOW(udp6)
SHOW(raw4)
SHOW(raw6)

static void name_of(struct net_ns *net, int ifindex, char *name)
{
	struct netdev *d;

	spin_lock(&netdev_lock);
	d = netdev_by_index(net, ifindex);
	memcpy(name, d ? d->name : "*", d ? IFNAMSIZ : 2);
	spin_unlock(&netdev_lock);
}

static int show_route(struct seq *s, void *arg)
{
	struct net_ns *net = arg;

	seq_puts(
		s,
		"Iface\tDestination\tGateway \tFlags\tRefCnt\tUse\tMetric\tMask\t\tMTU\tWindow\tIRTT\n");
	spin_lock(&net_lock);
	for (unsigned i = 0; i < net->routes_count; i++) {
		const struct inet_route *r = &net->routes[i];
		char name[IFNAMSIZ];
		u32 dst;

		if (r->family != AF_INET)
			continue;
		name_of(net, r->ifindex, name);
		memcpy(&dst, r->dst, 4);
		seq_printf(s, "%s\t%08X\t%08X\t%04X\t0\t0\t0\t%08X\t0\t0\t0\n", name, dst,
			   r->gateway ? ip_2_ip4(&r->gw)->addr : 0, r->gateway ? 3 : 1,
			   r->prefix ? lwip_htonl(~0u << (32 - r->prefix)) : 0);
	}
	spin_unlock(&net_lock);
	return 0;
}

static void put_arp(const struct neighbour *n, void *arg)
{
	char name[IFNAMSIZ], ip[16];
	const u8 *a = n->addr, *h = n->hwaddr;

	if (n->family != AF_INET)
		return;
	name_of(net_cur, n->ifindex, name);
	ksnprintf(ip, sizeof(ip), "%u.%u.%u.%u", a[0], a[1], a[2], a[3]);
	seq_printf(arg, "%-16s 0x%-10x0x%-10x%02x:%02x:%02x:%02x:%02x:%02x     *        %s\n", ip,
		   ARPHRD_ETHER, 2, h[0], h[1], h[2], h[3], h[4], h[5], name);
}

static int show_arp(struct seq *s, void *arg)
{
	seq_puts(s, "IP address       HW type     Flags       "
		    "HW address            Mask     Device\n");
	net_lock_for(arg);
	neighbour_each(put_arp, s);
	spin_unlock(&net_lock);
	return 0;
}

static void put_hex(struct seq *s, const u8 *a)
{
	for (unsigned i = 0; i < 16; i++)
		seq_printf(s, "%02x", a[i]);
}

static int show_route6(struct seq *s, void *arg)
{
	struct net_ns *net = arg;
	static const u8 zero[16];

	spin_lock(&net_lock);
	for (unsigned i = 0; i < net->routes_count; i++) {
		const struct inet_route *r = &net->routes[i];
		char name[IFNAMSIZ];

		if (r->family != AF_INET6)
			continue;
		name_of(net, r->ifindex, name);
		put_hex(s, r->dst);
		seq_printf(s, " %02x ", r->prefix);
		put_hex(s, zero);
		seq_puts(s, " 00 ");
		put_hex(s, r->gateway ? (const u8 *)ip_2_ip6(&r->gw)->addr : zero);
		seq_printf(s, " 00000400 00000001 00000000 %08x %8s\n", r->gateway ? 3 : 1, name);
	}
	spin_unlock(&net_lock);
	return 0;
}

static int show_if_inet6(struct seq *s, void *arg)
{
	struct net_ns *net = arg;
	struct netdev *d;

	spin_lock(&netdev_lock);
	list_for_each(d, &net->devs, node)
		for (unsigned i = 0; i < NETDEV_ADDRS_MAX; i++) {
			const struct netdev_addr *a = &d->addr[i];

			if (a->family != AF_INET6)
				continue;
			put_hex(s, a->addr);
			seq_printf(s, " %02x %02x %02x 80 %8s\n", d->index, a->prefix,
				   a->scope == SCOPE_HOST   ? 0x10
				   : a->scope == SCOPE_LINK ? 0x20
							    : 0,
				   d->name);
		}
	spin_unlock(&netdev_lock);
	return 0;
}

static int show_snmp(struct seq *s, void *arg)
{
	const struct stats_mib2 *m = &lwip_stats.mib2;

	seq_puts(s, "Ip: Forwarding DefaultTTL InReceives InHdrErrors InAddrErrors ForwDatagrams "
		    "InUnknownProtos InDiscards InDelivers OutRequests OutDiscards OutNoRoutes "
		    "ReasmTimeout ReasmReqds ReasmOKs ReasmFails FragOKs FragFails FragCreates\n");
	seq_printf(s, "Ip: 2 64 %u %u %u 0 %u %u %u %u %u %u 0 %u %u %u %u %u %u\n",
		   m->ipinreceives, m->ipinhdrerrors, m->ipinaddrerrors, m->ipinunknownprotos,
		   m->ipindiscards, m->ipindelivers, m->ipoutrequests, m->ipoutdiscards,
		   m->ipoutnoroutes, m->ipreasmreqds, m->ipreasmoks, m->ipreasmfails, m->ipfragoks,
		   m->ipfragfails, m->ipfragcreates);
	seq_puts(s,
		 "Tcp: RtoAlgorithm RtoMin RtoMax MaxConn ActiveOpens PassiveOpens AttemptFails "
		 "EstabResets CurrEstab InSegs OutSegs RetransSegs InErrs OutRsts InCsumErrors\n");
	seq_printf(s, "Tcp: 1 200 120000 -1 %u %u %u %u 0 %u %u %u %u %u 0\n", m->tcpactiveopens,
		   m->tcppassiveopens, m->tcpattemptfails, m->tcpestabresets, m->tcpinsegs,
		   m->tcpoutsegs, m->tcpretranssegs, m->tcpinerrs, m->tcpoutrsts);
	seq_puts(s, "Udp: InDatagrams NoPorts InErrors OutDatagrams RcvbufErrors SndbufErrors "
		    "InCsumErrors IgnoredMulti MemErrors\n");
	seq_printf(s, "Udp: %u %u %u %u 0 0 0 0 0\n", m->udpindatagrams, m->udpnoports,
		   m->udpinerrors, m->udpoutdatagrams);
	return 0;
}

static unsigned count(const struct net_ns *net, int family, int type)
{
	struct inet_sock *k;
	unsigned n = 0;

	list_for_each(k, &inet_all, all_node)
		n += k->s.net == net && k->s.family == family && k->s.type == type;
	return n;
}

struct tally {
	const struct net_ns *net;
	unsigned tw, orphans;
};

static void count_orphan(struct tcp_pcb *p, void *arg)
{
	struct tally *t = arg;

	if (p->x.net != t->net || !tcp_is_orphan(p))
		return;
	t->tw += p->state == TIME_WAIT;
	t->orphans += p->state != TIME_WAIT && p->state != SYN_RCVD;
}

static int show_sockstat(struct seq *s, void *arg)
{
	struct tally t = { .net = arg };

	spin_lock(&net_lock);
	tcp_each(count_orphan, &t);
	seq_printf(s,
		   "sockets: used %u\nTCP: inuse %u orphan %u tw %u alloc %u mem 0\n"
		   "UDP: inuse %u mem 0\nUDPLITE: inuse 0\nRAW: inuse %u\nFRAG: inuse 0 memory 0\n",
		   count(arg, AF_INET, SOCK_STREAM) + count(arg, AF_INET, SOCK_DGRAM),
		   count(arg, AF_INET, SOCK_STREAM), t.orphans, t.tw,
		   count(arg, AF_INET, SOCK_STREAM) + t.orphans, count(arg, AF_INET, SOCK_DGRAM),
		   count(arg, AF_INET, SOCK_RAW));
	spin_unlock(&net_lock);
	return 0;
}

static int show_sockstat6(struct seq *s, void *arg)
{
	spin_lock(&net_lock);
	seq_printf(
		s,
		"TCP6: inuse %u\nUDP6: inuse %u\nUDPLITE6: inuse 0\nRAW6: inuse %u\nFRAG6: inuse 0 memory 0\n",
		count(arg, AF_INET6, SOCK_STREAM), count(arg, AF_INET6, SOCK_DGRAM),
		count(arg, AF_INET6, SOCK_RAW));
	spin_unlock(&net_lock);
	return 0;
}

/* ---- /proc/sys/net: values that are what they are; the others are in net/sysctl.c ---- */

static int show_text(struct seq *s, void *arg)
{
	seq_puts(s, arg);
	return 0;
}

/* tcp_congestion_control: of new sockets. */
static int show_congestion(struct seq *s, void *arg)
{
	seq_puts(s, net_sysctl(net_ns_current(), SYSCTL_TCP_RENO) ? "reno\n" : "cubic\n");
	return 0;
}

static s64 store_congestion(void *arg, char *buf, size_t n)
{
	size_t len = strcspn(buf, " \t\n");
	bool reno = len == 4 && !memcmp(buf, "reno", 4);

	if (!reno && (len != 5 || memcmp(buf, "cubic", 5)))
		return -ENOENT;
	net_sysctl_set(net_ns_current(), SYSCTL_TCP_RENO, reno);
	return (s64)n;
}

#define TEXT(d, f, t)                                           \
	{                                                       \
		"sys/net/" d, f, 0444, { .show = show_text }, t \
	}
static const struct proc_file files[] = {
	TEXT("core", "optmem_max", "131072\n"),
	TEXT("core", "netdev_max_backlog", "1000\n"),
	TEXT("ipv4", "ip_local_reserved_ports", "\n"),
	TEXT("ipv4", "tcp_timestamps", "1\n"),
	TEXT("ipv4", "tcp_sack", "1\n"),
	TEXT("ipv4", "tcp_window_scaling", "1\n"),
	{ "sys/net/ipv4",
	  "tcp_congestion_control",
	  0644,
	  { .show = show_congestion, .store = store_congestion },
	  NULL },
	TEXT("ipv4", "tcp_available_congestion_control", "reno cubic\n"),
	TEXT("ipv4", "tcp_allowed_congestion_control", "reno cubic\n"),
};

void inet_proc_init(void)
{
	proc_net_add("tcp", show_tcp4);
	proc_net_add("tcp6", show_tcp6);
	proc_net_add("udp", show_udp4);
	proc_net_add("udp6", show_udp6);
	proc_net_add("raw", show_raw4);
	proc_net_add("raw6", show_raw6);
	proc_net_add("route", show_route);
	proc_net_add("ipv6_route", show_route6);
	proc_net_add("if_inet6", show_if_inet6);
	proc_net_add("arp", show_arp);
	proc_net_add("snmp", show_snmp);
	proc_net_add("sockstat", show_sockstat);
	proc_net_add("sockstat6", show_sockstat6);
	proc_register_files(files, ARRAY_SIZE(files));
}
