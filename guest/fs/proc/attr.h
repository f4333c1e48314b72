/*
 * attr.h - the small files of /proc/PID (attr.c, loginuid.c, ns.c), for the table.
 */
#ifndef MOAT_FS_PROC_ATTR_H
#define MOAT_FS_PROC_ATTR_H

#include "fs/proc/proc.h"

#define SHOW(name) int proc_show_##name(struct seq *s, struct task *t, bool thread)
SHOW(oom_score);
SHOW(oom_score_adj);
SHOW(oom_adj);
SHOW(personality);
SHOW(loginuid);
SHOW(sessionid);
SHOW(cgroup);
SHOW(wchan);
SHOW(schedstat);
SHOW(setgroups);
SHOW(uid_map);
SHOW(gid_map);
SHOW(timens_offsets);
SHOW(timerslack);
SHOW(coredump_filter);
SHOW(mounts);
SHOW(mountinfo);
SHOW(mountstats);
SHOW(syscall);
#undef SHOW
s64 proc_store_setgroups(struct task *t, char *buf, size_t n);
s64 proc_store_uid_map(struct task *t, char *buf, size_t n);
s64 proc_store_gid_map(struct task *t, char *buf, size_t n);
s64 proc_store_loginuid(struct task *t, char *buf, size_t n);
s64 proc_store_oom_score_adj(struct task *t, char *buf, size_t n);
s64 proc_store_oom_adj(struct task *t, char *buf, size_t n);
s64 proc_store_timens_offsets(struct task *t, char *buf, size_t n);
s64 proc_store_timerslack(struct task *t, char *buf, size_t n);

#endif
