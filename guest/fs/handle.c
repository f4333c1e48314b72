/*
 * handle.c - see handle.h. A table of the inodes that somebody asked a handle for, without references; an inode that is in it
 * says so (INODE_HANDLES) and leaves it before it is freed. handle_lock (spin) guards it; nothing is taken inside.
 */
#include "fs/handle.h"

#include "fs/mount/mount.h"
#include "lib/log.h"
#include "mm/slab.h"

#define HASH_BITS 8

/* Kinds that Linux gives: tmpfs, kernfs, and handles that only tell files apart. */
#define TYPE_NUMBER 1
#define TYPE_KERNFS 0xfe
#define TYPE_FID    0x81

struct known {
	struct known *next;
	struct inode *inode;
	struct dentry *dentry; /* had this name; perhaps something else by now */
};

static struct spinlock handle_lock = SPINLOCK_INIT;
static struct known *buckets[1 << HASH_BITS];

static struct known **bucket(u64 ino)
{
	return &buckets[ino * 0x9e3779b97f4a7c15ULL >> (64 - HASH_BITS)];
}

/* Tells apart files that had the same number one after the other. */
static u32 generation(const struct inode *i)
{
	struct fs_time t = fs_time_unpack(i->btime);

	return (u32)t.sec * 1000003u + t.nsec;
}

static struct known *find(const struct super_block *sb, u64 ino)
{
	struct known *k;

	for (k = *bucket(ino); k; k = k->next)
		if (k->inode->ino == ino && k->inode->sb == sb)
			return k;
	return NULL;
}

static int remember(struct inode *i, struct dentry *d)
{
	struct known *new = kmalloc(sizeof(*new)), *k;

	if (!new)
		return -ENOMEM;
	spin_lock(&handle_lock);
	k = find(i->sb, i->ino);
	if (!k) {
		*new = (struct known){ *bucket(i->ino), i, d };
		*bucket(i->ino) = new;
		inode_mark(i, INODE_HANDLES);
	} else if (k->inode == i) {
		k->dentry = d;
	}
	spin_unlock(&handle_lock);
	if (k)
		kfree(new);
	return 0;
}

void handle_forget(struct inode *i)
{
	struct known **p, *k;

	spin_lock(&handle_lock);
	for (p = bucket(i->ino); (k = *p) && k->inode != i; p = &k->next)
		;
	if (k)
		*p = k->next;
	spin_unlock(&handle_lock);
	kfree(k);
}

int handle_of_path(const struct path_ref *p, struct file_handle *h, bool fid)
{
	struct inode *i = path_inode(p);
	bool kernfs = i->sb->fs->handles == HANDLES_KERNFS, real = i->sb->fs->handles;
	u32 need = real && kernfs ? 8 : 12, room = h->bytes;

	if (!real && !fid)
		return -EOPNOTSUPP;
	h->bytes = need;
	h->type = !real ? TYPE_FID : kernfs ? TYPE_KERNFS : TYPE_NUMBER;
	if (room < need)
		return -EOVERFLOW;
	if (h->type == TYPE_NUMBER) {
		h->data[0] = generation(i);
		h->data[1] = (u32)i->ino;
		h->data[2] = (u32)(i->ino >> 32);
	} else {
		h->data[0] = (u32)i->ino;
		h->data[1] = (u32)(i->ino >> 32);
		h->data[2] = generation(i);
	}
	return real ? remember(i, p->dentry) : 0;
}

/* A name of i: the one that was asked, if it still is; a directory's one name; else one that is in no directory. NULL. */
static struct dentry *dentry_of(struct inode *i, struct dentry *was)
{
	struct dentry *d;
	char number[24];

	spin_lock(&dcache_lock);
	d = i == i->sb->root ? i->sb->root_dentry : S_ISDIR(i->mode) ? i->dir_dentry : was;
	/* Dentries are never anything else; one that holds this inode is alive. */
	if (d && (d->inode != i || !ref_tryget(&d->ref)))
		d = NULL;
	spin_unlock(&dcache_lock);
	if (d || S_ISDIR(i->mode))
		return d;
	ksnprintf(number, sizeof(number), "#%llu", (unsigned long long)i->ino);
	inode_get(i);
	return dentry_detached(i->sb->root_dentry, number, i);
}

int handle_to_path(struct mount *mnt, const struct file_handle *h, struct path_ref *out)
{
	bool kernfs = mnt->sb->fs->handles == HANDLES_KERNFS;
	const u32 *number = kernfs ? h->data : h->data + 1;
	struct dentry *was = NULL, *d;
	struct inode *i = NULL;
	struct known *k;

	if (!mnt->sb->fs->handles || h->type != (kernfs ? TYPE_KERNFS : TYPE_NUMBER) ||
	    h->bytes < (kernfs ? 8 : 12))
		return -ESTALE;
	spin_lock(&handle_lock);
	k = find(mnt->sb, (u64)number[1] << 32 | number[0]);
	if (k && (kernfs || generation(k->inode) == h->data[0]) && ref_tryget(&k->inode->ref)) {
		i = k->inode;
		was = k->dentry;
	}
	spin_unlock(&handle_lock);
	if (!i)
		return -ESTALE;
	d = dentry_of(i, was);
	inode_put(i);
	if (!d)
		return -ESTALE;
	mount_get(mnt);
	*out = (struct path_ref){ mnt, d };
	return 0;
}
