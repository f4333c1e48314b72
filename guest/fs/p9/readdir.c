/*
 * readdir.c - open directories over 9P: positions are ordinals in a listing (p9/listing.c) that was read whole at the
 * first readdir, so the server's cookies (63 bits on some file systems) never reach programs, and other layers can add bits of
 * their own.
 */
#include <string.h>

#include "fs/p9/p9.h"
#include "mm/slab.h"

struct open_dir {
	struct p9_listing *l;
	u64 at;		       /* a place to go on from: this ordinal */
	struct p9_place place; /* is here */
};

static void emit_all(struct open_dir *d, struct dir_context *ctx)
{
	const struct p9_entries *all = p9_listing_entries(d->l);
	struct p9_place at = { 0 }, before;
	struct p9_entry e;
	u64 k = 2;

	if (d->at >= 2 && d->at <= ctx->pos) {
		k = d->at;
		at = d->place;
	}
	for (before = at; p9_entries_next(all, &at, &e); before = at, k++)
		if (k >= ctx->pos && !dir_emit(ctx, e.name, e.len, k + 1, e.ino, e.type))
			break;
	d->at = k;
	d->place = before;
}

int p9_readdir(struct file *f, struct dir_context *ctx)
{
	struct p9_inode *dir = p9_i(f->inode);
	struct open_dir *d = f->dir_state;
	struct p9_listing *l;

	if (!d)
		f->dir_state = d = kzalloc(sizeof(*d));
	if (!d)
		return -ENOMEM;
	if (d->l && ctx->pos == 0) { /* rewound: what is there now */
		p9_listing_put(p9_s(f->inode), d->l);
		memset(d, 0, sizeof(*d));
	}
	if (!d->l) {
		l = p9_listing_get(dir);
		if (IS_ERR(l))
			return (int)PTR_ERR(l);
		d->l = l;
	}
	if (dir_emit_dots(f, ctx))
		emit_all(d, ctx);
	return 0;
}

void p9_dir_release(struct file *f)
{
	struct open_dir *d = f->dir_state;

	if (d) {
		p9_listing_put(p9_s(f->inode), d->l);
		kfree(d);
	}
	if (f->priv)
		p9_fid_put(p9_i(f->inode), (enum p9_fid_kind)((uintptr_t)f->priv - 1));
}
