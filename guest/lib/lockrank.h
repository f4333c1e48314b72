/*
 * lockrank.h - every lock of the Sentry by rank, outermost first: a lock may be taken only while all locks held have a
 * smaller rank. Ranks up to LOCK_SLEEPING are mutexes, the rest spinlocks (under which nothing sleeps).
 */
#ifndef MOAT_LIB_LOCKRANK_H
#define MOAT_LIB_LOCKRANK_H

enum lock_rank {
	LOCK_NONE,
	/* mutexes */
	LOCK_FILE_POS, /* struct file pos_lock: read, write, getdents with a shared position */
	LOCK_MOUNTS,   /* mount, umount: changes of the mount tree */
	LOCK_RENAME,   /* vfs_rename_lock: renames between two directories */
	LOCK_INODE, /* inode->mutex; two directories: ancestor first, else by address; then the regular file */
	LOCK_INODE_LOWER, /* inode->mutex of a lower layer's inode */
	LOCK_MM,	  /* mm->lock */
	LOCK_PAGECACHE,	  /* pagecache->lock */
	LOCK_P9_FID,	  /* opening and dropping of a 9P inode's fids */
	LOCK_SLEEPING,
	/* spinlocks */
	LOCK_TASKS,
	LOCK_FS_CONTEXT,
	LOCK_FDTABLE,
	LOCK_FILE_LOCKS,  /* advisory locks of all files */
	LOCK_DCACHE,	  /* dentry hash, tree, LRU and the mount tree */
	LOCK_INODE_TABLE, /* a file system's inodes by number */
	LOCK_INODE_ATTR,  /* inode->lock */
	LOCK_P9,	  /* tags and fids of a 9P client */
	LOCK_RING,
	LOCK_WAITQ,
	LOCK_SIGHAND,
	LOCK_RUNQ,
	LOCK_FRAMES,
	LOCK_SLAB,
	LOCK_LOG,
};

#endif
