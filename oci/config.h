/*
 * config.h - config.json of the OCI runtime specification 1.2 as C structs: everything in it that means something here.
 * config_fields.c maps the text to them, config_check.c checks what a table cannot say.
 *
 * Names of capabilities, rlimits and system calls stay strings until they are used (names.h). "Not said" is NULL, an
 * opt_* that is not set, or 0, as each member's comment says where it matters.
 */
#ifndef MOAT_OCI_CONFIG_H
#define MOAT_OCI_CONFIG_H

#include "oci/reader.h"

/* What a FIELD_LIST fills, with its items' type. */
#define LIST_OF(type)                       \
	union {                             \
		struct list_of list;        \
		struct {                    \
			struct type *items; \
			size_t n;           \
		};                          \
	}

struct oci_id_map {
	int64_t container, host, size;
};

struct oci_mount {
	char *destination, *type, *source, **options;
	LIST_OF(oci_id_map) uid_map, gid_map;
};

struct oci_rlimit {
	char *type;
	int64_t soft, hard; /* -1: RLIM_INFINITY */
};

struct oci_caps {
	char **bounding, **effective, **inheritable, **permitted, **ambient;
};

struct oci_console {
	int64_t width, height;
};

struct oci_scheduler {
	char *policy, **flags;
	int64_t nice, priority, runtime, deadline, period;
};

struct oci_user {
	int64_t uid, gid;
	struct opt_int umask;
	struct int_list groups;
};

struct oci_process {
	bool terminal, no_new_privileges;
	struct oci_console console;
	struct oci_user user;
	char **args, **env, *cwd;
	struct oci_caps *caps; /* NULL: none said */
	LIST_OF(oci_rlimit) rlimits;
	char *apparmor, *selinux;
	struct opt_int oom_score_adj;
	struct oci_scheduler *scheduler;
};

struct oci_root {
	char *path;
	bool readonly;
};

struct oci_hook {
	char *path, **args, **env;
	struct opt_int timeout; /* seconds */
};

enum oci_hook_kind {
	HOOK_PRESTART, /* deprecated by the specification, used by docker */
	HOOK_CREATE_RUNTIME,
	HOOK_CREATE_CONTAINER,
	HOOK_START_CONTAINER,
	HOOK_POSTSTART,
	HOOK_POSTSTOP,
	HOOK_KINDS,
};

struct oci_hooks {
	LIST_OF(oci_hook) kind[HOOK_KINDS];
};

enum oci_namespace_type {
	OCI_NS_PID,
	OCI_NS_NETWORK,
	OCI_NS_MOUNT,
	OCI_NS_IPC,
	OCI_NS_UTS,
	OCI_NS_USER,
	OCI_NS_CGROUP,
	OCI_NS_TIME,
	OCI_NS_TYPES,
};

struct oci_namespace {
	int type;   /* enum oci_namespace_type */
	char *path; /* NULL: a new one */
};

struct oci_device {
	char *type, *path; /* type: c, u, b, p */
	int64_t major, minor;
	struct opt_int mode, uid, gid;
};

struct oci_device_rule {
	bool allow;
	char *type, *access;
	struct opt_int major, minor;
};

struct oci_memory {
	struct opt_int limit, reservation, swap, kernel, kernel_tcp, swappiness;
	bool disable_oom_killer, use_hierarchy;
	struct opt_bool check_before_update;
};

struct oci_cpu {
	struct opt_int shares, quota, burst, period, realtime_runtime, realtime_period, idle;
	char *cpus, *mems;
};

struct oci_block_io {
	struct opt_int weight, leaf_weight;
};

struct oci_hugepage_limit {
	char *page_size;
	int64_t limit;
};

struct oci_pids {
	struct opt_int limit;
};

struct oci_resources {
	LIST_OF(oci_device_rule) devices;
	struct oci_memory memory;
	struct oci_cpu cpu;
	struct oci_block_io block_io;
	struct oci_pids pids;
	LIST_OF(oci_hugepage_limit) hugepages;
	struct string_map unified;
};

struct oci_seccomp_arg {
	int64_t index, value, value_two;
	char *op;
};

struct oci_seccomp_rule {
	char **names, *action;
	struct opt_int errno_ret;
	LIST_OF(oci_seccomp_arg) args;
};

struct oci_seccomp {
	char *default_action, **architectures, **flags, *listener_path, *listener_metadata;
	struct opt_int default_errno_ret;
	LIST_OF(oci_seccomp_rule) rules;
};

struct oci_personality {
	char *domain;
};

/* Offsets of the clocks of a time namespace. */
struct oci_time_offset {
	int64_t secs, nanosecs;
};

struct oci_time_offsets {
	struct oci_time_offset monotonic, boottime;
};

struct oci_linux {
	LIST_OF(oci_namespace) namespaces;
	LIST_OF(oci_id_map) uid_map, gid_map;
	LIST_OF(oci_device) devices;
	char *cgroups_path, *rootfs_propagation, *mount_label;
	struct oci_resources resources;
	struct oci_seccomp *seccomp;	       /* NULL: none */
	struct oci_personality *personality;   /* NULL: none */
	struct oci_time_offsets *time_offsets; /* NULL: none */
	struct string_map sysctl;
	char **masked_paths, **readonly_paths;
};

struct oci_config {
	char *version;
	struct oci_process *process; /* NULL: a container that is never started */
	struct oci_root *root;
	char *hostname, *domainname;
	LIST_OF(oci_mount) mounts;
	struct oci_hooks hooks;
	struct string_map annotations;
	struct oci_linux linux_;
};

/* Read and check BUNDLE/config.json. 0, or -1 with one line that names the place. */
int oci_config_read(const char *path, struct oci_config *out, struct pool *pool, struct error *err);
/* The same from a text of len bytes that complaints call `name`. */
int oci_config_parse(const char *name, const char *text, size_t len, struct oci_config *out,
		     struct pool *pool, struct error *err);
/* A process alone, as `exec --process FILE` names one. */
int oci_process_read(const char *path, struct oci_process *out, struct pool *pool,
		     struct error *err);
/* linux.resources alone, as `update --resources FILE` names them ("-": standard input). */
int oci_resources_read(const char *path, struct oci_resources *out, struct pool *pool,
		       struct error *err);

/* What tables cannot say. 0, or -1 with one line. */
int oci_config_check(const char *name, const struct oci_config *c, struct error *err);
int oci_process_check(const char *name, const struct oci_process *p, struct error *err);

/* The namespace of that type, or NULL. */
const struct oci_namespace *oci_namespace(const struct oci_config *c, enum oci_namespace_type type);
/* An annotation's value, or NULL. */
const char *oci_annotation(const struct oci_config *c, const char *key);
/* May the container's files be mapped from the host's page cache (docs/dax.md)? */
bool oci_wants_dax(const struct oci_config *c);
/* Pairs of queues of its network device: 1 to NET_PAIRS (abi/net.h). */
unsigned oci_net_queues(const struct oci_config *c);

#endif
