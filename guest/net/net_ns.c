/*
 * net_ns.c - making and ending network namespaces (net_ns.h).
 */
#include "lib/err.h"
#include "mm/slab.h"
#include "net/inet/inet.h"
#include "net/lwip/stack.h"
#include "net/veth.h"
#include "task/task.h"
#include "task/ns/userns.h"

struct net_ns net_first;

struct net_ns *net_ns_current(void)
{
	struct net_ns *n = ns_object(NS_NET);

	return n ? n : &net_first;
}

void net_ns_get(struct net_ns *n)
{
	if (unlikely(n != &net_first))
		ns_get(n->common);
}

void net_ns_put(struct net_ns *n)
{
	if (unlikely(n != &net_first))
		ns_put(n->common);
}

bool net_capable(const struct net_ns *n, int cap)
{
	return ns_capable(ns_owner(n->common), cap);
}

static void *create(struct ns_common *common)
{
	struct net_ns *n = kzalloc(sizeof(*n));

	if (!n)
		return ERR_PTR(-ENOMEM);
	if (tables_make(&n->tables)) {
		kfree(n);
		return ERR_PTR(-ENOMEM);
	}
	n->common = common;
	net_sysctl_defaults(n);
	netdev_ns_init(n);
	loop_add(n);
	return n;
}

/* There is no socket of it any more; connections without one may be. */
static void destroy(struct net_ns *n)
{
	net_enter(n);
	tcp_end_all(n);
	tables_purge();
	loop_remove(n);
	net_leave();
	tables_free(&n->tables);
	kfree(n);
}

/*
 * Interfaces that lead elsewhere go under netdev_mutex, which sleeps; the last reference may go where nobody may sleep. So a
 * thread ends such namespaces, and it is there as soon as there is such an interface.
 */
static struct {
	struct spinlock lock;
	struct net_ns *first;
	struct waitq q;
	bool started; /* under netdev_mutex */
} dying = { .lock = SPINLOCK_INIT, .q = WAITQ_INIT(dying.q) };

static struct net_ns *take_dying(void)
{
	struct net_ns *n;

	spin_lock(&dying.lock);
	n = dying.first;
	if (n)
		dying.first = n->next_dying;
	spin_unlock(&dying.lock);
	return n;
}

static void reaper(void *arg)
{
	struct net_ns *n;

	for (;;) {
		(void)wait_event(&dying.q, SLEEP_UNINTERRUPTIBLE, NO_DEADLINE,
				 READ_ONCE(dying.first));
		while ((n = take_dying())) {
			veth_end_all(n);
			destroy(n);
		}
	}
}

int net_ns_start_reaper(void)
{
	if (!dying.started && IS_ERR(kthread_start("netns", reaper, NULL)))
		return -ENOMEM;
	dying.started = true;
	return 0;
}

static void release(void *object)
{
	struct net_ns *n = object;

	if (n->devs.prev == &n->lo.node) {
		destroy(n);
		return;
	}
	spin_lock(&dying.lock);
	n->next_dying = dying.first;
	dying.first = n;
	spin_unlock(&dying.lock);
	waitq_wake_all(&dying.q, 0);
}

void net_ns_init(void)
{
	net_first.common = ns_first(NS_NET);
	net_first.common->object = &net_first;
	net_sysctl_defaults(&net_first);
	net_sysctl_init();
	netdev_ns_init(&net_first);
	ns_register(NS_NET, create, release);
}
