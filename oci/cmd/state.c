/*
 * state.c - `moat state` and `moat list`: what is kept of containers, with what the host says of them now.
 */
#include <errno.h>
#include <getopt.h>
#include <jansson.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "host/cmd.h"
#include "oci/client.h"
#include "oci/hooks.h"

/* The state and, as runc has it, whose it is: `list` knows, `state` leaves it empty. */
static json_t *as_json(const struct container *c, const char *owner)
{
	char *text = state_json(&c->s, status_name(container_status(c)));
	json_t *o = text ? json_loads(text, 0, NULL) : NULL;

	json_object_set_new(o, "owner", json_string(owner));
	free(text);
	return o;
}

static int state(int argc, char **argv)
{
	struct error err = { 0 };
	struct container c;
	const char *id = operand_id(argc, argv, 1, &err);
	json_t *o;

	if (!id || container_peek(oci_globals.root, id, &c, &err) < 0)
		return oci_fail(&err);
	o = as_json(&c, "");
	if (o) {
		json_dumpf(o, stdout, JSON_INDENT(2));
		putchar('\n');
	}
	json_decref(o);
	container_close(&c);
	return o ? 0 : 1;
}

static void row(const struct container *c)
{
	enum container_status s = container_status(c);

	printf("%-20s %-8lld %-10s %-40s %s\n", c->s.id,
	       s == STATUS_STOPPED ? 0LL : (long long)c->s.pid, status_name(s),
	       c->s.bundle ? c->s.bundle : "", c->s.created ? c->s.created : "");
}

enum list_format { LIST_TABLE, LIST_JSON, LIST_QUIET };

static int list_all(enum list_format format, struct error *err)
{
	struct pool pool = POOL_INIT;
	char **ids = container_list(oci_globals.root, &pool, err);
	json_t *all = json_array();

	if (ids && format == LIST_TABLE)
		printf("%-20s %-8s %-10s %-40s %s\n", "ID", "PID", "STATUS", "BUNDLE", "CREATED");
	for (char **id = ids; id && *id; id++) {
		struct container c;

		/* One that is deleted right now is not listed. */
		if (container_peek(oci_globals.root, *id, &c, err) < 0)
			continue;
		if (format == LIST_TABLE)
			row(&c);
		else if (format == LIST_QUIET)
			puts(*id);
		else
			json_array_append_new(all, as_json(&c, "root"));
		container_close(&c);
	}
	if (ids && format == LIST_JSON) {
		if (json_array_size(all))
			json_dumpf(all, stdout, JSON_COMPACT);
		else
			printf("null"); /* as Go prints an empty list */
		putchar('\n');
	}
	json_decref(all);
	pool_free(&pool);
	return ids ? 0 : -1;
}

static int list(int argc, char **argv)
{
	static const struct option options[] = {
		{ "format", required_argument, NULL, 'f' },
		{ "quiet", no_argument, NULL, 'q' },
		{ 0 },
	};
	enum list_format format = LIST_TABLE;
	struct error err = { 0 };
	int c;

	opterr = 0;
	optind = 1;
	while ((c = getopt_long(argc, argv, "+f:q", options, NULL)) != -1) {
		if (c == 'q') {
			format = LIST_QUIET;
		} else if (c == 'f' && strcmp(optarg, "json") == 0) {
			format = LIST_JSON;
		} else if (c != 'f' || strcmp(optarg, "table") != 0) {
			error_set(&err, EINVAL,
				  "list: bad option or format; 'moat help list' tells more");
			return oci_fail(&err);
		}
	}
	if (no_operands(argc, argv, optind, &err) < 0)
		return oci_fail(&err);
	return list_all(format, &err) < 0 ? oci_fail(&err) : 0;
}

const struct command cmd_state = {
	.name = "state",
	.usage = "moat state ID",
	.summary = "Print a container's state as JSON.",
	.run = state,
};

const struct command cmd_list = {
	.name = "list",
	.usage = "moat list [--format table|json] [--quiet]",
	.summary = "List the containers.",
	.run = list,
};
