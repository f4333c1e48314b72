/*
 * pcbs.c - lwIP's lists of TCP connections (guest/net/patches): found by hash, taken out without a search, and out of the
 * ticks' way while nothing happens in them.
 *
 * A connection that counts no ticks is parked: it stays in the hash table but not in tcp_active_pcbs, which lwIP's timers
 * walk. It comes back with its next segment in either direction, or at a tick of its own (keep-alive). So an idle
 * connection costs nothing, however many there are. All under net_lock.
 */
#include "lib/random.h"
#include "lwip/priv/tcp_priv.h"
#include "lwip_hooks.h"
#include "net/lwip/stack.h"
#include "platform/platform.h"

#define BUCKETS	     8192u
#define TIMEWAIT_MAX 32768 /* above it the oldest ends early */

static struct tcp_pcb *table[BUCKETS];
static struct tcp_pcb *tw_last; /* of tcp_tw_pcbs, the oldest */
static unsigned tw_count;
static struct tcp_pcb *parked;		     /* that wait for nothing */
static struct tcp_pcb *due_first, *due_last; /* sorted by x.due */

static u32 bucket(const ip_addr_t *local, u16 lport, const ip_addr_t *remote, u16 rport)
{
	static u32 seed;
	u32 h = (u32)rport << 16 | lport;

	if (!seed)
		seed = (u32)random_u64() | 1;
	h ^= IP_IS_V6(remote) ? ip_2_ip6(remote)->addr[3] * 31 ^ ip_2_ip6(remote)->addr[2]
			      : ip_2_ip4(remote)->addr;
	h = (h ^ seed) * 0x9e3779b1u;
	h ^= h >> 15;
	return (h * 0x85ebca6bu >> 16) % BUCKETS;
}

static void hash_in(struct tcp_pcb *p)
{
	struct tcp_pcb **head =
		&table[bucket(&p->local_ip, p->local_port, &p->remote_ip, p->remote_port)];

	p->x.hash_next = *head;
	p->x.hash_prev = head;
	if (*head)
		(*head)->x.hash_prev = &p->x.hash_next;
	*head = p;
}

static void hash_out(struct tcp_pcb *p)
{
	if (!p->x.hash_prev)
		return;
	*p->x.hash_prev = p->x.hash_next;
	if (p->x.hash_next)
		p->x.hash_next->x.hash_prev = p->x.hash_prev;
	p->x.hash_prev = NULL;
}

static void link_in(struct tcp_pcb **list, struct tcp_pcb *p)
{
	p->prev = NULL;
	p->next = *list;
	if (*list)
		(*list)->prev = p;
	*list = p;
}

static void link_out(struct tcp_pcb **list, struct tcp_pcb *p)
{
	if (p->prev)
		p->prev->next = p->next;
	else
		*list = p->next;
	if (p->next)
		p->next->prev = p->prev;
	p->next = p->prev = NULL;
}

static void end_timewait(struct tcp_pcb *p)
{
	tcp_pcb_remove(&tcp_tw_pcbs, p);
	tcp_free(p);
}

void tcp_list_add(struct tcp_pcb **list, struct tcp_pcb *p)
{
	link_in(list, p);
	if (list != &tcp_active_pcbs && list != &tcp_tw_pcbs)
		return;
	if (list == &tcp_active_pcbs)
		p->x.net = net_cur;
	hash_in(p);
	if (list == &tcp_active_pcbs)
		return;
	if (!tw_last)
		tw_last = p;
	if (++tw_count > TIMEWAIT_MAX)
		end_timewait(tw_last);
}

static void unlink_parked(struct tcp_pcb *p)
{
	if (p->x.due && p == due_last)
		due_last = p->prev;
	link_out(p->x.due ? &due_first : &parked, p);
	p->x.parked = false;
}

void tcp_list_del(struct tcp_pcb **list, struct tcp_pcb *p)
{
	if (list == &tcp_active_pcbs && p->x.parked) {
		unlink_parked(p);
		hash_out(p);
		return;
	}
	if (list == &tcp_tw_pcbs) {
		tw_count--;
		if (p == tw_last)
			tw_last = p->prev;
	}
	link_out(list, p);
	if (list == &tcp_active_pcbs || list == &tcp_tw_pcbs)
		hash_out(p);
}

struct tcp_pcb *tcp_find(const ip_addr_t *local, u16 lport, const ip_addr_t *remote, u16 rport,
			 unsigned netif)
{
	struct tcp_pcb *p = table[bucket(local, lport, remote, rport)];

	for (; p; p = p->x.hash_next)
		if (p->remote_port == rport && p->local_port == lport && p->x.net == net_cur &&
		    ip_addr_cmp(&p->remote_ip, remote) && ip_addr_cmp(&p->local_ip, local) &&
		    (p->netif_idx == NETIF_NO_INDEX || p->netif_idx == netif))
			break;
	if (p)
		tcp_unpark(p);
	return p;
}

void tcp_each(void (*fn)(struct tcp_pcb *p, void *arg), void *arg)
{
	for (unsigned i = 0; i < BUCKETS; i++)
		for (struct tcp_pcb *p = table[i]; p; p = p->x.hash_next)
			fn(p, arg);
}

/* As on Linux: connections keep their addresses, and stay, when an interface loses one. */
void __wrap_tcp_netif_ip_addr_changed(const ip_addr_t *from, const ip_addr_t *to);
void __wrap_tcp_netif_ip_addr_changed(const ip_addr_t *from, const ip_addr_t *to)
{
}

void tcp_end_all(struct net_ns *net)
{
	struct tcp_pcb *p, *next;

	for (unsigned i = 0; i < BUCKETS; i++)
		for (p = table[i]; p; p = next) {
			next = p->x.hash_next;
			if (p->x.net != net)
				continue;
			if (p->state == TIME_WAIT)
				end_timewait(p);
			else
				tcp_abandon(p, 0);
		}
}

static u64 stir(u64 h, u64 more)
{
	h = (h ^ more) * 0x9fb21c651e98df25ULL;
	h ^= h >> 35;
	h *= 0xd6e8feb86659fd93ULL;
	return h ^ h >> 32;
}

u32 tcp_isn(const ip_addr_t *local, u16 lport, const ip_addr_t *remote, u16 rport)
{
	static u64 secret[2];
	const ip_addr_t *both[] = { local, remote };
	u64 h;

	while (!secret[0]) {
		secret[0] = random_u64();
		secret[1] = random_u64();
	}
	h = stir(secret[0], (u64)lport << 16 | rport);
	for (unsigned i = 0; i < 2; i++) {
		const u32 *a = ip_2_ip6(both[i])->addr;

		h = stir(h, IP_IS_V6(both[i]) ? (u64)a[0] << 32 | a[1] : 0) ^ secret[1];
		h = stir(h, IP_IS_V6(both[i]) ? (u64)a[2] << 32 | a[3] : ip_2_ip4(both[i])->addr);
	}
	return (u32)(stir(h, secret[1]) + (clock_mono() >> 6));
}

/* ---- TIME_WAIT: the newest comes first ---- */

#define TIMEWAIT_TICKS (2 * TCP_MSL / TCP_SLOW_INTERVAL)

void tcp_tw_expire(void)
{
	while (tw_last && tcp_ticks - tw_last->tmr > TIMEWAIT_TICKS)
		end_timewait(tw_last);
	/* A FIN that came again has begun its time anew: it goes where the new ones are. */
	if (tw_last && tw_last->prev && tcp_ticks - tw_last->tmr < TIMEWAIT_TICKS / 2 &&
	    tcp_ticks - tw_last->prev->tmr > tcp_ticks - tw_last->tmr) {
		struct tcp_pcb *p = tw_last;

		tcp_list_del(&tcp_tw_pcbs, p);
		tcp_list_add(&tcp_tw_pcbs, p);
	}
}

/* ---- parking ---- */

void pcbs_park(struct tcp_pcb *p, u32 due)
{
	struct tcp_pcb *after = due_last;

	if (!due) {
		link_out(&tcp_active_pcbs, p);
		link_in(&parked, p);
	} else {
		link_out(&tcp_active_pcbs, p);
		while (after && (s32)(after->x.due - due) > 0)
			after = after->prev;
		p->prev = after;
		p->next = after ? after->next : due_first;
		if (p->next)
			p->next->prev = p;
		else
			due_last = p;
		if (after)
			after->next = p;
		else
			due_first = p;
	}
	p->x.due = due;
	p->x.parked = true;
}

void tcp_unpark(struct tcp_pcb *p)
{
	if (!p->x.parked)
		return;
	unlink_parked(p);
	link_in(&tcp_active_pcbs, p);
}

void pcbs_wake_due(u32 tick)
{
	while (due_first && (s32)(due_first->x.due - tick) <= 0)
		tcp_unpark(due_first);
}

bool pcbs_next_due(u32 *ticks)
{
	u32 gone;

	if (!due_first && !tw_last)
		return false;
	*ticks = ~0u;
	if (due_first)
		*ticks = (s32)(due_first->x.due - tcp_ticks) > 1 ? due_first->x.due - tcp_ticks : 1;
	if (tw_last) {
		gone = tcp_ticks - tw_last->tmr;
		*ticks = MIN(*ticks, gone <= TIMEWAIT_TICKS ? TIMEWAIT_TICKS + 1 - gone : 1u);
	}
	return true;
}
