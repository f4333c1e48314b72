/*
 * tmpfs.h - files in memory, alone (tmpfs) or as the upper layer of an overlay. Private to tmpfs*.c, overlay*.c, memfd.
 *
 * One kind of inode serves both: an overlay's inode has a `lower` inode from which it takes what it has no copy of. So
 * there is no second dentry tree, nothing is copied up but the bytes that change, a renamed directory keeps its lower
 * content, hard links of the lower layer stay links, and inode numbers never change. What is only looked at takes one
 * inode: a file's lower inode is looked up, and kept, once it is opened or changed.
 *
 * Locks: inode->mutex of the object; sb->lock (spinlock) for the counters and the list of pinned inodes.
 */
#ifndef MOAT_FS_TMPFS_H
#define MOAT_FS_TMPFS_H

#include "fs/dirtable.h"
#include "fs/itable.h"
#include "fs/xattrs.h"
#include "mm/pagecache.h"

struct tmpfs_sb {
	struct super_block *sb;
	struct spinlock lock;
	u64 max_pages, used_pages; /* max 0: no limit */
	u64 max_inodes, used_inodes;
	bool huge_names; /* ramfs: no limits at all */
	/* overlay */
	struct mount *lower_mnt; /* keeps the lower file system */
	struct itable by_lower;	 /* overlay inodes by number, which is their lower inode's */
};

/* Marks of an inode. PINNED: changed and lower-backed, has a reference until nlink is 0; under sb->lock. */
#define TMPFS_PINNED INODE_FS_MARKS
#define TMPFS_XATTRS (2 * INODE_FS_MARKS) /* lower's attributes were copied */
#define TMPFS_OWN    (4 * INODE_FS_MARKS) /* own, not lower_dir */

/* What an inode of a lower layer has only once it changes; then it holds its lower inode too. Under the inode's mutex. */
struct tmpfs_own {
	struct xattrs xattrs;
	struct pagecache *pages; /* this file's own; NULL: still all in lower */
	u64 lower_size;		 /* bytes that still come from lower where no own page is */
	u64 charged;		 /* pages counted in used_pages */
	u32 seals;
	u32 fsflags;	    /* FS_*_FL */
	struct acl *acl[2]; /* access, default; counted. Under i.lock */
};

struct tmpfs_inode {
	struct inode i; /* priv: tmpfs_lower */
	union {
		/* A reference: where the lower inode is found; NULL: there is none, or it is the root's. */
		struct inode *lower_dir;
		struct tmpfs_own *own; /* TMPFS_OWN; set once, under i.lock */
	};
	union { /* only as much of it is there as the type needs: inode_size */
		struct dirtable dir;
		char lower_name[1]; /* in lower_dir; of all but directories */
	};
};

static inline struct tmpfs_inode *tmpfs_i(struct inode *i)
{
	return container_of(i, struct tmpfs_inode, i);
}
static inline struct tmpfs_sb *tmpfs_s(struct inode *i)
{
	return i->sb->priv;
}

/* The lower inode, borrowed: of a directory always, else from overlay_hold_lower on. */
static inline struct inode *tmpfs_lower(const struct inode *i)
{
	return __atomic_load_n((struct inode *const *)&i->priv, __ATOMIC_ACQUIRE);
}
/* NULL: it has not changed. */
static inline struct tmpfs_own *tmpfs_own(struct inode *i)
{
	return inode_marked(i, TMPFS_OWN) ? READ_ONCE(tmpfs_i(i)->own) : NULL;
}
/* Is there something in the lower layer that i shows or has changed? */
static inline bool tmpfs_backed(struct inode *i)
{
	return tmpfs_lower(i) || (!inode_marked(i, TMPFS_OWN) && tmpfs_i(i)->lower_dir);
}

extern const struct inode_ops tmpfs_dir_ops, tmpfs_file_ops, tmpfs_link_ops, tmpfs_special_ops;
extern const struct super_ops tmpfs_super_ops;

/* A new inode (type from a->mode), counted. ERR_PTR(-ENOSPC, -ENOMEM). */
struct inode *tmpfs_new(struct super_block *sb, const struct make_args *a);
/* The same for what a lower directory has by this name, with nothing of its own. */
struct inode *tmpfs_new_backed(struct super_block *sb, const struct make_args *a, const char *name,
			       unsigned len);
/* See that tmpfs_own is there; i is locked. 0 or -errno. */
int tmpfs_need_own(struct inode *i);
/* The file gets pages of its own, lazily filled from lower. 0 or -errno. */
int tmpfs_own_data(struct inode *i);
int tmpfs_setattr(struct inode *i, const struct setattr *a);
void tmpfs_evict(struct inode *i);
s64 tmpfs_getxattr(struct inode *i, const char *name, void *buf, size_t size);
int tmpfs_setxattr(struct inode *i, const char *name, const void *v, size_t n, int flags);
s64 tmpfs_listxattr(struct inode *i, char *buf, size_t size);
/* attr.c: FS_IOC_GETFLAGS and SETFLAGS, access control lists; what a new inode inherits (0, -ENOMEM) */
int tmpfs_get_flags(struct inode *i, u32 *flags);
int tmpfs_set_flags(struct inode *i, u32 flags);
struct acl *tmpfs_get_acl(struct inode *i, bool def);
int tmpfs_set_acl(struct inode *i, bool def, struct acl *a, u32 mode);
int tmpfs_inherit(struct inode *dir, struct inode *i);

/* overlay/memory.c: all of these do nothing and say so quickly where there is no lower layer. */
/* The lower layer's entry; open: it is opened next, perhaps. */
struct inode *overlay_lookup(struct inode *dir, const char *name, unsigned len, bool open);
/*
 * The lower inode that i was made for, with a reference; looked up if i does not hold it, for want: MAY_READ or 0. -ESTALE: the
 * name leads elsewhere.
 */
struct inode *overlay_lower(struct inode *i, unsigned want);
/* i keeps it from here on: tmpfs_lower. 0 or -errno. */
int overlay_hold_lower(struct inode *i);
bool overlay_has(struct inode *dir, const char *name, unsigned len);
bool overlay_dir_empty(struct inode *dir);
void overlay_pin(struct inode *i);   /* it changes: keep it */
void overlay_unpin(struct inode *i); /* its last name is gone */
void overlay_evict(struct inode *i);
void overlay_shutdown(struct tmpfs_sb *s);
int overlay_read_page(struct inode *i, u64 index, void *page);
/* Are i's extended attributes still lower's? */
bool overlay_xattrs_below(struct inode *i);
/* copy lower's attributes before a change; tmpfs_own is there then */
int overlay_xattrs(struct inode *i);
int overlay_open_dir(struct inode *i, struct file *f);
int overlay_emit(struct file *f, struct dir_context *ctx);

#endif
