/*
 * config_fields.c - the tables that map config.json to the structs of config.h, in the order of the specification's chapters:
 * config.md, config-linux.md.
 */
#include "oci/config.h"

#define END       \
	{         \
		0 \
	}

/* A row: JSON name, kind, flags, member. */
#define F(type, name, kind, flags, member)                                         \
	{                                                                          \
		name, kind, flags, offsetof(struct type, member), 0, 0, NULL, NULL \
	}
#define F_INT(type, name, flags, member, min, max)                                          \
	{                                                                                   \
		name, FIELD_INT, flags, offsetof(struct type, member), min, max, NULL, NULL \
	}
#define F_OPT(type, name, member, min, max)                                                 \
	{                                                                                   \
		name, FIELD_OPT_INT, 0, offsetof(struct type, member), min, max, NULL, NULL \
	}
#define F_OBJ(type, name, kind, flags, member, table)                                \
	{                                                                            \
		name, kind, flags, offsetof(struct type, member), 0, 0, NULL, &table \
	}
#define OBJECT(of)                             \
	{                                      \
		sizeof(struct of), of##_fields \
	}

#define U32_MAX 0xffffffffLL
/* uid_t, gid_t; (uid_t)-1 is nobody's. */
#define ID_MAX (U32_MAX - 1)

/* ---- config.md ---- */

/* clang-format off */
static const struct field oci_id_map_fields[] = {
	F_INT(oci_id_map, "containerID", FIELD_REQUIRED, container, 0, ID_MAX),
	F_INT(oci_id_map, "hostID", FIELD_REQUIRED, host, 0, ID_MAX),
	F_INT(oci_id_map, "size", FIELD_REQUIRED, size, 1, U32_MAX),
	END
};
static const struct object id_map = OBJECT(oci_id_map);

static const struct field oci_mount_fields[] = {
	F(oci_mount, "destination", FIELD_STRING, FIELD_REQUIRED | FIELD_NOT_EMPTY, destination),
	F(oci_mount, "type", FIELD_STRING, 0, type),
	F(oci_mount, "source", FIELD_STRING, 0, source),
	F(oci_mount, "options", FIELD_STRINGS, 0, options),
	F_OBJ(oci_mount, "uidMappings", FIELD_LIST, 0, uid_map, id_map),
	F_OBJ(oci_mount, "gidMappings", FIELD_LIST, 0, gid_map, id_map),
	END
};
static const struct object mount_entry = OBJECT(oci_mount);

static const struct field oci_rlimit_fields[] = {
	F(oci_rlimit, "type", FIELD_STRING, FIELD_REQUIRED | FIELD_NOT_EMPTY, type),
	F(oci_rlimit, "soft", FIELD_INT, FIELD_REQUIRED, soft),
	F(oci_rlimit, "hard", FIELD_INT, FIELD_REQUIRED, hard),
	END
};
static const struct object rlimit = OBJECT(oci_rlimit);

static const struct field oci_caps_fields[] = {
	F(oci_caps, "bounding", FIELD_STRINGS, 0, bounding),
	F(oci_caps, "effective", FIELD_STRINGS, 0, effective),
	F(oci_caps, "inheritable", FIELD_STRINGS, 0, inheritable),
	F(oci_caps, "permitted", FIELD_STRINGS, 0, permitted),
	F(oci_caps, "ambient", FIELD_STRINGS, 0, ambient),
	END
};
static const struct object caps = OBJECT(oci_caps);

static const struct field oci_console_fields[] = {
	F_INT(oci_console, "width", 0, width, 0, 0xffff),
	F_INT(oci_console, "height", 0, height, 0, 0xffff),
	END
};
static const struct object console = OBJECT(oci_console);

static const struct field oci_scheduler_fields[] = {
	F(oci_scheduler, "policy", FIELD_STRING, FIELD_REQUIRED, policy),
	F(oci_scheduler, "flags", FIELD_STRINGS, 0, flags),
	F_INT(oci_scheduler, "nice", 0, nice, -20, 19),
	F_INT(oci_scheduler, "priority", 0, priority, 0, 99),
	F(oci_scheduler, "runtime", FIELD_INT, 0, runtime),
	F(oci_scheduler, "deadline", FIELD_INT, 0, deadline),
	F(oci_scheduler, "period", FIELD_INT, 0, period),
	END
};
static const struct object scheduler = OBJECT(oci_scheduler);

static const struct field oci_user_fields[] = {
	F_INT(oci_user, "uid", 0, uid, 0, ID_MAX),
	F_INT(oci_user, "gid", 0, gid, 0, ID_MAX),
	F_OPT(oci_user, "umask", umask, 0, 0777),
	{ "additionalGids", FIELD_INTS, 0, offsetof(struct oci_user, groups), 0, ID_MAX, NULL, NULL },
	END
};
static const struct object user = OBJECT(oci_user);

static const struct field oci_process_fields[] = {
	F(oci_process, "terminal", FIELD_BOOL, 0, terminal),
	F_OBJ(oci_process, "consoleSize", FIELD_OBJECT, 0, console, console),
	F_OBJ(oci_process, "user", FIELD_OBJECT, 0, user, user),
	F(oci_process, "args", FIELD_STRINGS, FIELD_REQUIRED | FIELD_NOT_EMPTY, args),
	F(oci_process, "env", FIELD_STRINGS, 0, env),
	F(oci_process, "cwd", FIELD_STRING, FIELD_REQUIRED | FIELD_ABSOLUTE, cwd),
	F_OBJ(oci_process, "capabilities", FIELD_POINTER, 0, caps, caps),
	F_OBJ(oci_process, "rlimits", FIELD_LIST, 0, rlimits, rlimit),
	F(oci_process, "noNewPrivileges", FIELD_BOOL, 0, no_new_privileges),
	F(oci_process, "apparmorProfile", FIELD_STRING, 0, apparmor),
	F(oci_process, "selinuxLabel", FIELD_STRING, 0, selinux),
	F_OPT(oci_process, "oomScoreAdj", oom_score_adj, -1000, 1000),
	F_OBJ(oci_process, "scheduler", FIELD_POINTER, 0, scheduler, scheduler),
	END
};
static const struct object process = OBJECT(oci_process);

static const struct field oci_root_fields[] = {
	F(oci_root, "path", FIELD_STRING, FIELD_REQUIRED | FIELD_NOT_EMPTY, path),
	F(oci_root, "readonly", FIELD_BOOL, 0, readonly),
	END
};
static const struct object root = OBJECT(oci_root);

static const struct field oci_hook_fields[] = {
	F(oci_hook, "path", FIELD_STRING, FIELD_REQUIRED | FIELD_ABSOLUTE, path),
	F(oci_hook, "args", FIELD_STRINGS, 0, args),
	F(oci_hook, "env", FIELD_STRINGS, 0, env),
	F_OPT(oci_hook, "timeout", timeout, 1, U32_MAX),
	END
};
static const struct object hook = OBJECT(oci_hook);

static const struct field oci_hooks_fields[] = {
	F_OBJ(oci_hooks, "prestart", FIELD_LIST, 0, kind[HOOK_PRESTART], hook),
	F_OBJ(oci_hooks, "createRuntime", FIELD_LIST, 0, kind[HOOK_CREATE_RUNTIME], hook),
	F_OBJ(oci_hooks, "createContainer", FIELD_LIST, 0, kind[HOOK_CREATE_CONTAINER], hook),
	F_OBJ(oci_hooks, "startContainer", FIELD_LIST, 0, kind[HOOK_START_CONTAINER], hook),
	F_OBJ(oci_hooks, "poststart", FIELD_LIST, 0, kind[HOOK_POSTSTART], hook),
	F_OBJ(oci_hooks, "poststop", FIELD_LIST, 0, kind[HOOK_POSTSTOP], hook),
	END
};
static const struct object hooks = OBJECT(oci_hooks);

/* ---- config-linux.md ---- */

static const char *const namespace_names[OCI_NS_TYPES + 1] = {
	[OCI_NS_PID] = "pid", [OCI_NS_NETWORK] = "network", [OCI_NS_MOUNT] = "mount", [OCI_NS_IPC] = "ipc",
	[OCI_NS_UTS] = "uts", [OCI_NS_USER] = "user", [OCI_NS_CGROUP] = "cgroup", [OCI_NS_TIME] = "time",
};

static const struct field oci_namespace_fields[] = {
	{ "type", FIELD_ENUM, FIELD_REQUIRED, offsetof(struct oci_namespace, type), 0, 0, namespace_names, NULL },
	F(oci_namespace, "path", FIELD_STRING, FIELD_ABSOLUTE, path),
	END
};
static const struct object namespace_entry = OBJECT(oci_namespace);

static const struct field oci_device_fields[] = {
	F(oci_device, "type", FIELD_STRING, FIELD_REQUIRED | FIELD_NOT_EMPTY, type),
	F(oci_device, "path", FIELD_STRING, FIELD_REQUIRED | FIELD_ABSOLUTE, path),
	F(oci_device, "major", FIELD_INT, 0, major),
	F(oci_device, "minor", FIELD_INT, 0, minor),
	F_OPT(oci_device, "fileMode", mode, 0, 0177777),
	F_OPT(oci_device, "uid", uid, 0, ID_MAX),
	F_OPT(oci_device, "gid", gid, 0, ID_MAX),
	END
};
static const struct object device = OBJECT(oci_device);

static const struct field oci_device_rule_fields[] = {
	F(oci_device_rule, "allow", FIELD_BOOL, FIELD_REQUIRED, allow),
	F(oci_device_rule, "type", FIELD_STRING, 0, type),
	F(oci_device_rule, "access", FIELD_STRING, 0, access),
	F(oci_device_rule, "major", FIELD_OPT_INT, 0, major),
	F(oci_device_rule, "minor", FIELD_OPT_INT, 0, minor),
	END
};
static const struct object device_rule = OBJECT(oci_device_rule);

static const struct field oci_memory_fields[] = {
	F(oci_memory, "limit", FIELD_OPT_INT, 0, limit),
	F(oci_memory, "reservation", FIELD_OPT_INT, 0, reservation),
	F(oci_memory, "swap", FIELD_OPT_INT, 0, swap),
	F(oci_memory, "kernel", FIELD_OPT_INT, 0, kernel),
	F(oci_memory, "kernelTCP", FIELD_OPT_INT, 0, kernel_tcp),
	F(oci_memory, "swappiness", FIELD_OPT_INT, 0, swappiness),
	F(oci_memory, "disableOOMKiller", FIELD_BOOL, 0, disable_oom_killer),
	F(oci_memory, "useHierarchy", FIELD_BOOL, 0, use_hierarchy),
	F(oci_memory, "checkBeforeUpdate", FIELD_OPT_BOOL, 0, check_before_update),
	END
};
static const struct object memory = OBJECT(oci_memory);

static const struct field oci_cpu_fields[] = {
	F(oci_cpu, "shares", FIELD_OPT_INT, 0, shares),
	F(oci_cpu, "quota", FIELD_OPT_INT, 0, quota),
	F(oci_cpu, "burst", FIELD_OPT_INT, 0, burst),
	F(oci_cpu, "period", FIELD_OPT_INT, 0, period),
	F(oci_cpu, "realtimeRuntime", FIELD_OPT_INT, 0, realtime_runtime),
	F(oci_cpu, "realtimePeriod", FIELD_OPT_INT, 0, realtime_period),
	F(oci_cpu, "idle", FIELD_OPT_INT, 0, idle),
	F(oci_cpu, "cpus", FIELD_STRING, 0, cpus),
	F(oci_cpu, "mems", FIELD_STRING, 0, mems),
	END
};
static const struct object cpu = OBJECT(oci_cpu);

static const struct field oci_block_io_fields[] = {
	F(oci_block_io, "weight", FIELD_OPT_INT, 0, weight),
	F(oci_block_io, "leafWeight", FIELD_OPT_INT, 0, leaf_weight),
	END
};
static const struct object block_io = OBJECT(oci_block_io);

static const struct field oci_pids_fields[] = {
	F(oci_pids, "limit", FIELD_OPT_INT, 0, limit),
	END
};
static const struct object pids = OBJECT(oci_pids);

static const struct field oci_hugepage_limit_fields[] = {
	F(oci_hugepage_limit, "pageSize", FIELD_STRING, FIELD_REQUIRED | FIELD_NOT_EMPTY, page_size),
	F(oci_hugepage_limit, "limit", FIELD_INT, FIELD_REQUIRED, limit),
	END
};
static const struct object hugepage_limit = OBJECT(oci_hugepage_limit);

static const struct field oci_resources_fields[] = {
	F_OBJ(oci_resources, "devices", FIELD_LIST, 0, devices, device_rule),
	F_OBJ(oci_resources, "memory", FIELD_OBJECT, 0, memory, memory),
	F_OBJ(oci_resources, "cpu", FIELD_OBJECT, 0, cpu, cpu),
	F_OBJ(oci_resources, "blockIO", FIELD_OBJECT, 0, block_io, block_io),
	F_OBJ(oci_resources, "pids", FIELD_OBJECT, 0, pids, pids),
	F_OBJ(oci_resources, "hugepageLimits", FIELD_LIST, 0, hugepages, hugepage_limit),
	F(oci_resources, "unified", FIELD_MAP, 0, unified),
	END
};
static const struct object resources = OBJECT(oci_resources);

static const struct field oci_seccomp_arg_fields[] = {
	F_INT(oci_seccomp_arg, "index", FIELD_REQUIRED, index, 0, 5),
	F(oci_seccomp_arg, "value", FIELD_INT, FIELD_REQUIRED, value),
	F(oci_seccomp_arg, "valueTwo", FIELD_INT, 0, value_two),
	F(oci_seccomp_arg, "op", FIELD_STRING, FIELD_REQUIRED, op),
	END
};
static const struct object seccomp_arg = OBJECT(oci_seccomp_arg);

static const struct field oci_seccomp_rule_fields[] = {
	F(oci_seccomp_rule, "names", FIELD_STRINGS, FIELD_REQUIRED | FIELD_NOT_EMPTY, names),
	F(oci_seccomp_rule, "action", FIELD_STRING, FIELD_REQUIRED, action),
	F_OPT(oci_seccomp_rule, "errnoRet", errno_ret, 0, 4095),
	F_OBJ(oci_seccomp_rule, "args", FIELD_LIST, 0, args, seccomp_arg),
	END
};
static const struct object seccomp_rule = OBJECT(oci_seccomp_rule);

static const struct field oci_seccomp_fields[] = {
	F(oci_seccomp, "defaultAction", FIELD_STRING, FIELD_REQUIRED, default_action),
	F_OPT(oci_seccomp, "defaultErrnoRet", default_errno_ret, 0, 4095),
	F(oci_seccomp, "architectures", FIELD_STRINGS, 0, architectures),
	F(oci_seccomp, "flags", FIELD_STRINGS, 0, flags),
	F(oci_seccomp, "listenerPath", FIELD_STRING, 0, listener_path),
	F(oci_seccomp, "listenerMetadata", FIELD_STRING, 0, listener_metadata),
	F_OBJ(oci_seccomp, "syscalls", FIELD_LIST, 0, rules, seccomp_rule),
	END
};
static const struct object seccomp = OBJECT(oci_seccomp);

static const struct field oci_personality_fields[] = {
	F(oci_personality, "domain", FIELD_STRING, FIELD_REQUIRED, domain),
	END
};
static const struct object personality = OBJECT(oci_personality);

static const struct field oci_time_offset_fields[] = {
	F(oci_time_offset, "secs", FIELD_INT, 0, secs),
	F_INT(oci_time_offset, "nanosecs", 0, nanosecs, 0, 999999999),
	END
};
static const struct object time_offset = OBJECT(oci_time_offset);

static const struct field oci_time_offsets_fields[] = {
	F_OBJ(oci_time_offsets, "monotonic", FIELD_OBJECT, 0, monotonic, time_offset),
	F_OBJ(oci_time_offsets, "boottime", FIELD_OBJECT, 0, boottime, time_offset),
	END
};
static const struct object time_offsets = OBJECT(oci_time_offsets);

static const struct field oci_linux_fields[] = {
	F_OBJ(oci_linux, "namespaces", FIELD_LIST, 0, namespaces, namespace_entry),
	F_OBJ(oci_linux, "uidMappings", FIELD_LIST, 0, uid_map, id_map),
	F_OBJ(oci_linux, "gidMappings", FIELD_LIST, 0, gid_map, id_map),
	F_OBJ(oci_linux, "devices", FIELD_LIST, 0, devices, device),
	F(oci_linux, "cgroupsPath", FIELD_STRING, 0, cgroups_path),
	F(oci_linux, "rootfsPropagation", FIELD_STRING, 0, rootfs_propagation),
	F(oci_linux, "mountLabel", FIELD_STRING, 0, mount_label),
	F_OBJ(oci_linux, "resources", FIELD_OBJECT, 0, resources, resources),
	F_OBJ(oci_linux, "seccomp", FIELD_POINTER, 0, seccomp, seccomp),
	F_OBJ(oci_linux, "personality", FIELD_POINTER, 0, personality, personality),
	F_OBJ(oci_linux, "timeOffsets", FIELD_POINTER, 0, time_offsets, time_offsets),
	F(oci_linux, "sysctl", FIELD_MAP, 0, sysctl),
	F(oci_linux, "maskedPaths", FIELD_STRINGS, 0, masked_paths),
	F(oci_linux, "readonlyPaths", FIELD_STRINGS, 0, readonly_paths),
	END
};
static const struct object linux_part = OBJECT(oci_linux);

static const struct field oci_config_fields[] = {
	F(oci_config, "ociVersion", FIELD_STRING, FIELD_REQUIRED | FIELD_NOT_EMPTY, version),
	F_OBJ(oci_config, "process", FIELD_POINTER, 0, process, process),
	F_OBJ(oci_config, "root", FIELD_POINTER, 0, root, root),
	F(oci_config, "hostname", FIELD_STRING, 0, hostname),
	F(oci_config, "domainname", FIELD_STRING, 0, domainname),
	F_OBJ(oci_config, "mounts", FIELD_LIST, 0, mounts, mount_entry),
	F_OBJ(oci_config, "hooks", FIELD_OBJECT, 0, hooks, hooks),
	F(oci_config, "annotations", FIELD_MAP, 0, annotations),
	F_OBJ(oci_config, "linux", FIELD_OBJECT, 0, linux_, linux_part),
	END
};
static const struct object config = OBJECT(oci_config);
/* clang-format on */

int oci_config_parse(const char *name, const char *text, size_t len, struct oci_config *out,
		     struct pool *pool, struct error *err)
{
	if (read_json(name, text, len, &config, out, pool, err) < 0)
		return -1;
	return oci_config_check(name, out, err);
}

int oci_config_read(const char *path, struct oci_config *out, struct pool *pool, struct error *err)
{
	if (read_json_file(path, &config, out, pool, err) < 0)
		return -1;
	return oci_config_check(path, out, err);
}

int oci_process_read(const char *path, struct oci_process *out, struct pool *pool,
		     struct error *err)
{
	if (read_json_file(path, &process, out, pool, err) < 0)
		return -1;
	return oci_process_check(path, out, err);
}

int oci_resources_read(const char *path, struct oci_resources *out, struct pool *pool,
		       struct error *err)
{
	return read_json_file(path, &resources, out, pool, err);
}
