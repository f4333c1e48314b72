/*
 * create.h - making a container, the work of `create` and `run`.
 */
#ifndef MOAT_OCI_CREATE_H
#define MOAT_OCI_CREATE_H

#include "oci/config.h"
#include "oci/state.h"

struct create_options {
	const char *id;
	const char *bundle;	    /* NULL: the current directory */
	const char *pid_file;	    /* NULL: none */
	const char *console_socket; /* NULL: none */
	bool foreground; /* `run` without --detach: the caller's terminal is the container's */
};

/*
 * After it the container is there, created and not started; c is open and locked, config and its pool belong to the caller.
 * On failure nothing is left of it.
 */
int container_create(const struct create_options *o, struct container *c, struct oci_config *config,
		     struct pool *pool, struct error *err);

/* Write a process number to a file, whole or not at all; NULL: nothing to do. */
int write_pid_file(const char *path, pid_t pid, struct error *err);

#endif
