/*
 * port.c - who has which port: bind(2)'s rules (SO_REUSEADDR, SO_REUSEPORT), ports for connections.
 *
 * One hash table for each transport by number, so that finding a free port looks at one bucket for each port tried. An
 * entry lives as long as the socket or its connection, TIME_WAIT included. All under net_lock.
 */
#include "lib/random.h"
#include "mm/slab.h"
#include "net/inet/inet.h"
#include "task/task.h"

#define BUCKETS 1024u

static struct list table[PORTS_KINDS][BUCKETS];
/* Connections that came in by a listener's port may be many on one: in lists of their own, for bind(2) alone. */
static struct list incoming[BUCKETS];
static u32 nr_incoming[65536];

struct list *port_bucket(enum inet_proto kind, u16 num)
{
	struct list *l = &table[kind][num % BUCKETS];

	if (!l->next)
		list_init(l);
	return l;
}

static enum inet_proto kind_of(const struct inet_sock *k)
{
	return inet_is_stream(k) ? PORTS_TCP : PORTS_UDP;
}

static bool wild(const struct inet_port *p)
{
	return ip_addr_isany(&p->addr);
}

static bool overlap(const struct inet_port *a, const struct inet_port *b)
{
	if (a->net != b->net || !(a->covers & b->covers))
		return false;
	return wild(a) || wild(b) || ip_addr_cmp(&a->addr, &b->addr);
}

/* Options count as they are now, while there is a socket. */
static bool reuses(const struct inet_port *p)
{
	return p->sk ? sock_opt(&p->sk->s, SOPT_REUSEADDR) : p->reuse;
}

static bool conflict(const struct inet_port *a, const struct inet_port *b)
{
	bool udp = a->kind == PORTS_UDP;

	if (!overlap(a, b))
		return false;
	if (reuses(a) && reuses(b) && (udp || !b->listening))
		return false;
	return !(a->reuseport && b->reuseport && a->uid == b->uid);
}

static struct list *incoming_bucket(u16 num)
{
	struct list *l = &incoming[num % BUCKETS];

	if (!l->next)
		list_init(l);
	return l;
}

/* Has a connection that came in this port? */
static bool incoming_on(const struct net_ns *net, enum inet_proto kind, u16 num)
{
	struct list *l = incoming_bucket(num);
	struct inet_port *p;

	if (kind != PORTS_TCP || !nr_incoming[num])
		return false;
	list_for_each(p, l, node)
		if (p->num == num && p->net == net)
			return true;
	return false;
}

static bool taken(const struct inet_port *want)
{
	struct list *l = port_bucket(want->kind, want->num);
	struct inet_port *p;

	list_for_each(p, l, node)
		if (p != want && p->num == want->num && conflict(want, p))
			return true;
	if (want->kind != PORTS_TCP || !nr_incoming[want->num])
		return false;
	l = incoming_bucket(want->num);
	list_for_each(p, l, node)
		if (p->num == want->num && conflict(want, p))
			return true;
	return false;
}

/* Is nobody at all on this port? */
static bool unused(const struct net_ns *net, enum inet_proto kind, u16 num)
{
	struct list *l = port_bucket(kind, num);
	struct inet_port *p;

	if (incoming_on(net, kind, num))
		return false;
	list_for_each(p, l, node)
		if (p->num == num && p->net == net)
			return false;
	return true;
}

/* Does some connection from this port already go where k wants to go? */
static bool same_tuple(const struct inet_sock *k, u16 num)
{
	struct list *l = port_bucket(kind_of(k), num);
	struct inet_port *p;

	if (incoming_on(k->s.net, kind_of(k), num))
		return true;
	list_for_each(p, l, node) {
		if (p->num != num || p->net != k->s.net)
			continue;
		if (!p->sk || p->sk->state != INET_CONNECTED || p->listening)
			return true;
		if (p->sk->rport == k->rport && ip_addr_cmp(&p->sk->raddr, &k->raddr))
			return true;
	}
	return false;
}

static u8 covers(const struct inet_sock *k)
{
	if (!ip_addr_isany(&k->laddr))
		return IP_IS_V6_VAL(k->laddr) ? COVER_V6 : COVER_V4;
	if (k->s.family == AF_INET)
		return COVER_V4;
	return k->v6only ? COVER_V6 : COVER_V4 | COVER_V6;
}

static struct inet_port *make(struct inet_sock *k)
{
	struct inet_port *p = kzalloc(sizeof(*p));

	if (!p)
		return NULL;
	p->ref = 1;
	p->kind = (u8)kind_of(k);
	p->net = k->s.net;
	p->sk = k;
	p->reuse = sock_opt(&k->s, SOPT_REUSEADDR);
	p->reuseport = sock_opt(&k->s, SOPT_REUSEPORT);
	p->addr = k->laddr;
	p->covers = covers(k);
	p->family = (u8)k->s.family;
	p->uid = task_current() ? task_current()->cred->euid : 0;
	return p;
}

static void publish(struct inet_sock *k, struct inet_port *p)
{
	list_add_tail(port_bucket(p->kind, p->num), &p->node);
	k->port = p;
	k->lport = p->num;
	if (p->kind == PORTS_UDP)
		reuseport_join(k);
}

/* A port of the range for which ok says yes; 0: none. */
static u16 search(struct inet_sock *k, struct inet_port *p,
		  bool (*ok)(struct inet_sock *k, struct inet_port *p, u16 num))
{
	u32 first = (u32)net_sysctl(k->s.net, SYSCTL_PORT_FIRST);
	u32 last = (u32)net_sysctl(k->s.net, SYSCTL_PORT_LAST);
	u32 n = last < first ? 1 : last - first + 1, start = (u32)(random_u64() % n);

	for (u32 i = 0; i < n; i++) {
		u16 num = (u16)(first + (start + i) % n);

		if (ok(k, p, num))
			return num;
	}
	return 0;
}

static bool ok_unused(struct inet_sock *k, struct inet_port *p, u16 num)
{
	return unused(p->net, p->kind, num);
}

static bool ok_bind(struct inet_sock *k, struct inet_port *p, u16 num)
{
	p->num = num;
	return !taken(p);
}

static bool ok_connect(struct inet_sock *k, struct inet_port *p, u16 num)
{
	return !same_tuple(k, num);
}

int port_bind(struct inet_sock *k, u16 num)
{
	struct inet_port *p = make(k);

	if (!p)
		return -ENOMEM;
	p->num = num ? num : search(k, p, ok_unused);
	if (!p->num)
		p->num = search(k, p, ok_bind);
	if (!p->num || (num && taken(p))) {
		kfree(p);
		return -EADDRINUSE;
	}
	publish(k, p);
	return 0;
}

int port_bind_connect(struct inet_sock *k)
{
	struct inet_port *p = make(k);

	if (!p)
		return -ENOMEM;
	p->num = search(k, p, ok_unused);
	if (!p->num)
		p->num = search(k, p, ok_connect);
	if (!p->num) {
		kfree(p);
		return -EADDRNOTAVAIL;
	}
	publish(k, p);
	return 0;
}

int port_listen(struct inet_sock *k)
{
	struct inet_port *p = k->port;

	p->listening = true;
	if (!taken(p))
		return 0;
	p->listening = false;
	return -EADDRINUSE;
}

struct inet_port *port_inherit(struct inet_port *from, const ip_addr_t *laddr)
{
	struct inet_port *p = kmalloc(sizeof(*p));

	if (!p)
		return NULL;
	*p = *from;
	p->ref = 1;
	p->reuse = reuses(from);
	p->sk = NULL;
	p->listening = false;
	p->addr = *laddr;
	p->covers = IP_IS_V6(laddr) ? COVER_V6 : COVER_V4;
	p->inherited = true;
	p->half_open = NULL;
	list_add_tail(incoming_bucket(p->num), &p->node);
	nr_incoming[p->num]++;
	return p;
}

void port_put(struct inet_port *p)
{
	if (--p->ref)
		return;
	list_del(&p->node);
	if (p->inherited)
		nr_incoming[p->num]--;
	kfree(p);
}

void port_release(struct inet_sock *k)
{
	struct inet_port *p = k->port;

	if (!p)
		return;
	reuseport_leave(k);
	k->port = NULL;
	p->reuse = reuses(p);
	p->sk = NULL;
	p->listening = false;
	port_put(p);
}
