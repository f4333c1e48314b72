/*
 * stack_dir.h - what stack_dir.c and stack_change.c have of each other.
 */
#ifndef MOAT_FS_STACK_DIR_H
#define MOAT_FS_STACK_DIR_H

#include "fs/stack.h"

/* Add the names of a layer's directory, whiteouts too, to the table. *any: one is not a whiteout. 0 or -errno. */
int stack_layer_names(struct inode *layer_dir, struct dirtable *names, bool *any);
/* Has the overlay's directory no entry? An error means no. */
bool stack_is_empty(struct inode *dir);

struct inode *stack_make(struct inode *dir, const char *name, unsigned len,
			 const struct make_args *a);
int stack_link(struct inode *dir, const char *name, unsigned len, struct inode *target);
int stack_unlink(struct inode *dir, const char *name, unsigned len, struct inode *victim);
int stack_rmdir(struct inode *dir, const char *name, unsigned len, struct inode *victim);
int stack_rename(struct inode *odir, const char *oname, unsigned olen, struct inode *src,
		 struct inode *ndir, const char *nname, unsigned nlen, struct inode *victim,
		 unsigned flags);

#endif
