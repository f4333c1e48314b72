/*
 * dirtable.h - the entries of a directory that lives in memory (tmpfs, overlay, pseudo file systems).
 *
 * Entries keep the order in which they were added; each has a number that never changes and never comes back, which is
 * the readdir position, so a listing stays right while names come and go. A NULL inode is a whiteout (overlay). The
 * table holds a reference on each inode. The directory's inode->mutex guards it.
 */
#ifndef MOAT_FS_DIRTABLE_H
#define MOAT_FS_DIRTABLE_H

#include "fs/vfs.h"

struct dirnode {
	struct list order;
	struct dirnode *next; /* hash chain */
	struct inode *inode;
	u64 cookie;
	u32 hash;
	u32 len;
	bool covers; /* the lower layer may have this name: removing it leaves a whiteout */
	char name[];
};

struct dirtable {
	struct dirnode **bucket;
	u32 mask;	      /* buckets - 1 */
	u32 count, whiteouts; /* all entries; those of them that are whiteouts */
	u64 next_cookie;
	struct list order;
	struct dirnode *hint; /* where the last readdir stopped */
};

void dirtable_init(struct dirtable *t);
/* Drops every entry and its reference. */
void dirtable_free(struct dirtable *t);
struct dirnode *dirtable_find(const struct dirtable *t, const char *name, unsigned len);
/* The name must not be there. Takes over the inode's reference on success. NULL: out of memory. */
struct dirnode *dirtable_add(struct dirtable *t, const char *name, unsigned len, struct inode *i);
/* The inode's reference passes to the caller. */
struct inode *dirtable_remove(struct dirtable *t, struct dirnode *n);
/* Exchange what a name stands for; the old reference passes to the caller. */
struct inode *dirtable_set(struct dirtable *t, struct dirnode *n, struct inode *i);
/* Emit live entries from ctx->pos on (positions are cookie + 2); true when all are out. */
bool dirtable_emit(struct dirtable *t, struct dir_context *ctx);

#endif
