/*
 * pause.c - `moat pause` and `moat resume`: the host's freezer stops all that is the container, vCPUs included.
 */
#include <errno.h>

#include "host/cmd.h"
#include "oci/cgroup.h"
#include "oci/client.h"

static int freeze(int argc, char **argv, bool pause)
{
	struct error err = { 0 };
	enum container_status s;
	struct container c;
	struct cgroup g;
	uint64_t memory, tasks;
	const char *id = operand_id(argc, argv, 1, &err);
	int ret;

	if (!id || container_open(oci_globals.root, id, &c, &err) < 0)
		return oci_fail(&err);
	s = container_status(&c);
	if (pause ? s != STATUS_RUNNING && s != STATUS_CREATED : s != STATUS_PAUSED)
		ret = error_set(&err, EINVAL, "container '%s' is %s, not %s", id, status_name(s),
				pause ? "running" : "paused");
	else
		ret = cgroup_find(c.s.cgroups, &c.pool, &g, &err) < 0
			      ? -1
			      : cgroup_freeze(&g, pause, &err);
	if (ret == 0) {
		memory = (uint64_t)c.s.later_memory;
		tasks = (uint64_t)c.s.later_pids;
		c.s.paused = pause;
		if (!pause)
			c.s.later_memory = c.s.later_pids = 0;
		ret = container_save(&c, &err);
	}
	if (ret == 0 && !pause) {
		container_unlock(&c); /* the answer is the sandbox's */
		ret = client_limits(&c, memory, tasks, &err);
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
