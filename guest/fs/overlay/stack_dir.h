/*
 * stack_dir.h - what stack_dir.c and stack_change.c have of each other.
 */
#ifndef MOAT_FS_STACK_DIR_H
#define MOAT_FS_STACK_DIR_H

#include "fs/overlay/stack.h"

/* Add the names of a layer's directory, whiteouts too, to the table. *any: one is not a whiteout. 0 or -errno. */
int stack_layer_names(struct inode *layer_dir, struct dirtable *names, bool *any);
/* Has the overlay's directory no entry? An error means no. */
bool stack_is_empty(struct inode *dir);

/* The entry as the layers have it now; change held. */
struct inode *stack_look(struct inode *dir, const char *name, unsigned len, unsigned want);
/*
 * stack_tree.c; change held. All that is in top gets into the upper layer; its directories of both layers are added to the list,
 * and once they have moved from where the lower layer has them they have no part in it. 0, -EXDEV or another error.
 */
int stack_copy_tree(struct inode *top, struct list *dirs);
void stack_trees_end(struct stack_sb *s, struct list *dirs, bool moved);

/* stack_change.c */
struct inode *stack_make(struct inode *dir, const char *name, unsigned len,
			 const struct make_args *a);
int stack_link(struct inode *dir, const char *name, unsigned len, struct inode *target);
int stack_unlink(struct inode *dir, const char *name, unsigned len, struct inode *victim);
int stack_rmdir(struct inode *dir, const char *name, unsigned len, struct inode *victim);
int stack_rename(struct inode *odir, const char *oname, unsigned olen, struct inode *src,
		 struct inode *ndir, const char *nname, unsigned nlen, struct inode *victim,
		 unsigned flags);

#endif
