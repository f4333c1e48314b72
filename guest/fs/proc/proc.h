/*
 * proc.h - shared by the files of /proc. Private to fs/proc/.
 *
 * An inode of /proc/PID holds the task's number and start time (struct proc_id), never a reference: a listing of /proc
 * must not keep the stacks of dead tasks. Each use finds the task again; a number that was given to another task since
 * does not match, and the answer is ESRCH.
 */
#ifndef MOAT_FS_PROC_PROC_H
#define MOAT_FS_PROC_PROC_H

#include "fs/pseudo.h"
#include "lib/log.h"
#include "mm/mm.h"
#include "mm/slab.h"
#include "task/ns/pidns.h"

#define USER_HZ		100
#define NS_TO_TICKS(ns) ((ns) / (1000000000ULL / USER_HZ))
#define KIB(bytes)	((unsigned long long)(bytes) >> 10)
typedef unsigned long long ull;

/* A file of /proc/PID or /proc/PID/task/TID. */
struct pid_entry {
	const char *name;
	u32 mode;  /* with the type */
	u32 flags; /* PE_* */
	/* S_IFREG: the content. thread: below task/. No lock is held. */
	int (*show)(struct seq *s, struct task *t, bool thread);
	s64 (*store)(struct task *t, char *buf, size_t n);
	/* S_IFLNK that leads to an object: fill *out with references. */
	int (*path)(struct task *t, struct path_ref *out);
	/* S_IFDIR; S_IFREG with operations of its own; links without `path`. */
	const struct inode_ops *iops;
};
#define PE_PROCESS 1 /* in /proc/PID */
#define PE_THREAD  2 /* in /proc/PID/task/TID */
#define PE_BOTH	   3
#define PE_PTRACE  4 /* for those who may trace the task: checked at open and at each read */
#define PE_WORLD   8 /* anyone who may write by the mode bits, not only the task's process */

struct proc_id {
	int tid;
	bool thread;
	int nr; /* which descriptor, of fd/ and fdinfo/ */
	u64 start;
	const struct pid_entry *entry; /* NULL: /proc/PID itself */
	const struct pid_ns *ns;       /* of the mount, which holds it */
};

/* Whose numbers the mount shows: that of who mounted it. */
static inline const struct pid_ns *proc_ns(const struct super_block *sb)
{
	return sb->priv ? sb->priv : &first_pid_ns;
}
/* A number of the first namespace as the mount of the file shows it; 0: not seen there. */
static inline int proc_nr(const struct seq *s, int pid)
{
	return s->pid_ns ? pid_nr_in(s->pid_ns, pid) : pid_vnr(pid);
}

/* ---- pid.c ---- */
static inline struct proc_id *proc_id(const struct inode *i)
{
	return i->priv;
}
/* The task that the inode stands for, with a reference; NULL: it is gone. */
struct task *proc_task(const struct proc_id *id);
/* May the current task look into t as ptrace(2)'s PTRACE_MODE_READ with file system credentials? */
bool proc_may_access(struct task *t);
/* mem.c: the address space that a file that proc_mem_open opened is about, with a reference; NULL: it has none. -EACCES. */
int proc_mem_mm(struct file *f, struct mm **mm);
int proc_mem_open(struct inode *i,
		  struct file *f); /* checks rights, as ptrace(2)'s PTRACE_MODE_ATTACH */
/*
 * An inode below /proc/PID: ino from the id, owner set. ops: one of those below; it gets a copy of id. ERR_PTR. Text files
 * (ops NULL) use entry->show and entry->store.
 */
struct inode *proc_pid_inode(struct super_block *sb, u32 mode, const struct proc_id *id, u64 sub,
			     const struct inode_ops *ops);
/* Members of inode_ops for such inodes. */
void proc_pid_evict(struct inode *i);
int proc_pid_getattr(struct inode *i, struct stat_info *st);
int proc_pid_permission(struct inode *i, int mask);
int proc_pid_setattr(struct inode *i, const struct setattr *a);
struct inode *proc_no_make(struct inode *dir, const char *name, unsigned len,
			   const struct make_args *a);
/* Is the task of this inode still there? For revalidate; brings its owner up to date. */
bool proc_pid_valid(struct inode *i);
/* The directory of a task; ERR_PTR(-ENOENT). */
struct inode *proc_pid_lookup(struct super_block *sb, int tid, bool thread);
u64 proc_pid_ino(int tid, bool thread, u64 sub);
/* A decimal number without leading zeros, or -1. */
int proc_name_to_int(const char *name, unsigned len);

/* ---- table.c ---- */
extern const struct pid_entry pid_entries[];
extern const unsigned nr_pid_entries;

/* ---- what stands in the table ---- */
extern const struct inode_ops proc_task_iops, proc_fd_iops, proc_fdinfo_iops, proc_ns_iops,
	proc_net_iops, proc_link_iops, proc_mem_iops, proc_pagemap_iops;

int proc_show_stat(struct seq *s, struct task *t, bool thread);
int proc_show_statm(struct seq *s, struct task *t, bool thread);
int proc_show_status(struct seq *s, struct task *t, bool thread);
int proc_show_maps(struct seq *s, struct task *t, bool thread);
int proc_show_smaps(struct seq *s, struct task *t, bool thread);
int proc_show_smaps_rollup(struct seq *s, struct task *t, bool thread);
int proc_show_cmdline(struct seq *s, struct task *t, bool thread);
int proc_show_environ(struct seq *s, struct task *t, bool thread);
int proc_show_auxv(struct seq *s, struct task *t, bool thread);
int proc_show_comm(struct seq *s, struct task *t, bool thread);
s64 proc_store_comm(struct task *t, char *buf, size_t n);
int proc_show_limits(struct seq *s, struct task *t, bool thread);
int proc_show_io(struct seq *s, struct task *t, bool thread);
int proc_show_children(struct seq *s, struct task *t, bool thread);
int proc_path_exe(struct task *t, struct path_ref *out);
int proc_path_cwd(struct task *t, struct path_ref *out);
int proc_path_root(struct task *t, struct path_ref *out);

/* ---- global.c and the rest of /proc; each fills its part of the root at mount. 0 or -ENOMEM ---- */
int proc_add_global(struct inode *root);
int proc_add_sys(struct inode *root);
int proc_add_kmsg(struct inode *root);

#endif
