/*
 * fs.c - mounting a 9P tree: args->boot is a struct p9_boot (mount(2) cannot make connections).
 */
#include <linux/magic.h>
#include <linux/mount.h>

#include "fs/p9/p9.h"
#include "fs/seq.h"
#include "mm/slab.h"

static int p9_op_statfs(struct super_block *sb, struct statfs_info *st)
{
	struct p9_sb *s = sb->priv;

	return p9_statfs(s->c, s->root_fid, st);
}

static void p9_free_inode(struct inode *i)
{
	kfree(p9_i(i));
}

static void p9_shutdown(struct super_block *sb)
{
	struct p9_sb *s = sb->priv;

	itable_destroy(&s->inodes);
	if (s->c)
		p9_client_put(s->c);
	kfree(s);
	sb->priv = NULL;
}

static void p9_show(struct super_block *sb, struct seq *out)
{
	struct p9_sb *s = sb->priv;

	seq_printf(out, ",trans=ring,version=%s,msize=%u,cache=%s",
		   s->c->moat ? P9_VERSION_MOAT : P9_VERSION_L, s->c->msize,
		   s->shared ? "shared" : "exclusive");
}

static bool p9_dead(struct super_block *sb)
{
	struct p9_sb *s = sb->priv;

	return READ_ONCE(s->c->dead);
}

static int p9_sync(struct super_block *sb)
{
	struct p9_sb *s = sb->priv;

	return p9_settle(s->c);
}

static const struct super_ops p9_super_ops = {
	.sync = p9_sync,
	.statfs = p9_op_statfs,
	.free_inode = p9_free_inode,
	.shutdown = p9_shutdown,
	.show_options = p9_show,
	.dead = p9_dead,
};

static int root_inode(struct super_block *sb)
{
	struct p9_sb *s = sb->priv;
	struct p9_attr a;
	struct inode *i;
	int err;

	err = p9_getattr(s->c, s->root_fid, &a);
	if (err)
		return err;
	i = p9_inode_get(sb, NULL, NULL, &a, NULL);
	if (IS_ERR(i))
		return (int)PTR_ERR(i);
	err = p9_fid_root(p9_i(i), s->root_fid);
	if (err)
		inode_put(i);
	else
		sb->root = i;
	return err;
}

static struct super_block *p9_mount(const struct file_system *fs, const struct mount_args *a)
{
	const struct p9_boot *b = a->boot;
	struct super_block *sb;
	struct p9_client *c;
	struct p9_qid qid;
	struct p9_sb *s;
	int err = -ENOMEM;

	if (!b)
		return ERR_PTR(-EINVAL);
	sb = super_alloc(fs, &p9_super_ops, V9FS_MAGIC, a->flags);
	s = kzalloc(sizeof(*s));
	if (!sb || !s || itable_init(&s->inodes, NULL)) {
		super_put(sb);
		kfree(s);
		return ERR_PTR(-ENOMEM);
	}
	sb->priv = s;
	s->sb = sb;
	s->shared = b->shared;
	s->readonly = (a->flags & MS_RDONLY) && !b->shared;
	s->max_fids = P9_FIDS_MAX;
	mutex_init(&s->fid_lock);
	list_init(&s->fids);
	c = p9_client_get(b);
	err = (int)PTR_ERR(c);
	if (!IS_ERR(c)) {
		s->c = c;
		s->root_fid = p9_fid_new(c);
		err = p9_attach(c, b->aname ? b->aname : "", s->root_fid, &qid);
		if (err) {
			p9_fid_free(c, s->root_fid);
		} else {
			err = root_inode(sb);
			if (err)
				p9_clunk(c, s->root_fid);
		}
	}
	if (err) {
		p9_shutdown(sb);
		super_put(sb);
		return ERR_PTR(err);
	}
	return sb;
}

const struct file_system p9_fs = {
	.name = "9p",
	.handles = HANDLES_NUMBER,
	.nodev = true,
	.mount = p9_mount,
};
