/*
 * pseudo.h - file systems that are kept in memory alone and whose files show text that is made when it is read: /proc, /sys,
 * cgroup2, mqueue. A file is a struct text_ops.
 */
#ifndef MOAT_FS_PSEUDO_H
#define MOAT_FS_PSEUDO_H

#include "fs/seq.h"
#include "fs/vfs.h"

struct text_ops {
	/*
	 * Make the content; arg is the inode's priv. Called at each read from position 0. 0 or -errno. Where it may be long,
	 * show stops behind SEQ_PART bytes with a number in s->next that tells it, when it is called again with an empty
	 * buffer, where to go on, and sets it to 0 at the end.
	 */
	int (*show)(struct seq *s, void *arg);
	/* One write(2), at most a page, NUL behind it. Bytes or -errno. NULL: -EINVAL (-EACCES at open for others). */
	s64 (*store)(void *arg, char *buf, size_t n);
	/* Instead, where it matters who opened; arg is the inode's priv. */
	s64 (*store_by)(struct file *f, char *buf, size_t n);
	/* Position 0 asks it whether the opener may (ptrace rights of /proc/PID). NULL: the mode bits decide. */
	int (*open)(void *arg, struct file *f);
	struct text_event *(*event)(void *arg); /* for poll(2); NULL: none, or of this file none */
	void (*evict)(void *arg);		/* the inode goes */
};
/* What pollers of a text file see as POLLPRI and POLLERR, until they read it again; whoever counts up wakes q. */
struct text_event {
	u32 count; /* from 1: a file that was not read yet has news */
	struct waitq q;
};
/*
 * A super block whose root is an empty pseudo directory. Pseudo directories hold their entries (and a reference to each
 * inode) themselves; add more before or after the mount. All pseudo_* return a borrowed inode, NULL when out of memory
 * or when the name exists.
 */
struct super_block *pseudo_super(const struct file_system *fs, u32 magic, u32 flags);
struct inode *pseudo_dir(struct inode *parent, const char *name, u32 mode);
/* A directory whose entries fill() makes (by pseudo_*, 0 or -ENOMEM) when someone first looks for one; nobody else may. */
struct inode *pseudo_dir_lazy(struct inode *parent, const char *name, u32 mode,
			      int (*fill)(struct inode *dir));
struct inode *pseudo_text(struct inode *parent, const char *name, u32 mode,
			  const struct text_ops *ops, void *arg);
struct inode *pseudo_link(struct inode *parent, const char *name, const char *target);
struct inode *pseudo_node(struct inode *parent, const char *name, u32 mode,
			  u32 rdev); /* device, FIFO, socket */
/* Any inode of yours (reference taken over on success). 0, -EEXIST, -ENOMEM. */
int pseudo_add(struct inode *parent, const char *name, struct inode *i);
/* The same in the directory's own make(): it is locked, and the VFS keeps the cached names. */
int pseudo_add_locked(struct inode *parent, const char *name, struct inode *i);
/* Likewise in rmdir(): what was removed, whose reference passes to the caller; NULL: nothing has the name. */
struct inode *pseudo_remove_locked(struct inode *parent, const char *name, unsigned len);
/* Take an entry out; cached names are dropped. -ENOENT. */
int pseudo_remove(struct inode *parent, const char *name);
/*
 * Inodes without a parent, for directories with a lookup of their own (/proc/PID): one reference each.
 * A directory that mixes: set ->ops to a struct with your lookup, and call pseudo_lookup in it.
 */
struct inode *pseudo_text_inode(struct super_block *sb, u32 mode, const struct text_ops *ops,
				void *arg);
struct inode *pseudo_link_inode(struct super_block *sb, const char *target);
struct inode *pseudo_dir_inode(struct super_block *sb, u32 mode, const struct inode_ops *ops,
			       void *arg); /* ops NULL: pseudo_dir_ops */
/* A directory whose entries `fill` makes when they are first looked at. NULL: no memory. */
struct inode *pseudo_dir_inode_lazy(struct super_block *sb, u32 mode,
				    int (*fill)(struct inode *dir), void *arg);
int pseudo_setattr(struct inode *i, const struct setattr *a);
struct inode *pseudo_lookup(struct inode *dir, const char *name, unsigned len);
/* Emits the static entries of a pseudo directory; true when all are out. Positions below 1 << 32. */
bool pseudo_readdir_static(struct inode *dir, struct dir_context *ctx);
extern const struct inode_ops pseudo_dir_ops;
extern const struct file_ops pseudo_dir_fops, pseudo_text_fops;

#endif
