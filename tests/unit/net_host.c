/*
 * net_host.c - see net_host.h: what the IP stack asks of the Sentry, on the host.
 */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lwip/priv/raw_priv.h"
#include "lwip_hooks.h"
#include "net/lwip/tap.h"
#include "net/netlink/event.h"
#include "task/time/timer.h"
#include "tests/unit/net_host.h"

u64 unit_now = 1000000000, unit_seed = 88172645463325252ULL;
long unit_live;
unsigned unit_starve;
s64 unit_base_mss = 1024, unit_mtu_probing = 1;

u64 dice(void)
{
	unit_seed ^= unit_seed << 13;
	unit_seed ^= unit_seed >> 7;
	unit_seed ^= unit_seed << 17;
	return unit_seed * 0x2545f4914f6cdd1dULL;
}

u32 below(u32 n)
{
	return (u32)((dice() >> 32) % n);
}

void *kmalloc(size_t n)
{
	if (unit_starve && !below(unit_starve))
		return NULL;
	unit_live++;
	return malloc(n);
}

void *kzalloc(size_t n)
{
	void *p = kmalloc(n);

	return p ? memset(p, 0, n) : NULL;
}

void kfree(void *p)
{
	unit_live -= !!p;
	free(p);
}

u64 clock_mono(void)
{
	return unit_now;
}

u64 random_u64(void)
{
	return dice();
}

void klog(const char *fmt, ...)
{
}

void panic(const char *fmt, ...)
{
	va_list ap;

	fputs("panic: ", stderr);
	va_start(ap, fmt);
	vfprintf(stderr, fmt, ap);
	va_end(ap);
	fputc('\n', stderr);
	abort();
}

void spin_lock_slow(struct spinlock *l)
{
	panic("the lock is held");
}

void spin_unlock_slow(struct spinlock *l)
{
}

static struct {
	struct ktimer *t;
	u64 when;
} timers[8];

void ktimer_init(struct ktimer *t, void (*fn)(struct ktimer *t))
{
	t->fn = fn;
}

void ktimer_start(struct ktimer *t, u64 when)
{
	for (unsigned i = 0; i < 8; i++)
		if (!timers[i].t || timers[i].t == t) {
			timers[i].t = t;
			timers[i].when = when;
			return;
		}
}

u64 unit_next_timer(void)
{
	u64 next = ~0ULL;

	for (unsigned i = 0; i < 8; i++)
		if (timers[i].t && timers[i].when)
			next = MIN(next, timers[i].when);
	return next;
}

void unit_pass(u64 ns)
{
	unit_now += ns;
	for (unsigned i = 0; i < 8; i++)
		if (timers[i].t && timers[i].when && timers[i].when <= unit_now) {
			timers[i].when = 0;
			timers[i].t->fn(timers[i].t);
		}
}

struct spinlock netdev_lock;
static struct ns_common first;
struct net_ns net_first = { .common = &first, .devs = LIST_INIT(net_first.devs) };

int netdev_add(struct net_ns *net, struct netdev *d)
{
	d->net = net;
	d->index = ++net->last_index;
	list_add_tail(&net->devs, &d->node);
	return 0;
}

void netdev_del(struct netdev *d)
{
	list_del(&d->node);
}

void rtnetlink_link_event(const struct netdev *d, bool gone)
{
}

void rtnetlink_addr_event(const struct netdev *d, const struct netdev_addr *a, bool gone)
{
}

void rtnetlink_route_event(struct net_ns *net, const struct inet_route *t, bool gone)
{
}

void group_forget(const struct netif *n)
{
}

/* Somebody listens, and reads every byte of each frame. */
unsigned net_taps = 1;

void net_tap_frame(struct netdev *d, const struct pbuf *p, unsigned flags)
{
	static u8 frame[65536];

	pbuf_copy_partial(p, frame, p->tot_len, 0);
}

void udp_init(void)
{
}

void udp_input(struct pbuf *p, struct netif *n)
{
	pbuf_free(p);
}

/* Paths are soon forgotten, and black holes looked for. */
s64 net_sysctl(const struct net_ns *net, enum net_sysctl which)
{
	switch (which) {
	case SYSCTL_TCP_BASE_MSS: return unit_base_mss;
	case SYSCTL_TCP_MTU_PROBING: return unit_mtu_probing;
	case SYSCTL_MIN_PMTU: return 552;
	default: return 1;
	}
}

raw_input_state_t raw_input(struct pbuf *p, struct netif *n)
{
	return RAW_INPUT_NONE;
}

void udp_netif_ip_addr_changed(const ip_addr_t *a, const ip_addr_t *b)
{
}

void raw_netif_ip_addr_changed(const ip_addr_t *a, const ip_addr_t *b)
{
}

void tcp_urgent_mark(struct tcp_pcb *p, struct tcp_seg *s)
{
}

bool tcp_segment_hook(struct tcp_pcb *pcb, const struct tcp_hdr *h, unsigned optlen,
		      unsigned opt1len, const void *opt2, const struct pbuf *data)
{
	u8 opt[40];

	if (pcb->state == LISTEN)
		return true;
	memcpy(opt, h + 1, opt1len);
	if (opt1len < optlen)
		memcpy(opt + opt1len, opt2, optlen - opt1len);
	recovery_heard(pcb, opt, optlen);
	return true;
}
