/*
 * ring.c - 9P over a queue of the arena. Answers that nobody sleeps for bring no interrupt.
 */
#include "fs/p9/p9.h"

static void done(struct ring_request *rr, s32 written)
{
	p9_req_done(container_of(rr, struct p9_req, ring), written);
}

static int submit(struct p9_client *c, struct p9_req *r)
{
	struct ring *ring = c->priv;
	int err;

	r->ring.done = done;
	err = ring_add(ring, &r->ring, r->bufs, r->nout, r->nin);
	if (!err)
		ring_kick(ring);
	return err;
}

static void room(void *arg)
{
	p9_room(arg);
}

static void want(struct p9_client *c, bool on)
{
	ring_want(c->priv, on);
}

static bool ready(struct p9_client *c)
{
	return ring_ready(c->priv);
}

static void reap(struct p9_client *c)
{
	ring_reap(c->priv);
}

static const struct p9_transport ring_transport = {
	.submit = submit,
	.want = want,
	.ready = ready,
	.reap = reap,
};

int p9_ring_connect(struct p9_client *c, unsigned queue)
{
	c->priv = ring_open(queue);
	c->ops = &ring_transport;
	ring_set_room(c->priv, room, c);
	ring_set_on_demand(c->priv);
	return 0;
}
