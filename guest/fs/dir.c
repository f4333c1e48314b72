/*
 * dir.c - helpers for readdir implementations.
 */
#include "fs/mount/mount.h"

bool dir_emit(struct dir_context *ctx, const char *name, unsigned len, u64 next, u64 ino,
	      unsigned type)
{
	if (!ctx->emit(ctx, name, len, next, ino, type))
		return false;
	ctx->pos = next;
	return true;
}

bool dir_emit_dots(struct file *f, struct dir_context *ctx)
{
	u64 ino = f->inode->ino, up = ino;

	if (ctx->pos == 0 && !dir_emit(ctx, ".", 1, 1, ino, DT_DIR))
		return false;
	if (ctx->pos == 1) {
		if (f->path) {
			spin_lock(&dcache_lock);
			if (f->path->dentry->parent->inode)
				up = f->path->dentry->parent->inode->ino;
			spin_unlock(&dcache_lock);
		}
		return dir_emit(ctx, "..", 2, 2, up, DT_DIR);
	}
	return true;
}
