/*
 * events.c - `moat events`: statistics of a container, once or again and again, and a line when its OOM killer struck.
 */
#include <errno.h>
#include <getopt.h>
#include <jansson.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "host/cmd.h"
#include "oci/cgroup.h"
#include "oci/client.h"

static json_int_t number(const struct cgroup *g, const char *controller, const char *v1,
			 const char *v2, struct pool *pool)
{
	char *text = cgroup_read(g, controller, v1, v2, pool);

	return text ? strtoll(text, NULL, 10) : 0;
}

/* Those of the members that engines and their exporters read, as runc's events has them. */
static void print_event(const struct container *c, const char *type, const struct chan_stats *s)
{
	struct pool pool = POOL_INIT;
	struct error err = { 0 };
	struct cgroup g = { 0 };
	json_int_t used, limit;
	json_t *o;

	cgroup_find(c->s.cgroups, &pool, &g, &err);
	used = number(&g, "memory", "memory.usage_in_bytes", "memory.current", &pool);
	limit = number(&g, "memory", "memory.limit_in_bytes", "memory.max", &pool);
	o = json_pack("{s:s, s:s, s:{s:{s:{s:I}}, s:{s:{s:I, s:I}}, s:{s:I}, s:{s:I, s:I, s:I}}}",
		      "type", type, "id", c->s.id, "data", "cpu", "usage", "total",
		      (json_int_t)s->cpu_ns, "memory", "usage", "usage",
		      used ? used : (json_int_t)s->memory_used, "limit", limit, "pids", "current",
		      (json_int_t)s->pids, "sandbox", "memory", (json_int_t)s->memory_used, "limit",
		      (json_int_t)s->memory_limit, "oomKills", (json_int_t)s->oom_kills);
	if (o) {
		json_dumpf(o, stdout, JSON_COMPACT);
		putchar('\n');
		fflush(stdout);
	}
	json_decref(o);
	pool_free(&pool);
}

static int ask(int fd, struct chan_stats *s, struct error *err)
{
	struct chan_msg m = { .type = CHAN_STATS };

	if (client_ask(fd, &m, NULL, 0, err) < 0)
		return -1;
	if (m.len < sizeof(*s))
		return error_set(err, EPROTO, "the sandbox's answer is too short");
	memcpy(s, m.data, sizeof(*s));
	return 0;
}

/* Until the container ends, which is no error. */
static int follow(const struct container *c, int fd, int interval_ms, struct error *err)
{
	struct pollfd p = { fd, POLLIN, 0 };
	uint64_t oom_kills = 0;
	struct chan_stats s;

	for (bool first = true;; first = false) {
		if (ask(fd, &s, err) < 0)
			return err->err == ECONNRESET || err->err == EPIPE ? 0 : -1;
		if (!first && s.oom_kills > oom_kills)
			print_event(c, "oom", &s);
		oom_kills = s.oom_kills;
		print_event(c, "stats", &s);
		if (poll(&p, 1, interval_ms) != 0)
			return 0;
	}
}

/* "5s", "500ms", "1m", as Go writes durations; 0 if it is none. */
static int parse_interval(const char *s)
{
	char *end;
	double v = strtod(s, &end);
	double ms = strcmp(end, "ms") == 0	     ? v
		    : strcmp(end, "s") == 0 || !*end ? v * 1000
		    : strcmp(end, "m") == 0	     ? v * 60000
						     : 0;

	return end != s && ms >= 1 && ms < 1e9 ? (int)ms : 0;
}

static int run(int argc, char **argv)
{
	static const struct option options[] = {
		{ "stats", no_argument, NULL, 's' },
		{ "interval", required_argument, NULL, 'i' },
		{ 0 },
	};
	struct error err = { 0 };
	struct chan_stats stats;
	struct container c;
	const char *id;
	bool once = false;
	int o, fd = -1, interval = 5000, ret;

	opterr = 0;
	optind = 1;
	while ((o = getopt_long(argc, argv, "+", options, NULL)) != -1) {
		if (o == 's') {
			once = true;
		} else if (o != 'i' || !(interval = parse_interval(optarg))) {
			error_set(&err, EINVAL, "events: bad option; --stats, --interval 5s");
			return oci_fail(&err);
		}
	}
	id = operand_id(argc, argv, optind, &err);
	if (!id || container_open(oci_globals.root, id, &c, &err) < 0)
		return oci_fail(&err);
	ret = container_status(&c) == STATUS_RUNNING || container_status(&c) == STATUS_CREATED
		      ? 0
		      : error_set(&err, ESRCH, "container '%s' is not running", id);
	if (ret == 0)
		ret = fd = client_attach(&c, &err);
	/* This may take hours: other commands must not wait for the lock. */
	container_unlock(&c);
	if (ret >= 0 && !once)
		ret = follow(&c, fd, interval, &err);
	else if (ret >= 0 && (ret = ask(fd, &stats, &err)) == 0)
		print_event(&c, "stats", &stats);
	if (fd >= 0)
		close(fd);
	container_close(&c);
	return ret < 0 ? oci_fail(&err) : 0;
}

const struct command cmd_events = {
	.name = "events",
	.usage = "moat events [--stats] [--interval 5s] ID",
	.summary = "Print statistics and out-of-memory events of a container.",
	.help = "  --stats         once, then end\n  --interval TIME  how often (5s)\n",
	.run = run,
};
