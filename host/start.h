/*
 * start.h - the processes of a sandbox: what whoever owns one (`moat do`, a container's stand-in) starts, in this order:
 * sandbox_prepare, a gofer, the launcher. Each child dies with the process that started it.
 */
#ifndef MOAT_HOST_START_H
#define MOAT_HOST_START_H

#include <stdbool.h>
#include <sys/types.h>

#include "host/gofer/gofer.h"
#include "host/launcher.h"
#include "host/sandbox.h"

#define SANDBOX_CPUS_MAX 64

/* How many CPUs a sandbox gets if nobody says: those that this process may run on (sched_getaffinity(2)), 1 to
 * SANDBOX_CPUS_MAX. */
unsigned sandbox_cpus(void);

/* Make what gofer and launcher share (arena, eventfds), and raise RLIMIT_NOFILE for them (sb->nofile: what it was). Once. */
int sandbox_prepare(struct sandbox *sb, struct error *err);

/* One container's gofer. */
struct gofer_start {
	int root_fd; /* O_PATH directory; stays the caller's */
	bool rw;
	const char *const *hidden; /* names below the root that do not exist inside, or NULL */
	const struct gofer_export *exports; /* besides the root; descriptors stay the caller's */
	unsigned nexports;
	int arena_fd;
	uint64_t arena_size;
	struct gofer_queue queue;
	int dax_fd; /* abi/dax.h, or 0 */
};

/* Its pid, or -1. */
pid_t gofer_start(const struct gofer_start *g, struct error *err);
/* Its pid, or -1. It says over lc->ctl_fd how it went. */
pid_t launcher_start(const struct launcher_config *lc, struct error *err);

#endif
