/*
 * cmd_pause.c - `moat pause` and `moat resume`: the host's freezer stops all that is the container, vCPUs included.
 */
#include <errno.h>

#include "host/cmd.h"
#include "oci/cgroup.h"
#include "oci/client.h"

static int freeze(int argc, char **argv, bool pause)
{
	struct error err = { 0 };
	struct container c;
	struct cgroup g;
	const char *id = operand_id(argc, argv, 1, &err);
	int ret;

	if (!id || container_open(oci_globals.root, id, &c, &err) < 0)
		return oci_fail(&err);
	if (container_status(&c) != (pause ? STATUS_RUNNING : STATUS_PAUSED))
		ret = error_set(&err, EINVAL, "container '%s' is %s, not %s", id,
				status_name(container_status(&c)), pause ? "running" : "paused");
	else
		ret = cgroup_find(c.s.cgroups, &c.pool, &g, &err) < 0
			      ? -1
			      : cgroup_freeze(&g, pause, &err);
	if (ret == 0) {
		c.s.paused = pause;
		ret = container_save(&c, &err);
	}
	container_close(&c);
	return ret < 0 ? oci_fail(&err) : 0;
}

static int run_pause(int argc, char **argv)
{
	return freeze(argc, argv, true);
}

static int run_resume(int argc, char **argv)
{
	return freeze(argc, argv, false);
}

const struct command cmd_pause = {
	.name = "pause",
	.usage = "moat pause ID",
	.summary = "Stop all processes of a container for a while.",
	.run = run_pause,
};

const struct command cmd_resume = {
	.name = "resume",
	.usage = "moat resume ID",
	.summary = "Let a paused container go on.",
	.run = run_resume,
};
