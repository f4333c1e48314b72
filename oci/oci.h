/*
 * oci.h - the OCI command line: global options, the log that engines read, and the commands.
 *
 * An engine runs `moat [GLOBAL OPTIONS] COMMAND [OPTIONS] ID`, with the options of runc. A command that fails says why in one
 * line on stderr and, with --log, as the last entry of that file: what docker and podman show to the user.
 */
#ifndef MOAT_OCI_OCI_H
#define MOAT_OCI_OCI_H

#include <stdbool.h>
#include <stddef.h>

#include "host/error.h"

struct oci_globals {
	const char *root;     /* directory of containers' states */
	const char *log;      /* file, or NULL */
	bool log_json, debug; /* --log-format json; --debug */
	bool systemd_cgroup;
	bool no_cgroups;      /* --cgroup-manager disabled */
	const char *platform; /* auto, kvm, systrap */
};

extern struct oci_globals oci_globals;

/*
 * Take the global options at argv[1..] into oci_globals. Returns the index of the first word that is none (the command's
 * name), or -1 with a line in err.
 */
int oci_global_options(int argc, char **argv, struct error *err);

/* One line to the log and, if it is an error, to stderr. level: "error", "warning", "info", "debug". */
void oci_log(const char *level, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
/* The end of a command that failed: logs err, returns the exit status 1 (runc's). */
int oci_fail(const struct error *err);
/* For cgroup_limit and its kind. */
void oci_warn(const char *line);

#endif
