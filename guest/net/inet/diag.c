/*
 * diag.c - TCP, UDP and raw sockets for sock_diag(7), as ss(8) asks for them. A connection that has lost its socket, or has
 * none yet, is listed as Linux does: without an inode.
 *
 * A dump is made whole, under net_lock.
 */
#include <linux/capability.h>
#include <linux/tcp.h>
#include <string.h>

#include "lwip/priv/tcp_priv.h"
#include "net/inet/diag.h"
#include "net/netlink/netlink.h"
#include "task/task.h"

#define IPPROTO_UDPLITE 136
#define FILTER_MAX	1024 /* bytes, run for each socket under net_lock; Linux: 64 KiB */
#define TIMER_NONE	0
#define TIMER_RETRANS	1
#define TIMER_KEEPALIVE 2
#define TIMER_TIMEWAIT	3
#define TICK		(2u * TCP_TMR_INTERVAL) /* ms */

struct walk {
	struct nl_request *r;
	struct inet_diag_req_v2 q;
	u32 protocol;
	const u8 *filter; /* NULL: none */
	u32 filter_len;
	bool all, found;
};

void diag_addr(const struct diag_entry *e, const ip_addr_t *a, u32 out[4])
{
	memset(out, 0, 16);
	if (IP_IS_V6(a)) {
		memcpy(out, ip_2_ip6(a)->addr, 16);
	} else if (e->family == AF_INET) {
		out[0] = ip_2_ip4(a)->addr;
	} else if (!ip_addr_isany(a)) {
		out[2] = lwip_htonl(0xffff);
		out[3] = ip_2_ip4(a)->addr;
	}
}

static bool asked_for(const struct walk *w, const struct diag_entry *e)
{
	u16 sport = lwip_ntohs(w->q.id.idiag_sport), dport = lwip_ntohs(w->q.id.idiag_dport);

	if (e->family != w->q.sdiag_family || !(w->q.idiag_states >> e->state & 1))
		return false;
	if ((sport && sport != e->lport) || (dport && dport != e->rport))
		return false;
	return !w->filter || diag_filter_takes(w->filter, w->filter_len, e);
}

/* The one that a request names: its ports and addresses, and its cookie unless that is all ones. */
static bool named(const struct walk *w, const struct diag_entry *e)
{
	const struct inet_diag_sockid *id = &w->q.id;
	u64 cookie = id->idiag_cookie[0] | (u64)id->idiag_cookie[1] << 32;
	u32 a[4];

	if (e->family != w->q.sdiag_family || lwip_ntohs(id->idiag_sport) != e->lport ||
	    lwip_ntohs(id->idiag_dport) != e->rport)
		return false;
	if (cookie != ~0ULL && (!e->k || e->k->s.cookie != cookie))
		return false;
	diag_addr(e, &e->raddr, a);
	if (memcmp(a, id->idiag_dst, e->family == AF_INET ? 4 : 16))
		return false;
	diag_addr(e, &e->laddr, a);
	return ip_addr_isany(&e->laddr) || !memcmp(a, id->idiag_src, e->family == AF_INET ? 4 : 16);
}

static void put_timer(struct inet_diag_msg *m, const struct tcp_pcb *p)
{
	u32 gone;

	if (!p || p->state == LISTEN)
		return;
	gone = tcp_ticks - p->tmr;
	if (p->state == TIME_WAIT) {
		m->idiag_timer = TIMER_TIMEWAIT;
		m->idiag_expires = 2 * TCP_MSL - MIN(2 * (u32)TCP_MSL, gone * TICK);
	} else if (p->unacked) {
		m->idiag_timer = TIMER_RETRANS;
		m->idiag_retrans = p->nrtx;
		m->idiag_expires = (u32)MAX(p->rto - p->rtime, 0) * TICK;
	} else if (ip_get_option(p, SOF_KEEPALIVE)) {
		m->idiag_timer = TIMER_KEEPALIVE;
		m->idiag_retrans = p->keep_cnt_sent;
		m->idiag_expires = p->keep_idle + p->keep_cnt_sent * p->keep_intvl;
		m->idiag_expires -= MIN(m->idiag_expires, gone * TICK);
	}
}

static bool wants(const struct walk *w, unsigned attr)
{
	return w->q.idiag_ext >> (attr - 1) & 1;
}

static void put_extras(const struct walk *w, const struct diag_entry *e, u64 unread, u64 unsent)
{
	const struct inet_sock *k = e->k;
	struct inet_diag_meminfo mem = { .idiag_rmem = (u32)unread, .idiag_tmem = (u32)unsent };
	struct tcp_info info = { 0 };
	u8 shutdown = k->s.shutdown;

	nl_attr(w->r, INET_DIAG_SHUTDOWN, &shutdown, 1);
	if (wants(w, INET_DIAG_TOS) && e->family == AF_INET)
		nl_attr_u8(w->r, INET_DIAG_TOS, k->tos);
	if (wants(w, INET_DIAG_TCLASS) && e->family == AF_INET6)
		nl_attr_u8(w->r, INET_DIAG_TCLASS, k->tos);
	if (e->family == AF_INET6 && (e->state == 7 || e->state == 10))
		nl_attr_u8(w->r, INET_DIAG_SKV6ONLY, k->v6only);
	if (wants(w, INET_DIAG_MEMINFO))
		nl_attr(w->r, INET_DIAG_MEMINFO, &mem, sizeof(mem));
	if (wants(w, INET_DIAG_SKMEMINFO))
		diag_put_meminfo(w->r, INET_DIAG_SKMEMINFO, &k->s, unread, unsent, k->drops);
	if (net_capable(w->r->from->s.net, CAP_NET_ADMIN))
		nl_attr_u32(w->r, INET_DIAG_MARK, (u32)k->s.mark);
	if (k->s.type == SOCK_RAW)
		nl_attr_u8(w->r, INET_DIAG_PROTOCOL, (u8)k->s.protocol);
	if (!inet_is_stream(k))
		return;
	if (wants(w, INET_DIAG_INFO)) {
		tcp_info_fill(k, &info);
		nl_attr(w->r, INET_DIAG_INFO, &info, sizeof(info));
	}
	if (wants(w, INET_DIAG_CONG))
		nl_attr_str(w->r, INET_DIAG_CONG, k->reno ? "reno" : "cubic");
}

static void put(struct walk *w, const struct diag_entry *e)
{
	const struct inet_sock *k = e->k;
	struct inet_diag_msg *m = nl_begin(w->r, w->r->h->nlmsg_type, sizeof(*m), w->all);
	u64 unread = 0, unsent = 0;

	if (!m)
		return;
	m->idiag_family = e->family;
	m->idiag_state = e->state;
	m->id.idiag_sport = lwip_htons(e->lport);
	m->id.idiag_dport = lwip_htons(e->rport);
	diag_addr(e, &e->laddr, m->id.idiag_src);
	diag_addr(e, &e->raddr, m->id.idiag_dst);
	m->id.idiag_if = (u32)e->ifindex;
	m->idiag_uid = e->uid;
	put_timer(m, e->pcb);
	if (k) {
		bool listens = k->state == INET_LISTENING;

		m->id.idiag_cookie[0] = (u32)k->s.cookie;
		m->id.idiag_cookie[1] = (u32)(k->s.cookie >> 32);
		m->idiag_inode = (u32)sock_ino(&k->s);
		unread = inet_is_stream(k) ? k->rx_bytes : k->rxq_bytes;
		unsent = inet_is_stream(k) ? tcp_queued(k) : 0;
		m->idiag_rqueue = listens ? k->nr_accept : (u32)unread;
		m->idiag_wqueue = listens ? k->backlog : (u32)unsent;
		put_extras(w, e, unread, unsent);
	}
	nl_end(w->r);
}

static void visit(struct walk *w, const struct diag_entry *e)
{
	if (w->all ? !asked_for(w, e) : w->found || !named(w, e))
		return;
	w->found = true;
	put(w, e);
}

static bool right_kind(const struct walk *w, const struct inet_sock *k)
{
	switch (w->protocol) {
	case IP_PROTO_TCP: return inet_is_stream(k);
	case IP_PROTO_UDP: return k->s.ops == &udp_ops;
	default: return k->s.type == SOCK_RAW;
	}
}

static void visit_socket(struct walk *w, const struct inet_sock *k)
{
	struct diag_entry e = {
		.k = k,
		.family = (u8)k->s.family,
		.laddr = k->laddr,
		.raddr = k->raddr,
		.lport = k->s.type == SOCK_RAW ? (u16)k->s.protocol : k->lport,
		.rport = k->rport,
		.ifindex = k->ifindex,
		.uid = k->port ? k->port->uid : 0,
		.mark = (u32)k->s.mark,
		.autobound = !k->bound,
	};

	if (inet_is_stream(k)) {
		e.pcb = k->pcb;
		e.state = tcp_sk_state(k);
		if (e.state == 7) /* in no table of Linux's */
			return;
	} else {
		e.state = k->state == INET_CONNECTED ? 1 : 7;
		if (!e.lport)
			return;
	}
	if (k->state != INET_CONNECTED && k->state != INET_CONNECTING) {
		ip_addr_set_any(IP_IS_V6_VAL(e.laddr), &e.raddr);
		e.rport = 0;
	}
	visit(w, &e);
}

/* A connection whose socket is closed, or that nobody has accepted yet. */
static void visit_pcb(struct tcp_pcb *p, void *arg)
{
	struct walk *w = arg;
	const struct inet_port *port = tcp_port(p);
	struct diag_entry e = {
		.pcb = p,
		.family = (u8)tcp_family(p),
		.state = tcp_linux_state(p),
		.laddr = p->local_ip,
		.raddr = p->remote_ip,
		.lport = p->local_port,
		.rport = p->remote_port,
		.uid = port ? port->uid : 0,
		.autobound = true,
	};

	if (p->x.net == w->r->from->s.net && tcp_is_orphan(p))
		visit(w, &e);
}

int inet_diag_request(struct nl_request *r, bool all)
{
	struct walk w = { .r = r, .all = all };
	const struct inet_sock *k;
	const void *v;
	u32 len;

	if (r->len < sizeof(w.q))
		return -EINVAL;
	memcpy(&w.q, r->body, sizeof(w.q));
	w.protocol = w.q.sdiag_protocol;
	v = nl_find(r, sizeof(w.q), INET_DIAG_REQ_PROTOCOL, &len);
	if (v && len == sizeof(u32))
		memcpy(&w.protocol, v, sizeof(u32));
	if (w.protocol == IPPROTO_UDPLITE) /* there are none */
		return all ? 0 : -ENOENT;
	if (w.protocol != IP_PROTO_TCP && w.protocol != IP_PROTO_UDP && w.protocol != 255)
		return -ENOENT;
	w.filter = all ? nl_find(r, sizeof(w.q), INET_DIAG_REQ_BYTECODE, &w.filter_len) : NULL;
	if (w.filter && w.filter_len > FILTER_MAX)
		return -EINVAL;
	spin_lock(&net_lock);
	list_for_each(k, &inet_all, all_node)
		if (k->s.net == r->from->s.net && right_kind(&w, k))
			visit_socket(&w, k);
	if (w.protocol == IP_PROTO_TCP)
		tcp_each(visit_pcb, &w);
	spin_unlock(&net_lock);
	return all || w.found ? 0 : -ENOENT;
}
