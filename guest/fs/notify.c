/*
 * notify.c - the slow halves of the hooks: from a dentry to the two objects whose watches want to know.
 *
 * A dentry's name and parent are copied under dcache_lock, where no rename moves them.
 */
#include <string.h>

#include "fs/notify.h"

u32 notify_watches;
static u32 last_cookie;

u32 notify_cookie(void)
{
	return atomic_add(&last_cookie, 1);
}

static u32 dir_bit(const struct inode *i)
{
	return S_ISDIR(i->mode) ? IN_ISDIR : 0;
}

void notify_inode_slow(struct inode *i, u32 mask)
{
	if (inode_marked(i, INODE_WATCHED))
		inotify_send(i, mask | dir_bit(i), 0, NULL, 0, false);
}

void notify_name_slow(struct inode *dir, const char *name, unsigned len, u32 mask, u32 cookie,
		      const struct inode *i)
{
	if (inode_marked(dir, INODE_WATCHED))
		inotify_send(dir, mask | (i ? dir_bit(i) : 0), cookie, name, len, false);
}

void notify_dentry_slow(struct dentry *d, u32 mask)
{
	struct inode *i = d->inode, *dir = NULL;
	char name[NAME_MAX + 1];
	bool unlinked = false;
	unsigned len = 0;

	if (!i)
		return;
	spin_lock(&dcache_lock);
	if (d->parent != d && d->parent->inode && inode_marked(d->parent->inode, INODE_WATCHED) &&
	    d->len <= NAME_MAX) {
		dir = d->parent->inode;
		inode_get(dir);
		len = d->len;
		memcpy(name, dentry_name(d), len);
		unlinked = d->flags & DENTRY_DELETED;
	}
	spin_unlock(&dcache_lock);
	if (dir) {
		inotify_send(dir, mask | dir_bit(i), 0, name, len, unlinked);
		inode_put(dir);
	}
	notify_inode_slow(i, mask);
}

void notify_gone(struct inode *i)
{
	if (inode_marked(i, INODE_WATCHED) && !i->nlink)
		inotify_end(i, IN_DELETE_SELF);
}

void notify_unmount(struct super_block *sb)
{
	if (notify_on())
		inotify_end_all(sb, IN_UNMOUNT);
}
