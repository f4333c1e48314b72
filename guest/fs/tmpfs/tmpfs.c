/*
 * tmpfs.c - tmpfs's inodes, super block, mount options and limits (tmpfs(5)).
 *
 * Differs from Linux: huge=, mpol= are accepted and ignored; a page that a mapping creates in a hole is counted at the
 * next write, truncation or statfs of that file, not at the fault.
 */
#include <linux/magic.h>
#include <linux/mount.h>
#include <string.h>

#include "fs/acl.h"
#include "fs/seq.h"
#include "fs/tmpfs/tmpfs.h"
#include "lib/log.h"
#include "mm/frame.h"
#include "mm/slab.h"
#include "task/task.h"

static size_t inode_size(u32 mode, unsigned len)
{
	return S_ISDIR(mode) ? sizeof(struct tmpfs_inode)
			     : offsetof(struct tmpfs_inode, lower_name) + len + 1;
}

struct inode *tmpfs_new(struct super_block *sb, const struct make_args *a)
{
	return tmpfs_new_backed(sb, a, NULL, 0);
}

struct inode *tmpfs_new_backed(struct super_block *sb, const struct make_args *a, const char *name,
			       unsigned len)
{
	struct tmpfs_sb *s = sb->priv;
	struct tmpfs_inode *t;
	struct inode *i;
	bool full;

	spin_lock(&s->lock);
	full = s->max_inodes && s->used_inodes >= s->max_inodes;
	s->used_inodes += !full;
	spin_unlock(&s->lock);
	if (full)
		return ERR_PTR(-ENOSPC);
	i = inode_alloc_size(sb, a->mode, inode_size(a->mode, len));
	if (!i)
		goto fail;
	t = tmpfs_i(i);
	i->uid = a->uid;
	i->gid = a->gid;
	if (inode_is_device(i))
		i->rdev = a->rdev;
	i->ops = &tmpfs_special_ops;
	if (name && !S_ISDIR(a->mode))
		memcpy(t->lower_name, name, len);
	switch (a->mode & S_IFMT) {
	case S_IFDIR:
		dirtable_init(&t->dir);
		i->ops = &tmpfs_dir_ops;
		i->nlink = 2;
		break;
	case S_IFREG:
		i->ops = &tmpfs_file_ops;
		if (!name && tmpfs_own_data(i))
			goto free;
		break;
	case S_IFLNK:
		i->ops = &tmpfs_link_ops;
		i->link = kstrdup(a->target);
		if (!i->link)
			goto free;
		i->size = strlen(i->link);
		break;
	}
	return i;
free:
	inode_put(i);
	return ERR_PTR(-ENOMEM);
fail:
	spin_lock(&s->lock);
	s->used_inodes--;
	spin_unlock(&s->lock);
	return ERR_PTR(-ENOMEM);
}

int tmpfs_need_own(struct inode *i)
{
	struct tmpfs_inode *t = tmpfs_i(i);
	struct inode *dir;
	struct tmpfs_own *own;
	int err = 0;

	if (inode_marked(i, TMPFS_OWN))
		return 0;
	if (tmpfs_backed(i))
		err = overlay_hold_lower(i);
	if (err)
		return err;
	own = kzalloc(sizeof(*own));
	if (!own)
		return -ENOMEM;
	own->seals = F_SEAL_SEAL;
	spin_lock(&i->lock);
	dir = t->lower_dir;
	t->own = own;
	inode_mark(i, TMPFS_OWN);
	spin_unlock(&i->lock);
	inode_put(dir);
	return 0;
}

void tmpfs_evict(struct inode *i)
{
	struct tmpfs_inode *t = tmpfs_i(i);
	struct tmpfs_own *own = tmpfs_own(i);
	struct tmpfs_sb *s = tmpfs_s(i);
	u64 charged = own ? own->charged : 0;

	if (S_ISDIR(i->mode))
		dirtable_free(&t->dir);
	else if (S_ISLNK(i->mode))
		kfree((void *)i->link);
	if (own && own->pages) {
		pagecache_destroy(own->pages);
		kfree(own->pages);
	}
	if (own) {
		xattrs_free(&own->xattrs);
		acl_put(own->acl[0]);
		acl_put(own->acl[1]);
	}
	kfree(own);
	if (tmpfs_backed(i))
		overlay_evict(i);
	spin_lock(&s->lock);
	s->used_pages -= charged;
	s->used_inodes--;
	spin_unlock(&s->lock);
}

static void tmpfs_free_inode(struct inode *i)
{
	kfree(tmpfs_i(i));
}

static int tmpfs_statfs(struct super_block *sb, struct statfs_info *st)
{
	struct tmpfs_sb *s = sb->priv;
	struct frame_stats fr;
	u64 max, used;

	frame_stats(&fr);
	spin_lock(&s->lock);
	max = s->max_pages ? s->max_pages : fr.limit ? fr.limit : fr.total;
	used = s->used_pages;
	st->type = sb->magic;
	st->bsize = st->frsize = PAGE_SIZE;
	if (!s->huge_names) {
		st->blocks = max;
		st->bfree = st->bavail = max > used ? max - used : 0;
		st->files = s->max_inodes ? s->max_inodes : max;
		st->ffree = st->files > s->used_inodes ? st->files - s->used_inodes : 0;
	}
	st->namelen = NAME_MAX;
	spin_unlock(&s->lock);
	return 0;
}

static void tmpfs_shutdown(struct super_block *sb)
{
	struct tmpfs_sb *s = sb->priv;

	if (s->lower_mnt)
		overlay_shutdown(s);
	kfree(s);
	sb->priv = NULL;
}

static void tmpfs_show(struct super_block *sb, struct seq *out)
{
	struct tmpfs_sb *s = sb->priv;

	if (s->max_pages)
		seq_printf(out, ",size=%lluk", (unsigned long long)s->max_pages * 4);
	if (s->max_inodes)
		seq_printf(out, ",nr_inodes=%llu", (unsigned long long)s->max_inodes);
	if (sb->root && (sb->root->mode & 07777) != 01777)
		seq_printf(out, ",mode=%o", sb->root->mode & 07777);
}

const struct super_ops tmpfs_super_ops = {
	.statfs = tmpfs_statfs,
	.free_inode = tmpfs_free_inode,
	.shutdown = tmpfs_shutdown,
	.show_options = tmpfs_show,
};

/* "12", "4k", "1m", "1g", "50%" of memory. False: not a number. */
static bool parse_size(const char *v, u64 *out)
{
	u64 n = 0;

	if (*v < '0' || *v > '9')
		return false;
	for (; *v >= '0' && *v <= '9'; v++)
		n = n * 10 + (u64)(*v - '0');
	switch (*v) {
	case 'g':
	case 'G': n <<= 10; /* fall through */
	case 'm':
	case 'M': n <<= 10; /* fall through */
	case 'k':
	case 'K':
		n <<= 10;
		v++;
		break;
	case '%': {
		struct frame_stats fr;

		frame_stats(&fr);
		n = (fr.limit ? fr.limit : fr.total) * PAGE_SIZE / 100 * n;
		v++;
		break;
	}
	}
	*out = n;
	return !*v;
}

static bool parse_base(const char *v, unsigned base, u32 *out)
{
	u32 n = 0;

	if (!*v)
		return false;
	for (; *v; v++) {
		if (*v < '0' || *v >= (char)('0' + base))
			return false;
		n = n * base + (u32)(*v - '0');
	}
	*out = n;
	return true;
}

static int option(struct tmpfs_sb *s, struct make_args *root, char *key)
{
	char *v = strchr(key, '=');
	u64 n;

	if (v)
		*v++ = 0;
	else
		v = key + strlen(key);
	if (!strcmp(key, "size")) {
		if (!parse_size(v, &n))
			return -EINVAL;
		s->max_pages = (n + PAGE_SIZE - 1) / PAGE_SIZE;
	} else if (!strcmp(key, "nr_blocks")) {
		if (!parse_size(v, &s->max_pages))
			return -EINVAL;
	} else if (!strcmp(key, "nr_inodes")) {
		if (!parse_size(v, &s->max_inodes))
			return -EINVAL;
	} else if (!strcmp(key, "mode")) {
		if (!parse_base(v, 8, &root->mode))
			return -EINVAL;
		root->mode = S_IFDIR | (root->mode & 07777);
	} else if (!strcmp(key, "uid")) {
		return parse_base(v, 10, &root->uid) ? 0 : -EINVAL;
	} else if (!strcmp(key, "gid")) {
		return parse_base(v, 10, &root->gid) ? 0 : -EINVAL;
	} else if (strcmp(key, "huge") && strcmp(key, "mpol") && strcmp(key, "inode32") &&
		   strcmp(key, "inode64") && strcmp(key, "noswap") && *key) {
		return -EINVAL;
	}
	return 0;
}

static int options(struct tmpfs_sb *s, struct make_args *root, const char *data)
{
	char *copy, *p;
	int err = 0;

	if (!data || !*data)
		return 0;
	copy = kstrdup(data);
	if (!copy)
		return -ENOMEM;
	for (p = copy; p && !err;) {
		char *next = strchr(p, ',');

		if (next)
			*next++ = 0;
		err = option(s, root, p);
		p = next;
	}
	kfree(copy);
	return err;
}

static struct super_block *tmpfs_mount(const struct file_system *fs, const struct mount_args *a)
{
	struct make_args root = { .mode = S_IFDIR | 01777,
				  .uid = task_current()->cred->fsuid,
				  .gid = task_current()->cred->fsgid };
	struct super_block *sb;
	struct tmpfs_sb *s;
	struct inode *i;
	int err;

	sb = super_alloc(fs, &tmpfs_super_ops, TMPFS_MAGIC, a->flags);
	s = kzalloc(sizeof(*s));
	if (!sb || !s) {
		super_put(sb);
		kfree(s);
		return ERR_PTR(-ENOMEM);
	}
	s->sb = sb;
	sb->priv = s;
	if (!strcmp(fs->name, "ramfs")) {
		sb->magic = RAMFS_MAGIC;
		s->huge_names = true;
		root.mode = S_IFDIR | 0755;
	}
	err = options(s, &root, a->data);
	i = err ? ERR_PTR(err) : tmpfs_new(sb, &root);
	if (IS_ERR(i)) {
		kfree(s);
		super_put(sb);
		return (void *)i;
	}
	sb->root = i;
	return sb;
}

const struct file_system tmpfs_fs = {
	.name = "tmpfs",
	.handles = HANDLES_NUMBER,
	.nodev = true,
	.user_mount = true,
	.userns_mount = true,
	.mount = tmpfs_mount,
};
const struct file_system ramfs_fs = {
	.name = "ramfs",
	.nodev = true,
	.user_mount = true,
	.userns_mount = true,
	.mount = tmpfs_mount,
};
