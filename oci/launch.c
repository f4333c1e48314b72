/*
 * launch.c - see launch.h. In the stand-in: it becomes the parent of the gofer and, for a sandbox of its own, of the launcher.
 */
#include <errno.h>
#include <signal.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "host/boottree.h"
#include "host/channel.h"
#include "host/images.h"
#include "host/memory.h"
#include "host/printable.h"
#include "host/start.h"
#include "oci/launch.h"
#include "oci/limits.h"
#include "oci/oci.h"
#include "oci/spec.h"

/* Hear from the launcher until a message of this type; a CHAN_FAILED before it is the answer. */
static int await(int chan, uint32_t type, struct chan_msg *m, int *fds, size_t *nfds,
		 struct error *err)
{
	size_t room = nfds ? *nfds : 0;

	for (;;) {
		int got;

		if (nfds)
			*nfds = room;
		got = chan_recv(chan, m, fds, nfds, 0, err);
		if (got == 0)
			return error_set(err, ECONNRESET, "the sandbox ended while it started");
		if (got < 0)
			return -1;
		if (m->type == type)
			return 0;
		if (nfds)
			chan_close_fds(fds, *nfds);
		/* A pod's launcher may be the guest's by now. */
		printable(m->data, m->len, false);
		if (m->type == CHAN_FAILED)
			return error_set(err, (int)(m->a & 4095), "%.*s", (int)m->len,
					 (char *)m->data);
		if (m->type == CHAN_LOG)
			oci_log("debug", "%.*s", (int)m->len, (char *)m->data);
	}
}

static struct gofer_start gofer_of(const struct launch_plan *p, const struct container_spec *spec)
{
	return (struct gofer_start){
		.root_fd = p->root_fd,
		.rw = spec->root_rw,
		.exports = p->mounts->exports,
		.nexports = p->mounts->nexports,
	};
}

static void undo(struct launched *l)
{
	if (l->launcher > 0)
		kill(l->launcher, SIGKILL);
	if (l->gofer > 0)
		kill(l->gofer, SIGKILL);
	if (l->chan >= 0)
		close(l->chan);
}

/* A sandbox of its own: the launcher listens at the container's control.sock from before it seals itself. */
static int launch_sandbox(const struct launch_plan *p, const struct container_spec *spec,
			  struct launched *l, struct error *err)
{
	struct sandbox sb = {
		.platform = p->platform,
		.cpus = cpus_inside(&p->config->linux_.resources),
		.debug = oci_globals.debug,
		.dax = oci_wants_dax(p->config),
		.ram_size = memory_host_total() & ~0x1fffffULL,
		.net.pcap_fd = -1,
	};
	struct launcher_config lc = {
		.sb = &sb,
		.spec = spec,
		.clock_start = &p->clock_start,
		.listen_fd = p->socket,
		.stdio = { 0, 1, 2 },
	};
	struct gofer_start gs = gofer_of(p, spec);
	struct chan_msg m;
	int chan[2];

	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, chan) < 0)
		return error_errno(err, "socketpair");
	l->chan = chan[0];
	lc.ctl_fd = chan[1];
	images_find(&sb);
	if (net_prepare(&sb.net, oci_net_queues(p->config), NULL, NULL, err) < 0 ||
	    sandbox_prepare(&sb, err) < 0)
		goto fail;
	gs.arena_fd = sb.arena_fd;
	gs.arena_size = sb.arena_size;
	gs.queue = (struct gofer_queue){ RING_Q_9P, sb.kick_fd[RING_Q_9P], sb.call_fd[RING_Q_9P] };
	gs.dax_fd = sb.dax_fd[1];
	l->gofer = gofer_start(&gs, err);
	if (l->gofer < 0)
		goto fail;
	l->launcher = launcher_start(&lc, err);
	if (l->launcher < 0)
		goto fail;
	close(chan[1]);
	return await(l->chan, CHAN_CREATED, &m, NULL, NULL, err);
fail:
	close(chan[1]);
	return -1;
}

/* In another container's sandbox: its launcher gives a queue for our gofer, and makes the container once that serves. */
static int launch_joined(const struct launch_plan *p, const struct container_spec *spec,
			 struct launched *l, struct error *err)
{
	struct gofer_start gs = gofer_of(p, spec);
	struct chan_msg m = { .type = CHAN_CREATE, .len = (uint32_t)strlen(p->c->s.id) };
	int fds[4] = { -1, 0, 1, 2 }, queue[4];
	size_t n = 4;

	l->chan = p->socket;
	fds[0] = boottree_memfd(spec, err);
	if (fds[0] < 0)
		return -1;
	memcpy(m.data, p->c->s.id, m.len);
	if (chan_send(l->chan, &m, fds, 4, err) < 0 ||
	    await(l->chan, CHAN_QUEUE, &m, queue, &n, err) < 0) {
		close(fds[0]);
		return -1;
	}
	close(fds[0]);
	if (n != 3 && n != 4) {
		chan_close_fds(queue, n);
		return error_set(err, EPROTO, "the sandbox of '%s' gave %zu descriptors, not 3",
				 p->sandbox, n);
	}
	gs.arena_fd = queue[0];
	gs.arena_size = m.b;
	gs.queue = (struct gofer_queue){ (unsigned)m.a, queue[1], queue[2] };
	gs.dax_fd = n == 4 && oci_wants_dax(p->config) ? queue[3] : 0;
	l->gofer = gofer_start(&gs, err);
	chan_close_fds(queue, n);
	if (l->gofer < 0)
		return -1;
	return await(l->chan, CHAN_CREATED, &m, NULL, NULL, err);
}

int launch(const struct launch_plan *p, struct launched *out, struct error *err)
{
	struct pool pool = POOL_INIT;
	struct container_spec spec;
	int ret;

	*out = (struct launched){ .chan = -1 };
	ret = spec_of_config(p, &spec, &pool, err);
	if (ret == 0)
		ret = p->sandbox ? launch_joined(p, &spec, out, err)
				 : launch_sandbox(p, &spec, out, err);
	if (ret < 0)
		undo(out);
	pool_free(&pool);
	return ret;
}
