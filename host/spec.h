/*
 * spec.h - what a sandbox is to run: the one description that `moat do` fills from its flags (and the OCI commands from
 * config.json), and from which the device tree is built.
 */
#ifndef MOAT_HOST_SPEC_H
#define MOAT_HOST_SPEC_H

#include <stdbool.h>
#include <stddef.h>
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

/* A device node or FIFO that is made in the container. */
struct device_spec {
	const char *path;
	unsigned mode; /* S_IF* too */
	unsigned major, minor;
	uid_t uid;
	gid_t gid;
};

/* A program that runs inside before the container's own. */
struct hook_spec {
	const char *path;
	char **argv, **envp; /* NULL-ended */
	unsigned timeout;    /* seconds; 0: none */
};

struct rlimit_spec {
	int resource; /* RLIMIT_* */
	uint64_t soft, hard;
};

/* Capability sets; see capabilities(7). */
struct cap_sets {
	uint64_t bounding, effective, inheritable, permitted, ambient;
};

/*
 * A container's first process and the container around it; or, for CHAN_EXEC, a process that is put into one: then the
 * container's members (hostname, memory, root, mounts) mean nothing.
 */
struct container_spec {
	const char *id;	     /* what connections call it; NULL: nothing does */
	char **argv, **envp; /* NULL-ended */
	const char *cwd;
	const char *hostname, *domainname;
	unsigned own_namespaces; /* BOOT_NS_* */
	uid_t uid;
	gid_t gid;
	const gid_t *groups; /* supplementary ones */
	unsigned ngroups;
	uint64_t caps;			/* bounding, effective and permitted set at once */
	const struct cap_sets *capsets; /* or each by itself; NULL: caps */
	bool no_new_privs;
	int oom_score_adj;
	int sched_policy, sched_priority, nice; /* sched(7) */
	bool sched_reset;			/* at fork */
	const struct rlimit_spec *rlimits;	/* NULL: the caller's own */
	unsigned nrlimits;
	const void *seccomp; /* a filter as seccomp(2) takes it: struct sock_filter[]; NULL: none */
	size_t seccomp_len;  /* bytes */
	unsigned seccomp_flags; /* as seccomp(2) takes them */
	char **sysctl;		/* "net.core.somaxconn=128", NULL-ended; or NULL */
	bool wait_start;	/* everything is made ready, but runs only at CHAN_START */
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
	uint64_t overlay_used;		 /* bytes that a layer on the host holds at the beginning */
	const struct mount_spec *mounts; /* in order */
	unsigned nmounts;
	const struct device_spec *devices;
	unsigned ndevices;
	const struct hook_spec *hooks; /* in order */
	unsigned nhooks;
	const char *state; /* their standard input; NULL without hooks */
};

#endif
