/*
 * mounts.h - what config.json says about the container's files, as the sandbox's specification: mounts with their options,
 * masked and read-only paths, and how the root is used.
 */
#ifndef MOAT_OCI_MOUNTS_H
#define MOAT_OCI_MOUNTS_H

#include "host/mount_table.h"
#include "oci/config.h"

/*
 * Append all mounts of c to t in order, then its masked and read-only paths. Sources of binds are opened with the caller's
 * rights, relative ones below the directory `bundle`. Strings come from pool or stay the configuration's. 0, or -1 with a
 * line that names mounts[N].
 */
int oci_mounts(const struct oci_config *c, const char *bundle, struct mount_table *t,
	       struct pool *pool, struct error *err);

/*
 * One mount's options, runc's words, into m's flags, propagation and options; what is not known is the file system's own and
 * is collected in m->data. *bind: the options ask for a bind, *recursive: with what is mounted below it. 0, or -1 with
 * *err for what cannot be done at all (idmap).
 */
int oci_mount_options(char *const *options, struct mount_spec *m, bool *bind, bool *recursive,
		      struct pool *pool, struct error *err);

/*
 * How the root is used, into spec: writable, changes go to the bundle's tree as under runc; read-only, mount points are
 * made in memory above it and then nothing can be changed. And the table.
 */
void oci_mounts_spec(const struct oci_config *c, const struct mount_table *t,
		     struct container_spec *spec);

#endif
