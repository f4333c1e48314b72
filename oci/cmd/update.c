/*
 * update.c - `moat update`: new limits for a running container, on the host's cgroups and inside.
 */
#include <errno.h>
#include <getopt.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "abi/control.h"
#include "host/cmd.h"
#include "oci/cgroup.h"
#include "oci/client.h"
#include "oci/limits.h"

/* A flag that sets a number of linux.resources, or one that is a string. */
static const struct number_flag {
	const char *name;
	size_t offset;
} numbers[] = {
	{ "memory", offsetof(struct oci_resources, memory.limit) },
	{ "memory-reservation", offsetof(struct oci_resources, memory.reservation) },
	{ "memory-swap", offsetof(struct oci_resources, memory.swap) },
	{ "kernel-memory", offsetof(struct oci_resources, memory.kernel) },
	{ "kernel-memory-tcp", offsetof(struct oci_resources, memory.kernel_tcp) },
	{ "cpu-share", offsetof(struct oci_resources, cpu.shares) },
	{ "cpu-quota", offsetof(struct oci_resources, cpu.quota) },
	{ "cpu-burst", offsetof(struct oci_resources, cpu.burst) },
	{ "cpu-period", offsetof(struct oci_resources, cpu.period) },
	{ "cpu-rt-period", offsetof(struct oci_resources, cpu.realtime_period) },
	{ "cpu-rt-runtime", offsetof(struct oci_resources, cpu.realtime_runtime) },
	{ "cpu-idle", offsetof(struct oci_resources, cpu.idle) },
	{ "pids-limit", offsetof(struct oci_resources, pids.limit) },
	{ "blkio-weight", offsetof(struct oci_resources, block_io.weight) },
};
#define NUMBERS (sizeof(numbers) / sizeof(*numbers))

enum { OPT_RESOURCES = 1000, OPT_CPUS, OPT_MEMS, OPT_IGNORED };

static int set_number(struct oci_resources *r, const struct number_flag *f, const char *value,
		      struct error *err)
{
	struct opt_int *to = (struct opt_int *)((char *)r + f->offset);
	char *end;

	errno = 0;
	*to = (struct opt_int){ true, strtoll(value, &end, 10) };
	if (errno || end == value || *end)
		return error_set(err, EINVAL, "update: --%s '%.40s': is no number", f->name, value);
	return 0;
}

static int parse(int argc, char **argv, struct oci_resources *r, struct pool *pool,
		 struct error *err)
{
	struct option options[NUMBERS + 6] = { 0 };
	size_t n = 0;
	int o;

	for (; n < NUMBERS; n++)
		options[n] =
			(struct option){ numbers[n].name, required_argument, NULL, (int)n + 1 };
	options[n++] = (struct option){ "resources", required_argument, NULL, OPT_RESOURCES };
	options[n++] = (struct option){ "cpuset-cpus", required_argument, NULL, OPT_CPUS };
	options[n++] = (struct option){ "cpuset-mems", required_argument, NULL, OPT_MEMS };
	options[n++] = (struct option){ "l3-cache-schema", required_argument, NULL, OPT_IGNORED };
	options[n++] = (struct option){ "mem-bw-schema", required_argument, NULL, OPT_IGNORED };
	*r = (struct oci_resources){ 0 };
	opterr = 0;
	optind = 1;
	while ((o = getopt_long(argc, argv, "+r:", options, NULL)) != -1) {
		if (o == OPT_RESOURCES || o == 'r') {
			if (oci_resources_read(optarg, r, pool, err) < 0)
				return -1;
		} else if (o == OPT_CPUS) {
			r->cpu.cpus = optarg;
		} else if (o == OPT_MEMS) {
			r->cpu.mems = optarg;
		} else if (o >= 1 && o <= (int)NUMBERS) {
			if (set_number(r, &numbers[o - 1], optarg, err) < 0)
				return -1;
		} else if (o != OPT_IGNORED) {
			return error_set(err, EINVAL, "update: unknown option %s",
					 argv[optind - 1]);
		}
	}
	return 0;
}

/* Inside, the Sentry keeps the limit: it reclaims and kills within it, before the host's would. A frozen one hears it later. */
static int tell_sandbox(struct container *c, const struct oci_resources *r, struct error *err)
{
	uint64_t memory = LIMIT_SAME, tasks = LIMIT_SAME;

	if (r->memory.limit.set && r->memory.limit.value)
		memory = r->memory.limit.value > 0 ? memory_inside(r) : LIMIT_NONE;
	if (r->pids.limit.set && r->pids.limit.value)
		tasks = r->pids.limit.value > 0 ? (uint64_t)r->pids.limit.value : LIMIT_NONE;
	if (container_status(c) == STATUS_PAUSED) {
		if (memory != LIMIT_SAME)
			c->s.later_memory = (int64_t)memory;
		if (tasks != LIMIT_SAME)
			c->s.later_pids = (int64_t)tasks;
		return container_save(c, err);
	}
	container_unlock(c); /* the answer is the sandbox's */
	return client_limits(c, memory, tasks, err);
}

static int update(struct container *c, const struct oci_resources *r, struct error *err)
{
	struct cgroup g;

	if (container_status(c) == STATUS_STOPPED)
		return error_set(err, ESRCH, "container '%s' is stopped", c->s.id);
	if (cgroup_find(c->s.cgroups, &c->pool, &g, err) < 0 ||
	    cgroup_limit(&g, r, PIDS_OF_OURS, oci_warn, err) < 0)
		return -1;
	return tell_sandbox(c, r, err);
}

static int run(int argc, char **argv)
{
	struct pool pool = POOL_INIT;
	struct error err = { 0 };
	struct oci_resources r;
	struct container c;
	const char *id;
	int ret = 1;

	if (parse(argc, argv, &r, &pool, &err) < 0 ||
	    !(id = operand_id(argc, argv, optind, &err)) ||
	    container_open(oci_globals.root, id, &c, &err) < 0) {
		oci_fail(&err);
	} else {
		ret = update(&c, &r, &err) < 0 ? oci_fail(&err) : 0;
		container_close(&c);
	}
	pool_free(&pool);
	return ret;
}

const struct command cmd_update = {
	.name = "update",
	.usage = "moat update [--resources FILE|-] [LIMIT...] ID",
	.summary = "Change the limits of a container.",
	.help = "  --resources FILE  linux.resources as in config.json; - is standard input\n"
		"  --memory BYTES  --memory-reservation BYTES  --memory-swap BYTES\n"
		"  --cpu-share N  --cpu-quota US  --cpu-period US  --cpuset-cpus LIST  --cpuset-mems LIST\n"
		"  --pids-limit N  --blkio-weight N\n",
	.run = run,
};
