/*
 * global.h - the files of /proc that are about the whole sandbox.
 */
#ifndef MOAT_FS_PROC_GLOBAL_H
#define MOAT_FS_PROC_GLOBAL_H

#include "fs/proc/proc.h"

/* cpuinfo.c */
void proc_cpuinfo_init(void);
int proc_show_cpuinfo(struct seq *s, void *arg);
/* meminfo.c */
int proc_show_meminfo(struct seq *s, void *arg);
int proc_show_vmstat(struct seq *s, void *arg);
extern u32 proc_overcommit_ratio, proc_overcommit_kbytes;
/* registered.c: the files of other layers, below `at`, which is /proc/sys or with `sys` false /proc. 0, -ENOMEM. */
int proc_add_registered(struct inode *at, bool sys);
/* The directory "a/b" below `at`, made where it is missing. NULL: no memory. */
struct inode *proc_dir_of(struct inode *at, const char *path);
/* load.c */
int proc_show_global_stat(struct seq *s, void *arg);
int proc_show_uptime(struct seq *s, void *arg);
int proc_show_loadavg(struct seq *s, void *arg);
/* locks.c */
int proc_show_locks(struct seq *s, void *arg);

/* /proc/sys/kernel/seccomp */
int proc_seccomp_avail(struct seq *s, void *arg);
int proc_seccomp_logged(struct seq *s, void *arg);
s64 proc_seccomp_set_logged(void *arg, char *buf, size_t n);

#endif
