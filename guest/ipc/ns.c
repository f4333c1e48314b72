/*
 * ns.c - IPC namespaces: the first one, and those that unshare(2) makes (task/ns/ns.h).
 */
#include "ipc/ipc.h"
#include "ipc/mqueue.h"
#include "ipc/msg.h"
#include "ipc/sem.h"
#include "ipc/shm.h"
#include "lib/err.h"
#include "mm/slab.h"
#include "task/ns/ns.h"

static struct ipc_ns first;

static void ns_init(struct ipc_ns *ns)
{
	ref_init(&ns->ref);
	shm_ns_init(ns);
	sem_ns_init(ns);
	msg_ns_init(ns);
	mq_ns_init(ns);
}

struct ipc_ns *ipc_ns_current(void)
{
	struct ipc_ns *ns = ns_object(NS_IPC);

	return ns ? ns : &first;
}

/* One reference; NULL: no memory. */
static struct ipc_ns *ipc_ns_create(void)
{
	struct ipc_ns *ns = kzalloc(sizeof(*ns));

	if (ns)
		ns_init(ns);
	return ns;
}

void ipc_ns_get(struct ipc_ns *ns)
{
	ref_get(&ns->ref);
}

void ipc_ns_put(struct ipc_ns *ns)
{
	if (!ref_put(&ns->ref))
		return;
	shm_ns_exit(ns);
	sem_ns_exit(ns);
	msg_ns_exit(ns);
	mq_ns_exit(ns);
	kfree(ns->shm.slot);
	kfree(ns->sem.slot);
	kfree(ns->msg.slot);
	kfree(ns);
}

static void *create(struct ns_common *n)
{
	struct ipc_ns *ns = ipc_ns_create();

	return ns ? ns : ERR_PTR(-ENOMEM);
}

static void release(void *ns)
{
	ipc_ns_put(ns);
}

void ipc_init(void)
{
	ns_init(&first);
	ns_register(NS_IPC, create, release);
	mq_init();
	ipc_proc_init();
}
