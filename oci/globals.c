/*
 * globals.c - the options before the command, and the log; oci.h.
 */
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <jansson.h>
#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "oci/namespaces.h"
#include "oci/oci.h"

struct oci_globals oci_globals = { .root = "/run/moat", .platform = "auto" };

enum {
	OPT_ROOT = 1,
	OPT_LOG,
	OPT_LOG_FORMAT,
	OPT_DEBUG,
	OPT_SYSTEMD,
	OPT_ROOTLESS,
	OPT_PLATFORM,
	OPT_CGROUPS,
	OPT_IGNORED
};

static const struct option options[] = {
	{ "root", required_argument, NULL, OPT_ROOT },
	{ "log", required_argument, NULL, OPT_LOG },
	{ "log-format", required_argument, NULL, OPT_LOG_FORMAT },
	{ "debug", no_argument, NULL, OPT_DEBUG },
	{ "systemd-cgroup", no_argument, NULL, OPT_SYSTEMD },
	{ "rootless", required_argument, NULL, OPT_ROOTLESS },
	{ "platform", required_argument, NULL, OPT_PLATFORM },
	{ "cgroup-manager", required_argument, NULL, OPT_CGROUPS },
	{ "criu", required_argument, NULL, OPT_IGNORED },
	{ 0 },
};

static int set_cgroup_manager(const char *value, struct error *err)
{
	oci_globals.systemd_cgroup = strcmp(value, "systemd") == 0;
	oci_globals.no_cgroups = strcmp(value, "disabled") == 0;
	if (!oci_globals.systemd_cgroup && !oci_globals.no_cgroups &&
	    strcmp(value, "cgroupfs") != 0)
		return error_set(err, EINVAL,
				 "--cgroup-manager '%s': must be cgroupfs, systemd or disabled",
				 value);
	return 0;
}

static int set_log_format(const char *value, struct error *err)
{
	oci_globals.log_json = strcmp(value, "json") == 0;
	if (!oci_globals.log_json && strcmp(value, "text") != 0)
		return error_set(err, EINVAL, "--log-format '%s': must be text or json", value);
	return 0;
}

/* Without root, also as the root of a user namespace alone, there is no /run/moat: the user's own run directory. */
static void default_root(void)
{
	static char path[PATH_MAX];
	const char *dir = getenv("XDG_RUNTIME_DIR");

	if ((geteuid() != 0 || in_user_namespace()) && dir && *dir == '/') {
		snprintf(path, sizeof(path), "%s/moat", dir);
		oci_globals.root = path;
	}
}

int oci_global_options(int argc, char **argv, struct error *err)
{
	int c;

	default_root();
	opterr = 0;
	optind = 1;
	while ((c = getopt_long(argc, argv, "+:", options, NULL)) != -1) {
		switch (c) {
		case OPT_ROOT: oci_globals.root = optarg; break;
		case OPT_LOG: oci_globals.log = optarg; break;
		case OPT_DEBUG: oci_globals.debug = true; break;
		case OPT_SYSTEMD: oci_globals.systemd_cgroup = true; break;
		case OPT_PLATFORM: oci_globals.platform = optarg; break;
		case OPT_ROOTLESS:
		case OPT_IGNORED: break;
		case OPT_LOG_FORMAT:
			if (set_log_format(optarg, err) < 0)
				return -1;
			break;
		case OPT_CGROUPS:
			if (set_cgroup_manager(optarg, err) < 0)
				return -1;
			break;
		case ':': return error_set(err, EINVAL, "%s needs a value", argv[optind - 1]);
		default:
			return error_set(err, EINVAL, "unknown option %s; 'moat help' lists them",
					 argv[optind - 1]);
		}
	}
	return optind;
}

static void write_line(const char *path, const char *line)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC | O_NOCTTY, 0644);

	if (fd < 0)
		return;
	if (write(fd, line, strlen(line)) < 0)
		fprintf(stderr, "moat: --log %s: %s\n", path, strerror(errno));
	close(fd);
}

/* The file's format is that of logrus, which engines parse. */
static void log_to_file(const char *level, const char *text)
{
	struct timespec ts;
	struct tm tm;
	char when[40], line[1024];
	json_t *o;
	char *json;

	clock_gettime(CLOCK_REALTIME, &ts);
	gmtime_r(&ts.tv_sec, &tm);
	strftime(when, sizeof(when), "%Y-%m-%dT%H:%M:%SZ", &tm);
	if (!oci_globals.log_json) {
		snprintf(line, sizeof(line), "time=\"%s\" level=%s msg=\"%s\"\n", when, level,
			 text);
		write_line(oci_globals.log, line);
		return;
	}
	o = json_pack("{s:s, s:s, s:s}", "level", level, "msg", text, "time", when);
	json = o ? json_dumps(o, JSON_COMPACT) : NULL;
	if (json && (size_t)snprintf(line, sizeof(line), "%s\n", json) < sizeof(line))
		write_line(oci_globals.log, line);
	free(json);
	json_decref(o);
}

void oci_log(const char *level, const char *fmt, ...)
{
	char text[ERROR_MSG_MAX + 64];
	va_list ap;

	if (strcmp(level, "debug") == 0 && !oci_globals.debug)
		return;
	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	if (oci_globals.log)
		log_to_file(level, text);
	if (strcmp(level, "error") == 0 || !oci_globals.log)
		fprintf(stderr, "moat: %s\n", text);
}

void oci_warn(const char *line)
{
	oci_log("warning", "%s", line);
}

int oci_fail(const struct error *err)
{
	oci_log("error", "%s", err->msg);
	return 1;
}
