/*
 * standin_root.h - what an engine that enters the stand-in's mount namespace finds there.
 */
#ifndef MOAT_OCI_STANDIN_ROOT_H
#define MOAT_OCI_STANDIN_ROOT_H

#include "oci/config.h"

/*
 * Leave the host's files: the root becomes the container's, at the path rootfs, with the binds of config below it and a /proc
 * of the pid namespace. To be called in a mount namespace of its own; relative sources are below bundle. 0, or -1.
 */
int standin_enter_root(const char *rootfs, const char *bundle, const struct oci_config *config,
		       struct error *err);

#endif
