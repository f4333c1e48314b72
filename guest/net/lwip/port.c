/*
 * port.c - what lwIP asks of the system: memory, the clock, and the lock around it.
 */
#include <string.h>

#include "lib/log.h"
#include "lwip/init.h"
#include "lwip/sys.h"
#include "lwip_hooks.h"
#include "mm/slab.h"
#include "net/lwip/stack.h"
#include "platform/platform.h"

struct spinlock net_lock = SPINLOCK_INIT;
struct net_ns *net_cur = &net_first;
struct list net_all = LIST_INIT(net_all);

void *lwip_malloc(unsigned long n)
{
	return kmalloc(n);
}

void *lwip_calloc(unsigned long n, unsigned long size)
{
	return kzalloc(n * size);
}

void lwip_free(void *p)
{
	kfree(p);
}

u32_t sys_now(void)
{
	return (u32)(clock_mono() / 1000000);
}

static u64 entered_at; /* 0: not asked for yet */

u64 net_now(void)
{
	if (!entered_at)
		entered_at = clock_mono();
	return entered_at;
}

void net_switch_to(struct net_ns *net)
{
	net_cur->netif_list = netif_list;
	net_cur->netif_default = netif_default;
	netif_list = net->netif_list;
	netif_default = net->netif_default;
	net_tables = &net->tables;
	net_cur = net;
}

void net_enter(struct net_ns *net)
{
	net_lock_for(net);
	entered_at = 0;
	loop_begin();
	timers_catch_up();
}

void (*net_after)(void);

void net_leave(void)
{
	void (*after)(void);

	do {
		loop_run();
		device_flush();
	} while (loop_pending()); /* frames between namespaces */
	timers_arm();
	after = net_after;
	net_after = NULL;
	spin_unlock(&net_lock);
	if (unlikely(after))
		after();
}

void stack_init(void)
{
	if (tables_make(&net_first.tables))
		panic("no memory for the tables of the network");
	lwip_init();
	timers_init();
	recovery_init();
	loop_add(&net_first);
	loop_set_up(&net_first, true);
}
