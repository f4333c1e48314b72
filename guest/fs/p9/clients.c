/*
 * clients.c - the connections there are: one for each queue that is in use, shared by all mounts of its server's
 * exports, since queues are few (abi/ring.h).
 *
 * p9_clients (mutex, outside every fid_lock) guards the table and counts, and is held while a connection is made.
 */
#include "abi/ring.h"
#include "fs/p9/clients.h"
#include "fs/p9/p9.h"
#include "mm/slab.h"

static struct mutex p9_clients = MUTEX_INIT(p9_clients);
static struct p9_client *by_queue[RING_QUEUES];

static void destroy(struct p9_client *c)
{
	p9_reqs_destroy(c);
	kfree(c->free_fids);
	kfree(c);
}

static struct p9_client *connect(const struct p9_boot *b)
{
	struct p9_client *c = kzalloc(sizeof(*c));
	int err = 0;

	if (!c)
		return ERR_PTR(-ENOMEM);
	c->refs = 1;
	p9_reqs_init(c);
	mutex_init(&c->map_lock);
	if (b->ops) {
		c->ops = b->ops;
		c->priv = b->priv;
	} else {
		c->queue = b->queue;
		err = p9_ring_connect(c, b->queue);
	}
	if (!err)
		err = p9_version(c);
	if (err) {
		destroy(c);
		return ERR_PTR(err);
	}
	return c;
}

struct p9_client *p9_client_get(const struct p9_boot *b)
{
	struct p9_client *c;

	if (!b->ops && b->queue >= RING_QUEUES)
		return ERR_PTR(-EINVAL);
	mutex_lock(&p9_clients);
	c = b->ops ? NULL : by_queue[b->queue];
	if (c) {
		c->refs++;
	} else {
		c = connect(b);
		if (!IS_ERR(c) && !b->ops)
			by_queue[b->queue] = c;
	}
	mutex_unlock(&p9_clients);
	return c;
}

void p9_settle_all(void)
{
	mutex_lock(&p9_clients);
	for (unsigned k = 0; k < RING_QUEUES; k++)
		if (by_queue[k])
			p9_wait_posted(by_queue[k]);
	mutex_unlock(&p9_clients);
}

void p9_client_put(struct p9_client *c)
{
	bool last;

	mutex_lock(&p9_clients);
	last = --c->refs == 0;
	if (last && by_queue[c->queue] == c)
		by_queue[c->queue] = NULL;
	mutex_unlock(&p9_clients);
	if (last)
		destroy(c);
}
