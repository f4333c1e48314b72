/*
 * tmpfs.h - files in memory, alone (tmpfs) or as the upper layer of an overlay. Private to tmpfs*.c, overlay*.c, memfd.
 *
 * One kind of inode serves both: an overlay's inode has a `lower` inode from which it takes what it has no copy of. So
 * there is no second dentry tree, nothing is copied up but the bytes that change, a renamed directory keeps its lower
 * content, hard links of the lower layer stay links, and inode numbers never change.
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
	struct itable by_lower;	 /* overlay inodes by their lower inode */
	struct list pinned; /* changed lower-backed inodes: a reference each, until nlink is 0 */
};

struct tmpfs_inode {
	struct inode i;
	u32 seals;
	bool xattrs_own; /* lower's attributes were copied */
	bool opaque;	 /* directory: lower's entries are not seen */
	bool is_pinned;
	struct xattrs xattrs;
	struct inode *lower;
	struct list pin;
	union { /* only as much of it is there as the type needs: tmpfs_new */
		struct dirtable dir;
		struct {
			struct pagecache *own; /* this file's own pages; NULL: still all in lower */
			u64 lower_size; /* bytes that still come from lower where no own page is */
			u64 charged;	/* pages counted in used_pages */
		} file;
		char *link;
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

extern const struct inode_ops tmpfs_dir_ops, tmpfs_file_ops, tmpfs_link_ops, tmpfs_special_ops;
extern const struct file_ops tmpfs_dir_fops, tmpfs_file_fops;
extern const struct super_ops tmpfs_super_ops;

/* A new inode (type from a->mode), counted. ERR_PTR(-ENOSPC, -ENOMEM). */
struct inode *tmpfs_new(struct super_block *sb, const struct make_args *a);
/* The file gets pages of its own, lazily filled from lower. 0 or -ENOMEM. */
int tmpfs_own_data(struct inode *i);
int tmpfs_setattr(struct inode *i, const struct setattr *a);
void tmpfs_evict(struct inode *i);
s64 tmpfs_getxattr(struct inode *i, const char *name, void *buf, size_t size);
int tmpfs_setxattr(struct inode *i, const char *name, const void *v, size_t n, int flags);
s64 tmpfs_listxattr(struct inode *i, char *buf, size_t size);

/* overlay.c: all of these do nothing and say so quickly where there is no lower layer. */
/* The lower layer's entry; open: it is opened next, perhaps. */
struct inode *overlay_lookup(struct inode *dir, const char *name, unsigned len, bool open);
bool overlay_has(struct inode *dir, const char *name, unsigned len);
bool overlay_dir_empty(struct inode *dir);
void overlay_pin(struct inode *i);   /* it changes: keep it */
void overlay_unpin(struct inode *i); /* its last name is gone */
void overlay_evict(struct inode *i);
void overlay_shutdown(struct tmpfs_sb *s);
int overlay_read_page(struct inode *i, u64 index, void *page);
int overlay_xattrs(struct inode *i); /* copy lower's attributes before a change */
int overlay_open_dir(struct inode *i, struct file *f);
int overlay_emit(struct file *f, struct dir_context *ctx);

#endif
