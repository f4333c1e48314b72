/*
 * standin_root.h - what an engine that enters the stand-in's mount namespace finds there.
 */
#ifndef MOAT_OCI_STANDIN_ROOT_H
#define MOAT_OCI_STANDIN_ROOT_H

struct error;
struct mount_table;

/*
 * Leave the host's files: the root becomes the container's, at the path rootfs, with the binds of its mount table below it and
 * a /proc of the pid namespace. To be called in a mount namespace of its own. root_fd and the table's exports are what the gofer
 * serves: a path that leads elsewhere by now is not followed. Relative sources are below bundle. 0, or -1.
 */
int standin_enter_root(const char *rootfs, int root_fd, const char *bundle,
		       const struct mount_table *mounts, struct error *err);

#endif
