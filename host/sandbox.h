/*
 * sandbox.h - one sandbox as the launcher sees it: its memory, its queues, and the platform that runs it.
 *
 * The order is fixed: sandbox_prepare (memory, eventfds), boottree_build (device tree into RAM), platform->create
 * (everything that needs privilege or opens something), seal, platform->run. After the seal nothing is opened.
 */
#ifndef MOAT_HOST_SANDBOX_H
#define MOAT_HOST_SANDBOX_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "abi/boot.h"
#include "abi/control.h"
#include "abi/ring.h"
#include "host/net/net.h"

struct error;

struct sandbox {
	const struct platform_ops *platform;
	void *priv; /* the platform's */
	unsigned cpus;
	bool debug;
	bool hints;
	uint8_t trace[64]; /* host/trace_filter.h */

	int ram_fd; /* unlinked file on a tmpfs of our own, or a memfd */
	uint64_t ram_size;
	char *ram;    /* the launcher's mapping */
	int arena_fd; /* sealed memfd */
	uint64_t arena_size;
	char *arena;

	int kick_fd[RING_QUEUES]; /* doorbells: Sentry to host */
	int call_fd[RING_QUEUES]; /* interrupts: host to Sentry */

	bool dax;      /* files are mapped from the host's page cache where they can be */
	int dax_fd[2]; /* if so: the mapper's end of abi/dax.h's socket, the gofers' end */
	char *windows; /* where the launcher maps them, or NULL (windows.h) */
	uint64_t windows_size;

	struct net net;	 /* host/net/net.h */
	uint64_t nofile; /* the caller's soft RLIMIT_NOFILE, the container's too; ours is higher */

	const void *image; /* the Sentry's ELF image for this platform, inside our own binary */
	size_t image_size;
};

/*
 * How a platform runs the Sentry. create: open /dev/kvm, make the VM and its vCPUs, or prepare the Sentry's process;
 * everything is in place but nothing runs. run: start it; the caller then serves the rings on its own thread. A
 * platform reports the end by closing or signalling *exit_fd (readable: the Sentry is gone).
 */
struct platform_ops {
	const char *name;
	bool windows; /* the Sentry can map files of the host (abi/dax.h) */
	/* 0, or -1 with a one-line reason why this host cannot run it. */
	int (*probe)(struct error *err);
	int (*create)(struct sandbox *sb, struct error *err);
	int (*run)(struct sandbox *sb, int *exit_fd, struct error *err);
	/* After exit_fd became readable: 0 for a halt that was asked for, 1 for a crash (record in the arena), 2 else. */
	int (*reap)(struct sandbox *sb, struct error *err);
	/* With --debug, before the end is passed on: one line of counters to stderr. May be NULL. */
	void (*stats)(struct sandbox *sb);
	/* A crash report's part that only the platform knows, to stderr: what the other CPUs were doing. May be NULL. */
	void (*describe)(struct sandbox *sb);
	/* Seccomp entries that this platform's launcher threads need, added to the launcher's allow-list (NULL-ended names). */
	const char *const *syscalls;
};

extern const struct platform_ops platform_kvm;
extern const struct platform_ops platform_systrap;

#endif
