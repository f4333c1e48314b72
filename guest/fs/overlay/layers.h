/*
 * layers.h - what both kinds of overlay share, wherever the upper layer lies: looking things up in a layer below, listing
 * the names of it that nothing above covers, and taking over attributes. Private to overlay/memory.c and stack*.c.
 *
 * A layer's directory is locked (its inode->mutex) inside the overlay's own.
 */
#ifndef MOAT_FS_LAYERS_H
#define MOAT_FS_LAYERS_H

#include "fs/dirtable.h"
#include "fs/vfs.h"

#define LAYERS_POS (1ULL << 62) /* readdir positions of lower entries: this and the lower one's */

/* The entry of a layer's directory, with a reference; dir NULL: -ENOENT. want: MAY_* of an open that follows, or 0. */
struct inode *layers_lookup(struct inode *dir, const char *name, unsigned len, unsigned want);
/* Is the name there? In doubt it is. */
bool layers_has(struct inode *dir, const char *name, unsigned len);
/* A file of the layer's inode without a path, opened with flags as open(2) has them. ERR_PTR. */
struct file *layers_open(struct inode *i, u32 flags);
/* Entries of the open directory `lower` from ctx->pos (LAYERS_POS on) that are not in `upper`. 0 or -errno. */
int layers_emit(struct file *lower, const struct dirtable *upper, struct dir_context *ctx);
/* Has dir (NULL: yes) no entry but those in `upper`? An error means no. */
bool layers_empty(struct inode *dir, const struct dirtable *upper);
/* to's number, size, times and counts become what stat says of the layer's inode; type, mode and owners stay. */
void layers_take_attr(struct inode *to, struct inode *from);
/* Hand each extended attribute of a layer's inode to set(arg, ...) until it fails. 0 or -errno. */
int layers_each_xattr(struct inode *from,
		      int (*set)(void *arg, const char *name, const void *v, size_t n), void *arg);

#endif
