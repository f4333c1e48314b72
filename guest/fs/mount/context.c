/*
 * context.c - see mount/api.h: the descriptors of fsopen(2) and fspick(2). A context's mutex guards all of it.
 */
#include <linux/mount.h>
#include <string.h>

#include "fs/abi.h"
#include "fs/mount/mount.h"
#include "fs/mount/api.h"
#include "lib/log.h"
#include "mm/slab.h"

#define DATA_MAX 4096

enum phase { PARAMS, CREATED, MOUNTED, RECONFIGURE, FAILED };

struct mount_context {
	struct mutex mutex;
	enum phase phase;
	const struct file_system *fs;
	struct super_block *sb; /* fspick: with a reference */
	struct mount *made;	/* CREATED: not handed out yet */
	char *source;
	u32 flags; /* MS_* of the file system */
	size_t len;
	char data[DATA_MAX]; /* key=value,key */
};

static void context_release(struct file *f)
{
	struct mount_context *c = f->priv;

	if (c->made)
		mount_put(c->made);
	super_put(c->sb);
	kfree(c->source);
	kfree(c);
}

/* Messages about what went wrong: none are kept. */
static s64 context_read(struct file *f, struct iov *to, u64 *pos)
{
	return -ENODATA;
}

static const struct file_ops context_ops = {
	.name = "[fscontext]",
	.read = context_read,
	.release = context_release,
};

bool is_mount_context(const struct file *f)
{
	return f->ops == &context_ops;
}

static struct file *open_context(const struct file_system *fs, struct super_block *sb, u32 flags)
{
	struct mount_context *c = kzalloc(sizeof(*c));
	struct file *f;

	if (!c)
		return ERR_PTR(-ENOMEM);
	mutex_init(&c->mutex);
	c->fs = fs;
	c->phase = sb ? RECONFIGURE : PARAMS;
	f = file_alloc_anon(&context_ops, O_RDWR | flags, c);
	if (IS_ERR(f)) {
		kfree(c);
		return f;
	}
	if (sb) {
		super_get(sb);
		c->sb = sb;
		c->flags = sb->flags & MS_RDONLY;
	}
	return f;
}

struct file *mount_context_open(const char *name, u32 flags)
{
	const struct file_system *fs = fs_find(name);

	if (!fs || !fs->user_mount)
		return ERR_PTR(-ENODEV);
	return open_context(fs, NULL, flags);
}

struct file *mount_context_pick(const struct path_ref *p, u32 flags)
{
	if (p->dentry != p->mnt->root)
		return ERR_PTR(-EINVAL);
	return open_context(p->mnt->sb->fs, p->mnt->sb, flags);
}

/* Flags of every file system, by name; the rest is its own matter. */
static bool generic_flag(struct mount_context *c, const char *key)
{
	static const struct {
		const char *name;
		u32 set, clear;
	} flags[] = {
		{ "ro", MS_RDONLY, 0 },		  { "rw", 0, MS_RDONLY },
		{ "sync", MS_SYNCHRONOUS, 0 },	  { "async", 0, MS_SYNCHRONOUS },
		{ "dirsync", MS_DIRSYNC, 0 },	  { "lazytime", MS_LAZYTIME, 0 },
		{ "nolazytime", 0, MS_LAZYTIME },
	};

	for (size_t i = 0; i < ARRAY_SIZE(flags); i++) {
		if (strcmp(key, flags[i].name))
			continue;
		c->flags = (c->flags | flags[i].set) & ~flags[i].clear;
		return true;
	}
	return false;
}

static int set_source(struct mount_context *c, const char *value)
{
	if (c->source)
		return -EINVAL;
	c->source = kstrdup(value);
	return c->source ? 0 : -ENOMEM;
}

static int add_data(struct mount_context *c, const char *key, const char *value)
{
	size_t n = strlen(key) + (value ? strlen(value) + 1 : 0) + 1;

	if (strchr(key, ',') || (value && strchr(value, ',')))
		return -EINVAL;
	if (c->len + n >= sizeof(c->data))
		return -EINVAL;
	ksnprintf(c->data + c->len, sizeof(c->data) - c->len, "%s%s%s%s", c->len ? "," : "", key,
		  value ? "=" : "", value ? value : "");
	c->len += strlen(c->data + c->len);
	return 0;
}

int mount_context_set(struct file *f, const char *key, const char *value)
{
	struct mount_context *c = f->priv;
	int err;

	mutex_lock(&c->mutex);
	if (c->phase != PARAMS && c->phase != RECONFIGURE)
		err = -EBUSY;
	else if (!value && generic_flag(c, key))
		err = 0;
	else if (value && !strcmp(key, "source"))
		err = set_source(c, value);
	else
		err = add_data(c, key, value);
	mutex_unlock(&c->mutex);
	return err;
}

int mount_context_create(struct file *f)
{
	struct mount_context *c = f->priv;
	struct mount_args a = { 0 };
	struct mount *m;
	int err = 0;

	mutex_lock(&c->mutex);
	if (c->phase != PARAMS) {
		err = -EBUSY;
		goto out;
	}
	a = (struct mount_args){ .flags = c->flags,
				 .source = c->source,
				 .data = c->len ? c->data : NULL };
	m = mount_make(c->fs, &a);
	c->phase = IS_ERR(m) ? FAILED : CREATED;
	if (IS_ERR(m))
		err = (int)PTR_ERR(m);
	else
		c->made = m;
out:
	mutex_unlock(&c->mutex);
	return err;
}

int mount_context_reconfigure(struct file *f)
{
	struct mount_context *c = f->priv;
	int err;

	mutex_lock(&c->mutex);
	err = c->phase != RECONFIGURE ? -EBUSY
				      : super_reconfigure(c->sb, c->flags, c->len ? c->data : NULL);
	c->len = 0;
	mutex_unlock(&c->mutex);
	return err;
}

struct file *mount_context_mount(struct file *f, u32 attr)
{
	struct mount_context *c = f->priv;
	struct file *tree;
	u32 flags;
	int err = mount_attr_flags(attr, &flags);

	if (err)
		return ERR_PTR(err);
	mutex_lock(&c->mutex);
	if (c->phase != CREATED) {
		tree = ERR_PTR(c->phase == PARAMS || c->phase == FAILED ? -EINVAL : -EBUSY);
	} else if (c->made->locked_flags & ~flags) {
		tree = ERR_PTR(-EPERM);
	} else {
		c->made->flags = flags;
		tree = mount_tree_file(c->made);
		c->made = NULL;
		c->phase = MOUNTED;
	}
	mutex_unlock(&c->mutex);
	return tree;
}
