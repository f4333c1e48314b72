/*
 * procfs.h - /proc and /sys, for boot; and what the layers above tell them.
 */
#ifndef MOAT_FS_PROCFS_H
#define MOAT_FS_PROCFS_H

#include "fs/pseudo.h"

struct process;
struct seq;

/* Make the file systems known; boot mounts them. Before the first mount. */
void proc_register(void);
void sysfs_register(void);

/*
 * Files below /proc whose content layers above fs/ make: dir is a path below /proc ("sys/kernel", "sysvipc"). Registered at
 * boot, before the first mount; rows stay.
 */
struct proc_file {
	const char *dir, *name;
	u32 mode;
	struct text_ops ops;
	void *arg;
};
void proc_register_files(const struct proc_file *rows, unsigned n);

/* A file of /proc/net; show as of struct text_ops, its argument is the struct net_ns to show. At boot. */
void proc_net_add(const char *name, int (*show)(struct seq *s, void *arg));

/*
 * Directories of /sys whose entries layers above fs/ make when they are looked for: `name` below `parent`, which is "class" or
 * "devices/virtual". One table, at boot; it stays.
 */
struct sysfs_dir {
	const char *parent, *name;
	const struct inode_ops *ops;
};
void sysfs_register_dirs(const struct sysfs_dir *rows, unsigned n);

/* The process whose directory /proc/PID f is, with a reference; -EBADF: f is none, -ESRCH: the process is gone. */
struct process *proc_dir_process(struct file *f);

/* The controlling terminal of a process, registered by dev/: device number (0: none) and foreground group (-1: none). */
extern void (*proc_tty)(struct process *p, u32 *rdev, int *pgid);

struct file;
struct ns_common;
/* A new descriptor of the current task for n; -errno. */
s64 proc_ns_open(struct ns_common *n);
/* The namespace that a file of /proc/PID/ns stands for, which the file keeps; NULL: it is another file. */
struct ns_common *proc_ns_of_file(struct file *f);
struct ns_common *proc_ns_of_inode(const struct inode *i); /* the same */

#endif
