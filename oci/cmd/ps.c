/*
 * ps.c - `moat ps`: a table of the processes inside, or, with --format json, the host's process numbers, which is what
 * engines ask for: the stand-ins of the container and of its execs.
 */
#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "host/cmd.h"
#include "oci/cgroup.h"
#include "oci/client.h"

#define PARTS_MAX 4096 /* messages of a list: more processes than there are numbers for */

/* The text comes from inside the sandbox: only what is printable reaches a terminal. */
static void print_name(const char *name, size_t max)
{
	for (size_t i = 0; i < max && name[i]; i++)
		putchar(name[i] >= ' ' && name[i] != 127 ? name[i] : '?');
	putchar('\n');
}

static int print_table(int fd, struct error *err)
{
	struct chan_msg m = { .type = CHAN_PIDS };
	struct chan_pid p;

	printf("%-8s %-8s %-8s %-10s %s\n", "UID", "PID", "PPID", "TIME", "CMD");
	if (client_ask(fd, &m, NULL, 0, err) < 0)
		return -1;
	for (unsigned parts = 0; parts < PARTS_MAX; parts++) {
		for (uint32_t at = 0; at + sizeof(p) <= m.len; at += sizeof(p)) {
			uint64_t s;

			memcpy(&p, m.data + at, sizeof(p));
			s = p.cpu_ns / 1000000000;
			printf("%-8d %-8d %-8d %02llu:%02llu:%02llu   ", p.uid, p.pid, p.ppid,
			       (unsigned long long)(s / 3600), (unsigned long long)(s / 60 % 60),
			       (unsigned long long)(s % 60));
			print_name(p.name, sizeof(p.name));
		}
		if (m.a != 1)
			return 0;
		if (chan_recv(fd, &m, NULL, NULL, 0, err) <= 0)
			return error_set(err, ECONNRESET, "the sandbox ended");
	}
	return error_set(err, EPROTO, "the sandbox's list of processes does not end");
}

/* Is it one of ours that stands for something inside? Their threads' name says so (standin.c). */
static bool is_standin(int pid)
{
	char path[32], name[32] = "";
	FILE *f;

	snprintf(path, sizeof(path), "/proc/%d/comm", pid);
	f = fopen(path, "re");
	if (f && !fgets(name, sizeof(name), f))
		name[0] = 0;
	if (f)
		fclose(f);
	return strcmp(name, "moat-standin\n") == 0;
}

static void print_host_pids(const struct container *c, struct pool *pool)
{
	struct cgroup g;
	char *list = cgroup_find(c->s.cgroups, pool, &g, NULL) == 0
			     ? cgroup_read(&g, "pids", "cgroup.procs", "cgroup.procs", pool)
			     : NULL;
	int pid, n, printed = 0;

	putchar('[');
	for (; list && sscanf(list, "%d%n", &pid, &n) == 1; list += n)
		if (is_standin(pid))
			printf("%s%d", printed++ ? "," : "", pid);
	if (!printed)
		printf("%lld", (long long)c->s.pid);
	printf("]\n");
}

static int run(int argc, char **argv)
{
	static const struct option options[] = { { "format", required_argument, NULL, 'f' },
						 { 0 } };
	struct error err = { 0 };
	enum container_status s;
	struct container c;
	bool json = false;
	int o, fd, ret = 0;

	opterr = 0;
	optind = 1;
	while ((o = getopt_long(argc, argv, "+f:", options, NULL)) != -1) {
		json = o == 'f' && strcmp(optarg, "json") == 0;
		if (!json && (o != 'f' || strcmp(optarg, "table") != 0)) {
			error_set(&err, EINVAL, "ps: bad option; --format table or json");
			return oci_fail(&err);
		}
	}
	/* What follows the id are options for the host's ps(1), which runc would run. */
	if (optind >= argc) {
		error_set(&err, EINVAL, "ps: needs a container id");
		return oci_fail(&err);
	}
	if (container_open(oci_globals.root, argv[optind], &c, &err) < 0)
		return oci_fail(&err);
	s = container_status(&c);
	if (s == STATUS_STOPPED || s == STATUS_CREATING || (s == STATUS_CREATED && !json)) {
		if (json)
			puts("null");
		else
			ret = error_set(&err, ESRCH, "container '%s' is not running", c.s.id);
	} else if (json) {
		print_host_pids(&c, &c.pool);
	} else {
		container_unlock(&c); /* the answer is the sandbox's */
		fd = client_attach(&c, &err);
		ret = fd < 0 ? -1 : print_table(fd, &err);
		if (fd >= 0)
			close(fd);
	}
	container_close(&c);
	return ret < 0 ? oci_fail(&err) : 0;
}

const struct command cmd_ps = {
	.name = "ps",
	.usage = "moat ps [--format table|json] ID",
	.summary = "List the processes of a container.",
	.run = run,
};
