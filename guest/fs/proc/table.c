/*
 * table.c - the entries of /proc/PID and /proc/PID/task/TID, in the order in which they are listed. A new one is a row.
 */
#include "fs/proc/attr.h"

#define DIR(n, m, where, ops)                                                           \
	{                                                                               \
		.name = n, .mode = S_IFDIR | (m), .flags = (where), .iops = &ops##_iops \
	}
#define FILE(n, m, where, fn)                                                              \
	{                                                                                  \
		.name = n, .mode = S_IFREG | (m), .flags = (where), .show = proc_show_##fn \
	}
#define FILE_RW(n, m, where, fn)                                                            \
	{                                                                                   \
		.name = n, .mode = S_IFREG | (m), .flags = (where), .show = proc_show_##fn, \
		.store = proc_store_##fn                                                    \
	}
#define LINK(n, fn)                                                                         \
	{                                                                                   \
		.name = n, .mode = S_IFLNK | 0777, .flags = PE_BOTH, .path = proc_path_##fn \
	}

const struct pid_entry pid_entries[] = {
	DIR("task", 0555, PE_PROCESS, proc_task),
	DIR("fd", 0500, PE_BOTH, proc_fd),
	DIR("fdinfo", 0555, PE_BOTH, proc_fdinfo),
	DIR("ns", 0511, PE_BOTH, proc_ns),
	DIR("net", 0555, PE_BOTH, proc_net),
	FILE("environ", 0400, PE_BOTH | PE_PTRACE, environ),
	FILE("auxv", 0400, PE_BOTH | PE_PTRACE, auxv),
	FILE("status", 0444, PE_BOTH, status),
	FILE("personality", 0400, PE_BOTH | PE_PTRACE, personality),
	FILE("limits", 0444, PE_BOTH, limits),
	FILE_RW("comm", 0644, PE_BOTH, comm),
	FILE("syscall", 0400, PE_BOTH | PE_PTRACE, syscall),
	FILE("cmdline", 0444, PE_BOTH, cmdline),
	FILE("stat", 0444, PE_BOTH, stat),
	FILE("statm", 0444, PE_BOTH, statm),
	FILE("maps", 0444, PE_BOTH | PE_PTRACE, maps),
	FILE("children", 0444, PE_THREAD, children),
	{ .name = "mem", .mode = S_IFREG | 0600, .flags = PE_BOTH, .iops = &proc_mem_iops },
	{ .name = "pagemap", .mode = S_IFREG | 0400, .flags = PE_BOTH, .iops = &proc_pagemap_iops },
	LINK("cwd", cwd),
	LINK("root", root),
	LINK("exe", exe),
	FILE("mounts", 0444, PE_BOTH, mounts),
	FILE("mountinfo", 0444, PE_BOTH, mountinfo),
	FILE("mountstats", 0400, PE_PROCESS, mountstats),
	FILE("smaps", 0444, PE_BOTH | PE_PTRACE, smaps),
	FILE("smaps_rollup", 0444, PE_PROCESS | PE_PTRACE, smaps_rollup),
	FILE("wchan", 0444, PE_BOTH, wchan),
	FILE("schedstat", 0444, PE_BOTH, schedstat),
	FILE("cgroup", 0444, PE_BOTH, cgroup),
	FILE("oom_score", 0444, PE_BOTH, oom_score),
	FILE_RW("oom_adj", 0644, PE_BOTH, oom_adj),
	FILE_RW("oom_score_adj", 0644, PE_BOTH, oom_score_adj),
	FILE("io", 0400, PE_BOTH | PE_PTRACE, io),
	FILE_RW("loginuid", 0644, PE_BOTH, loginuid),
	FILE("sessionid", 0444, PE_BOTH, sessionid),
	FILE("coredump_filter", 0444, PE_PROCESS, coredump_filter),
	FILE_RW("uid_map", 0644, PE_BOTH, uid_map),
	FILE_RW("gid_map", 0644, PE_BOTH, gid_map),
	FILE_RW("setgroups", 0644, PE_BOTH, setgroups),
	FILE_RW("timens_offsets", 0644, PE_PROCESS | PE_WORLD, timens_offsets),
	FILE_RW("timerslack_ns", 0666, PE_PROCESS, timerslack),
};
const unsigned nr_pid_entries = ARRAY_SIZE(pid_entries);
