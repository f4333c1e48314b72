/*
 * itable.h - a file system's inodes by key (inode number, or what it is stacked on), so that one object has one inode.
 *
 * The table holds no references. A spinlock guards it.
 */
#ifndef MOAT_FS_ITABLE_H
#define MOAT_FS_ITABLE_H

#include "fs/vfs.h"

struct itable {
	struct spinlock lock;
	u32 bits, count;
	struct inode **bucket;
	u64 (*key)(const struct inode *i);
};

/* key NULL: the inode number. 0 or -ENOMEM. */
int itable_init(struct itable *t, u64 (*key)(const struct inode *i));
void itable_destroy(struct itable *t);
struct inode *itable_get(struct itable *t, u64 key); /* with a reference, or NULL */
/* Enter i, or return (with a reference) the one that is there already. NULL: entered. */
struct inode *itable_insert(struct itable *t, struct inode *i);
/* from evict, or before its key changes; harmless if not in it */
void itable_remove(struct itable *t, struct inode *i);
/* A marked inode, borrowed, from bucket *from on, which moves to its bucket; NULL: none. Nothing is entered meanwhile. */
struct inode *itable_next_marked(struct itable *t, u8 mark, u32 *from);

#endif
