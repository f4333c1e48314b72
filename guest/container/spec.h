/*
 * spec.h - what is to run, as the host says it: the node /container of the boot tree, and of the tree that comes with
 * CTL_CREATE and CTL_EXEC (abi/boot.h has the names).
 */
#ifndef MOAT_CONTAINER_SPEC_H
#define MOAT_CONTAINER_SPEC_H

#include "fs/boot.h"
#include "task/sched/sched.h"
#include "task/task.h"

struct spec_device {
	const char *path;
	u32 mode, rdev, uid, gid;
};

struct spec_hook {
	const char *path;
	char **argv, **envp; /* NULL-ended */
	u32 timeout;	     /* seconds; 0: none */
};

struct spec {
	char **argv, **envp; /* NULL-ended */
	char **envp_given;   /* block that envp's strings lie in, if it was replaced (home.c) */
	char *cwd, *hostname, *domainname;
	u32 own_ns;    /* BOOT_NS_* */
	char **sysctl; /* "name=value", NULL-ended */
	u32 uid, gid, umask;
	u32 *groups, ngroups;
	u64 cap_inheritable, cap_permitted, cap_effective, cap_bounding, cap_ambient;
	bool no_new_privs, tty, wait_start;
	void *seccomp;			/* struct bpf_insn[]; NULL: no filter */
	u32 seccomp_len, seccomp_flags; /* instructions; SECCOMP_F_* */
	bool root_rw, root_readonly;
	u32 overlay; /* BOOT_OVERLAY_* */
	u64 overlay_size, overlay_used;
	struct fs_mount *mounts;
	unsigned nmounts;
	struct spec_device *devices;
	unsigned ndevices;
	struct spec_hook *hooks;
	unsigned nhooks;
	char *state; /* standard input of the hooks */
	u16 rows, cols;
	u64 memory_limit, cpu_quota, cpu_period, pids_max;
	int oom_score_adj;
	struct sched_params sched;
	u32 rlimits; /* mask of those that are set */
	struct rlimit rlimit[RLIM_NLIMITS];
};

/* Copies all of it to the heap. ERR_PTR(-EINVAL): no such tree; -ENOMEM. */
struct spec *spec_parse(const void *blob, size_t len);
void spec_free(struct spec *s);

#endif
