/*
 * mount_table.h - a mount table under construction: its lines (host/spec.h) and what the gofer exports for them.
 */
#ifndef MOAT_HOST_MOUNT_TABLE_H
#define MOAT_HOST_MOUNT_TABLE_H

#include <stdbool.h>
#include <stddef.h>

#include "host/gofer/gofer.h"
#include "host/spec.h"

struct error;

struct mount_table {
	struct mount_spec *mounts;
	unsigned nmounts;
	struct gofer_export *exports; /* descriptors are the table's */
	unsigned nexports;
};

/* Append a line. All strings are borrowed. 0, or -1 with *err (ENOMEM). */
int mount_table_add(struct mount_table *t, const struct mount_spec *m, struct error *err);

/*
 * Open path with the caller's rights as an export, and append the line m with its name: a directory with everything
 * mounted below it if `recursive`, a regular file, or anything else that is only looked at. What cannot be opened for
 * writing is exported read-only. 0, or -1 with *err that names path.
 */
int mount_table_bind(struct mount_table *t, const char *path, bool recursive, struct mount_spec *m,
		     struct error *err);

/*
 * Append m with an export of fd, which becomes the table's: a directory with everything mounted below it if `recursive`, or a
 * file. 0, or -1 with *err: then the sandbox cannot be started.
 */
int mount_table_export(struct mount_table *t, int fd, bool recursive, struct mount_spec *m,
		       struct error *err);

/* What `moat do` mounts for every program: /proc, /sys, /dev and below, /run. */
int mount_table_defaults(struct mount_table *t, struct error *err);

/*
 * `moat do --mount`: type=bind,src=DIR,dst=PATH[,ro] or type=tmpfs,dst=PATH[,size=N][,mode=M]. arg is kept and changed.
 * 0, or -1 with *err.
 */
int mount_table_option(struct mount_table *t, char *arg, struct error *err);

/*
 * `moat do --overlay`: none, memory[:SIZE] or file:DIR[:SIZE], into the spec's members; DIR becomes an export, over the root
 * at root_fd. 0, or -1 with *err.
 */
int mount_table_overlay(struct mount_table *t, const char *arg, struct container_spec *spec,
			int root_fd, struct error *err);

#endif
