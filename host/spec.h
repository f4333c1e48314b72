/*
 * spec.h - what a sandbox is to run: the one description that `moat do` fills from its flags (and the OCI commands from
 * config.json), and from which the device tree is built.
 */
#ifndef MOAT_HOST_SPEC_H
#define MOAT_HOST_SPEC_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

/* A line of a container's mount table; see /container/mounts in abi/boot.h for what each member means. */
struct mount_spec {
	const char *
		destination; /* absolute; symbolic links are resolved inside the container's root */
	const char *type, *source;
	const char *data, *attach;   /* or NULL */
	uint64_t flags, propagation; /* MS_* */
	unsigned options;	     /* BOOT_MOUNT_* */
};

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
	uint64_t memory;		 /* limit in bytes */
	uint64_t cpu_quota, cpu_period;	 /* microseconds; quota 0: no limit */
	uint64_t pids_max;		 /* 0: no limit */
	bool root_rw;			 /* changes go to the root itself, not to a memory layer */
	bool root_readonly;		 /* read-only once everything is mounted */
	unsigned overlay;		 /* BOOT_OVERLAY_* */
	uint64_t overlay_size;		 /* bytes; 0: no limit */
	const struct mount_spec *mounts; /* in order */
	unsigned nmounts;
};

#endif
