/*
 * stack.h - an overlay whose writable layer is another file system's tree, so that it survives the sandbox and takes none
 * of its memory (moat do --overlay file:DIR). Private to stack*.c; overlay/memory.c mounts it.
 *
 * The layer is a directory with two below it: `upper`, laid out as the overlay's own tree, and `work`, where things are
 * made before a rename puts them in their place. In upper a character device 0:0 is a whiteout: no server of ours makes
 * any device for a program, so no name and no attribute that a program chooses can be mistaken for one, and the host's
 * kernel lets everybody make this one. No other mark exists: a new directory over one of the lower layer holds a whiteout
 * for each name there, and one that the lower layer has a part in is copied up with all that is in it when it is renamed
 * (stack_tree.c).
 *
 * An inode has `lower` until something changes, then `upper` (and lower, whose pages may still be mapped). Directories
 * have both. Locks: the inode's mutex (the VFS's); stack_sb.change, around all that changes names or the layer that an
 * inode is in; inside it the layers' own mutexes.
 */
#ifndef MOAT_FS_STACK_H
#define MOAT_FS_STACK_H

#include "fs/itable.h"
#include "fs/overlay/layers.h"
#include "mm/pagecache.h"

struct overlay_boot;

struct stack_sb {
	struct super_block *sb;
	struct mount *lower_mnt, *upper_mnt; /* keep the layers */
	struct inode *work;
	struct itable inodes; /* by the layer's inode that has their name; directories: by lower */
	struct mutex change;  /* held around all that changes names or the layer of an inode */
	u64 next_work;
	u32 trees;	      /* odd while one is copied (stack_tree.c); atomic */
	struct spinlock lock; /* the counts */
	/* One for each inode and for each page of a file's length; max 0: no limit. */
	u64 max_pages, used_pages;
};

struct stack_inode {
	struct inode i;
	struct inode *upper, *lower; /* references; upper is set once, under change */
	struct inode *parent; /* lower alone: a reference, and its name, where it is copied up to */
	char *name;
	u64 key;	/* in stack_sb.inodes */
	u64 charged;	/* pages of a regular file's length that are counted */
	bool opaque;	/* directory: nothing of lower is seen in it */
	bool uncovered; /* the lower layer has nothing of its one name */
};

static inline struct stack_inode *stack_i(struct inode *i)
{
	return container_of(i, struct stack_inode, i);
}
static inline struct stack_sb *stack_s(const struct inode *i)
{
	return i->sb->priv;
}
/* The inode of a layer that has what i shows. */
static inline struct inode *stack_real(struct inode *i)
{
	struct inode *upper = __atomic_load_n(&stack_i(i)->upper, __ATOMIC_ACQUIRE);

	return upper ? upper : stack_i(i)->lower;
}

/* The directory of the lower layer whose entries show through, or NULL. */
static inline struct inode *stack_lower_dir(struct inode *dir)
{
	return READ_ONCE(stack_i(dir)->opaque) ? NULL : stack_i(dir)->lower;
}

extern const struct inode_ops stack_dir_ops, stack_file_ops, stack_other_ops;

/* ---- stack.c ---- */
struct super_block *stack_mount(const struct file_system *fs, const struct overlay_boot *b,
				u32 flags);
/* The overlay's inode of the layers' (either may be NULL), whose references it takes over. ERR_PTR. */
struct inode *stack_wrap(struct inode *parent, const char *name, unsigned len, struct inode *upper,
			 struct inode *lower);
/* Count what will be made; n may be negative. 0 or -ENOSPC. */
int stack_charge(struct stack_sb *s, s64 pages);

/* ---- stack_copy.c; change held ---- */
/* i gets its place in the upper layer, with all directories above it. 0 or -errno. */
int stack_copy_up(struct inode *i);
/* A new name in work. */
struct stack_name {
	char s[24];
	unsigned len;
};
void stack_work_name(struct stack_sb *s, struct stack_name *n);
/* Make something in a directory of the upper layer. ERR_PTR. */
struct inode *stack_make_layer(struct inode *dir, const char *name, unsigned len,
			       const struct make_args *a);
/* One rename between directories of the upper layer; victim: what is replaced or exchanged, or NULL. */
int stack_rename_layer(struct inode *odir, const char *oname, unsigned olen, struct inode *src,
		       struct inode *ndir, const char *nname, unsigned nlen, struct inode *victim,
		       unsigned flags);

/* ---- stack_file.c; the inode is locked ---- */
int stack_setattr(struct inode *i, const struct setattr *a);
int stack_getattr(struct inode *i, struct stat_info *st);
s64 stack_getxattr(struct inode *i, const char *name, void *buf, size_t size);
int stack_setxattr(struct inode *i, const char *name, const void *v, size_t n, int flags);
s64 stack_listxattr(struct inode *i, char *buf, size_t size);
void stack_evict(struct inode *i);

#endif
