/*
 * spec.h - what a sandbox is to run: the one description that `moat do` fills from its flags (and the OCI commands from
 * config.json), and from which the device tree is built.
 */
#ifndef MOAT_HOST_SPEC_H
#define MOAT_HOST_SPEC_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

struct container_spec {
	char **argv, **envp; /* NULL-ended */
	const char *cwd;
	const char *hostname;
	uid_t uid;
	gid_t gid;
	uint64_t caps;
	unsigned umask;
	bool tty;
	unsigned short rows, cols;
	uint64_t memory; /* limit in bytes */
	bool root_rw;	 /* changes go to the root itself, not to a memory layer */
};

#endif
