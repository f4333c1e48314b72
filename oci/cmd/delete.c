/*
 * delete.c - `moat delete`: what is left of a container that ended, or, with --force, of any.
 *
 * Works on whatever a crash left: each step is done if it can be, and a step that was done before is no error.
 */
#include <errno.h>
#include <getopt.h>
#include <string.h>

#include "host/cmd.h"
#include "oci/cgroup.h"
#include "oci/client.h"
#include "oci/hooks.h"

#define KILL_MS 10000

static int remove_cgroups(const struct container *c, struct pool *pool, struct error *err)
{
	struct cgroup g;

	if (cgroup_find(c->s.cgroups, pool, &g, err) < 0)
		return -1;
	if (!g.n)
		return 0;
	/* A frozen process does not die. */
	cgroup_freeze(&g, false, NULL);
	if (cgroup_kill(&g, KILL_MS, err) < 0)
		return -1;
	return cgroup_remove(&g, err);
}

static void poststop_hooks(const struct container *c)
{
	struct pool pool = POOL_INIT;
	struct oci_config config;
	struct error err = { 0 };

	if (client_config(c, &config, &pool, &err) == 0 &&
	    hooks_run(&config, HOOK_POSTSTOP, &c->s, "stopped", 0, &err) < 0)
		oci_log("warning", "%s", err.msg);
	pool_free(&pool);
}

static int delete_container(struct container *c, bool force, struct error *err)
{
	enum container_status s = container_status(c);

	/* What was not started has nothing to lose. */
	if ((s == STATUS_RUNNING || s == STATUS_PAUSED) && !force)
		return error_set(
			err, EBUSY,
			"cannot delete container '%s' that is not stopped: %s; use --force",
			c->s.id, status_name(s));
	container_kill(c, KILL_MS);
	if (remove_cgroups(c, &c->pool, err) < 0)
		return -1;
	poststop_hooks(c);
	return container_remove(c, err);
}

/*
 * Before the lock: whoever holds it may be waiting for a sandbox that will never answer. With the stand-in its pid namespace
 * dies: launcher, gofer, Sentry.
 */
static void kill_first(const char *id)
{
	struct container c;
	struct cgroup g;

	if (container_peek(oci_globals.root, id, &c, NULL) < 0)
		return;
	if (container_status(&c) != STATUS_STOPPED && container_status(&c) != STATUS_CREATING) {
		if (cgroup_find(c.s.cgroups, &c.pool, &g, NULL) == 0)
			cgroup_freeze(&g, false, NULL); /* a frozen process does not die */
		container_kill(&c, KILL_MS);
	}
	container_close(&c);
}

static int run(int argc, char **argv)
{
	static const struct option options[] = { { "force", no_argument, NULL, 'f' }, { 0 } };
	struct error err = { 0 };
	struct container c;
	const char *id;
	bool force = false;
	int o, ret;

	opterr = 0;
	optind = 1;
	while ((o = getopt_long(argc, argv, "+f", options, NULL)) != -1) {
		if (o != 'f') {
			error_set(&err, EINVAL, "delete: unknown option %s", argv[optind - 1]);
			return oci_fail(&err);
		}
		force = true;
	}
	id = operand_id(argc, argv, optind, &err);
	if (!id)
		return oci_fail(&err);
	if (force)
		kill_first(id);
	if (container_open(oci_globals.root, id, &c, &err) < 0)
		return force && err.err == ENOENT ? 0 : oci_fail(&err);
	ret = delete_container(&c, force, &err);
	container_close(&c);
	return ret < 0 ? oci_fail(&err) : 0;
}

const struct command cmd_delete = {
	.name = "delete",
	.usage = "moat delete [--force] ID",
	.summary = "Remove what is left of a container.",
	.help = "  --force  kill it first; no error if there is none\n",
	.run = run,
};
