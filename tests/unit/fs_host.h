/*
 * fs_host.h - what tests of guest/fs share: a machine with one task, its credentials, a root, and short forms.
 *
 * A test names FS_SOURCES in its sources line (see test_fs_tmpfs.c). The task is root with all capabilities at first.
 */
#ifndef MOAT_UNIT_FS_HOST_H
#define MOAT_UNIT_FS_HOST_H

#include "fs/vfs.h"
#include "tests/unit/platform_host.h"

/* Memory, task, and a tmpfs (options as mount data) as root. */
void unit_fs_init(const char *root_options);
/* As unit_fs_init, with a mount that the test made by itself after unit_fs_start. */
void unit_fs_start(void);
void unit_fs_root(struct mount *m);
/* Everything is unmounted and freed. */
void unit_fs_end(void);
void unit_fs_user(u32 uid, u32 gid, u64 caps);

extern u64 unit_fsize_limit;
extern unsigned unit_signals; /* sent to the task */

/* open(2) by a descriptor: number or -errno. */
int t_open(const char *name, u32 flags, u32 mode);
s64 t_write(int fd, const void *buf, size_t n);
s64 t_read(int fd, void *buf, size_t n);
s64 t_pwrite(int fd, const void *buf, size_t n, u64 pos);
s64 t_pread(int fd, void *buf, size_t n, u64 pos);
/* Make a file with this text; checks that it works. */
void t_file(const char *name, const char *text);
/* Its content, "" if empty, NULL if it cannot be opened. Static buffer. */
const char *t_text(const char *name);
int t_stat(const char *name, struct stat_info *st); /* follows links */
int t_lstat(const char *name, struct stat_info *st);
/* Names of a directory, sorted, separated by blanks, without dots; small_buffer: one entry a call. Static buffer. */
const char *t_list(const char *name, bool small_buffer);
int t_chmod(const char *name, u32 mode);

#endif
