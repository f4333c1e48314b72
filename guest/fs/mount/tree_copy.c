/*
 * tree_copy.c - a copy of a directory's content in a new file system (BOOT_MOUNT_COPYUP): names, types, owners, modes, data. No
 * hard links, times or extended attributes, as with runc.
 *
 * Without recursion: directories that are still to be done are on a list. Works by paths in two contexts whose roots are
 * source and copy, so that no symbolic link leads out of either.
 */
#include <linux/mount.h>
#include <string.h>

#include "fs/mount/mount.h"
#include "fs/mount/table.h"
#include "lib/err.h"
#include "lib/log.h"
#include "mm/slab.h"
#include "task/task.h"

#define PIECE 65536

struct name {
	struct list node;
	char path[]; /* from the root of both */
};

struct copier {
	struct fs_context *from, *to;
	struct list dirs; /* still to be done */
	char *piece;
};

static struct name *name_create(const char *dir, const char *name, size_t len)
{
	size_t n = strlen(dir) + len + 2;
	struct name *s = kmalloc(sizeof(*s) + n);

	if (s)
		ksnprintf(s->path, n, "%s/%.*s", dir, (int)len, name);
	return s;
}

/* ---- one directory's names ---- */

struct listing {
	struct dir_context ctx;
	const char *dir;
	struct list names;
	bool any, no_memory;
};

static bool collect(struct dir_context *ctx, const char *name, unsigned len, u64 next, u64 ino,
		    unsigned type)
{
	struct listing *l = container_of(ctx, struct listing, ctx);
	struct name *s;

	l->any = true;
	if ((len == 1 && name[0] == '.') || (len == 2 && name[0] == '.' && name[1] == '.'))
		return true;
	s = name_create(l->dir, name, len);
	if (!s)
		l->no_memory = true;
	else
		list_add_tail(&l->names, &s->node);
	return s != NULL;
}

static int list_names(const char *dir, struct listing *l)
{
	struct file *f = vfs_open(AT_FDCWD, *dir ? dir : "/", O_RDONLY | O_DIRECTORY, 0);
	int err = 0;

	if (IS_ERR(f))
		return PTR_ERR(f);
	do {
		l->any = false;
		mutex_lock(&f->pos_lock);
		mutex_lock(&f->inode->mutex);
		l->ctx.pos = f->pos;
		err = f->ops->readdir(f, &l->ctx);
		f->pos = l->ctx.pos;
		mutex_unlock(&f->inode->mutex);
		mutex_unlock(&f->pos_lock);
	} while (!err && l->any && !l->no_memory);
	file_put(f);
	return err ? err : l->no_memory ? -ENOMEM : 0;
}

/* ---- one name ---- */

static void use(struct fs_context *c)
{
	task_current()->fs = c;
}

static int copy_data(struct copier *c, const char *path, u32 mode)
{
	struct file *in, *out;
	u64 at = 0, to = 0;
	s64 n = 0;

	use(c->from);
	in = vfs_open(AT_FDCWD, path, O_RDONLY | O_NOFOLLOW, 0);
	use(c->to);
	out = vfs_open(AT_FDCWD, path, O_WRONLY | O_CREAT | O_EXCL, mode & 07777);
	if (IS_ERR(in) || IS_ERR(out))
		n = IS_ERR(in) ? PTR_ERR(in) : PTR_ERR(out);
	while (n >= 0) {
		struct iov_seg seg;
		struct iov v;

		iov_kernel(&v, &seg, c->piece, PIECE);
		n = in->ops->read(in, &v, &at);
		if (n <= 0)
			break;
		iov_kernel(&v, &seg, c->piece, (size_t)n);
		n = out->ops->write(out, &v, &to);
	}
	if (!IS_ERR(in))
		file_put(in);
	if (!IS_ERR(out))
		file_put(out);
	return n < 0 ? (int)n : 0;
}

static int make(struct copier *c, const struct name *s, const struct path_ref *p, u32 mode)
{
	s64 n;

	switch (mode & S_IFMT) {
	case S_IFREG: return copy_data(c, s->path, mode);
	case S_IFDIR: use(c->to); return vfs_mkdir(AT_FDCWD, s->path, mode & 07777);
	case S_IFLNK:
		use(c->from);
		n = vfs_readlink(p, c->piece, PIECE - 1);
		if (n < 0)
			return (int)n;
		c->piece[n] = 0;
		use(c->to);
		return vfs_symlink(c->piece, AT_FDCWD, s->path);
	default: use(c->to); return vfs_mknod(AT_FDCWD, s->path, mode, inode_rdev(path_inode(p)));
	}
}

/* True in *dir: it is a directory, whose turn comes. */
static int copy_one(struct copier *c, const struct name *s, bool *dir)
{
	struct setattr a = { .valid = ATTR_UID | ATTR_GID };
	struct path_ref p, q;
	struct inode *i;
	u32 mode;
	int err;

	use(c->from);
	err = path_lookup(AT_FDCWD, s->path, 0, &p);
	if (err)
		return err;
	i = path_inode(&p);
	mode = i->mode;
	a.uid = i->uid;
	a.gid = i->gid;
	*dir = S_ISDIR(mode);
	err = make(c, s, &p, mode);
	path_put(&p);
	use(c->to);
	if (!err)
		err = path_lookup(AT_FDCWD, s->path, 0, &q);
	if (err)
		return err;
	err = vfs_setattr(&q, &a);
	if (!err && !S_ISLNK(mode)) { /* the new owner took set-id bits away */
		a = (struct setattr){ .valid = ATTR_MODE, .mode = mode & 07777 };
		err = vfs_setattr(&q, &a);
	}
	path_put(&q);
	return err;
}

static int copy_dir(struct copier *c, const char *dir)
{
	struct listing l = { .ctx = { .emit = collect }, .dir = dir };
	int err;

	list_init(&l.names);
	use(c->from);
	err = list_names(dir, &l);
	while (!list_empty(&l.names)) {
		struct name *s = list_first(&l.names, struct name, node);
		bool is_dir = false;

		list_del(&s->node);
		if (!err)
			err = copy_one(c, s, &is_dir);
		if (!err && is_dir)
			list_add_tail(&c->dirs, &s->node);
		else
			kfree(s);
	}
	return err;
}

static struct fs_context *context_of(struct mount *m, struct dentry *d)
{
	struct fs_context *c = fs_context_clone(NULL);
	struct path_ref root = { m, d };

	if (!IS_ERR(c)) {
		fs_context_set_root(c, &root);
		fs_context_set_cwd(c, &root);
	}
	return c;
}

static int copy_all(struct copier *c)
{
	struct name *s;
	int err;

	err = copy_dir(c, "");
	while (!list_empty(&c->dirs)) {
		s = list_first(&c->dirs, struct name, node);
		list_del(&s->node);
		if (!err)
			err = copy_dir(c, s->path);
		kfree(s);
	}
	return err;
}

int tree_copy(const struct path_ref *from, struct mount *to)
{
	struct fs_context *before = task_current()->fs;
	struct copier c = {
		.from = context_of(from->mnt, from->dentry),
		.to = context_of(to, to->root),
		.piece = kmalloc(PIECE),
	};
	int err = -ENOMEM;

	list_init(&c.dirs);
	if (!IS_ERR(c.from) && !IS_ERR(c.to) && c.piece)
		err = copy_all(&c);
	use(before);
	if (!IS_ERR(c.from))
		fs_context_put(c.from);
	if (!IS_ERR(c.to))
		fs_context_put(c.to);
	kfree(c.piece);
	return err;
}
