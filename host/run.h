/*
 * run.h - run one sandbox from start to end: gofer, launcher, signals, terminal, exit status.
 */
#ifndef MOAT_HOST_RUN_H
#define MOAT_HOST_RUN_H

#include "host/boottree.h"
#include "host/mount_table.h"
#include "host/net/option.h"
#include "host/sandbox.h"
#include "host/spec.h"

struct run_config {
	struct container_spec spec;
	const struct platform_ops *platform;
	struct clock_sample clock_start;
	int root_fd;		   /* O_PATH directory */
	struct mount_table *table; /* what is mounted: spec.mounts are set from it */
	const char *const *hidden; /* names below the root that do not exist inside */
	uint64_t ram_size;
	unsigned cpus;
	bool debug, hints, dax;
	uint8_t trace[64]; /* host/trace_filter.h */
	int listen_fd;	   /* chan_listen's, or -1: nobody can join */
	struct net_options net;
};

/* The exit status for the shell: the program's, 128 + signal, 126/127 when it could not start, 125 for our own failures
 * (a line went to stderr). Nothing is left behind. */
int sandbox_run(struct run_config *cfg);

#endif
