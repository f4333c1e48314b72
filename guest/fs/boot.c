/*
 * boot.c - the file tree of a container: its root, its mounts (mount/table.c), an fs_context.
 *
 * A tree hangs on nothing: the root mount has no parent, so no path leads from one container to another. It is built by
 * a task that nobody else sees (the boot thread, or whoever makes a container).
 */
#include <linux/mount.h>
#include <string.h>

#include "abi/boot.h"
#include "fs/boot.h"
#include "fs/mount/mount.h"
#include "fs/mount/table.h"
#include "fs/p9/p9.h"
#include "lib/log.h"
#include "mm/slab.h"
#include "task/task.h"

static struct mount *mount_gofer(const struct fs_container *c, const char *aname, u32 flags)
{
	struct p9_boot boot = { .queue = c->queue, .aname = aname };
	struct mount_args a = { .source = "gofer", .boot = &boot, .flags = flags };

	return mount_create(fs_find("9p"), &a);
}

static struct mount *mount_root(const struct fs_container *c)
{
	struct overlay_boot layers = { .max_bytes = c->overlay_size,
				       .used_bytes = c->overlay_used };
	struct mount_args a = { .source = "tmpfs", .data = "mode=755" };

	if (!c->root_p9)
		return mount_create(fs_find("tmpfs"), &a);
	layers.lower = mount_gofer(c, "", c->overlay || !c->root_rw ? MS_RDONLY : 0);
	if (IS_ERR(layers.lower) || !c->overlay)
		return layers.lower;
	if (c->overlay == BOOT_OVERLAY_FILE) {
		layers.upper = mount_gofer(c, BOOT_OVERLAY_EXPORT, 0);
		if (IS_ERR(layers.upper)) {
			mount_put(layers.lower);
			return layers.upper;
		}
	}
	a = (struct mount_args){ .source = "overlay", .boot = &layers };
	return mount_create(fs_find("overlay"), &a);
}

/* The directories above path, and path itself if it is to be one. */
static int make_path(const char *path, const struct setattr *owner)
{
	char *part = kstrdup(path);
	int err = part ? 0 : -ENOMEM;

	for (char *end = part; !err && *end;) {
		struct path_ref p;
		char sep;

		end += strspn(end, "/");
		end += strcspn(end, "/");
		sep = *end;
		*end = 0;
		err = vfs_mkdir(AT_FDCWD, part, owner ? 0777 : 0755);
		if (!err && owner && !path_lookup(AT_FDCWD, part, 0, &p)) {
			struct setattr a = *owner;

			vfs_setattr(&p, &a);
			path_put(&p);
		} else if (err == -EEXIST) {
			err = 0;
		}
		*end = sep;
	}
	kfree(part);
	return err;
}

/* What the link at path leads to, of which path_dir bytes name its directory; to be freed. */
static char *link_target(const char *path, size_t path_dir)
{
	char *text = kmalloc(PATH_MAX), *to = NULL;
	struct path_ref p;
	s64 n = text ? path_lookup(AT_FDCWD, path, 0, &p) : -ENOMEM;

	if (n)
		goto out;
	n = vfs_readlink(&p, text, PATH_MAX - 1);
	path_put(&p);
	if (n < 0)
		goto out;
	text[n] = 0;
	n = *text == '/' ? 0 : (s64)path_dir + 1;
	to = kmalloc((size_t)n + strlen(text) + 1);
	if (!to)
		goto out;
	memcpy(to, path, (size_t)n);
	strcpy(to + n, text);
out:
	kfree(text);
	return to;
}

/* A link that leads nowhere, as to systemd-resolved's file in /run, gets what it names. */
static int make_file(const char *path, int links)
{
	const char *slash = strrchr(path, '/');
	char *other = kstrdup(path);
	int err = other ? 0 : -ENOMEM;

	if (!err) {
		other[slash - path] = 0;
		err = make_path(other, NULL);
	}
	kfree(other);
	if (!err)
		err = vfs_mknod(AT_FDCWD, path, S_IFREG | 0755, 0);
	if (err != -EEXIST)
		return err;
	other = links ? link_target(path, (size_t)(slash - path)) : NULL;
	if (other && strchr(other, '/'))
		err = make_file(other, links - 1);
	kfree(other);
	return err;
}

int fs_make_mountpoint(const char *path, bool dir)
{
	return dir || !strchr(path, '/') ? make_path(path, NULL) : make_file(path, 8);
}

/* ENOENT where a parent is missing and EROFS are what a root without room for the directory answers. */
static int find_cwd(const char *cwd, u32 uid, u32 gid, struct path_ref *p)
{
	struct setattr owner = { .valid = ATTR_UID | ATTR_GID, .uid = uid, .gid = gid };
	int err = path_lookup(AT_FDCWD, cwd, LOOKUP_FOLLOW | LOOKUP_DIRECTORY, p);

	if (err != -ENOENT)
		return err;
	err = make_path(cwd, &owner);
	return err ? err : path_lookup(AT_FDCWD, cwd, LOOKUP_FOLLOW | LOOKUP_DIRECTORY, p);
}

int fs_enter_cwd(const char *cwd, u32 uid, u32 gid)
{
	struct path_ref p;
	int err = find_cwd(cwd, uid, gid, &p);

	if (err)
		return err;
	fs_context_set_cwd(task_current()->fs, &p);
	path_put(&p);
	return 0;
}

/* Below the task's new root. */
static int furnish(const struct fs_container *c, struct mount *root, char *why, size_t size)
{
	struct path_ref cwd;
	int err;

	err = mount_table(c, why, size);
	if (err)
		return err;
	/* Whoever enters it later says what is wrong with it. */
	if (c->cwd && !find_cwd(c->cwd, c->uid, c->gid, &cwd))
		path_put(&cwd);
	if (c->readonly)
		root->flags |= MNT_RDONLY;
	return 0;
}

struct fs_context *fs_container_create(const struct fs_container *c, char *why, size_t size)
{
	struct task *t = task_current();
	struct fs_context *before = t->fs, *ctx;
	struct path_ref root;
	struct mount *m;
	int err;

	m = mount_root(c);
	if (IS_ERR(m)) {
		ksnprintf(why, size, "cannot mount the root");
		return (void *)m;
	}
	ctx = fs_context_clone(NULL);
	if (IS_ERR(ctx)) {
		mount_put(m);
		return ctx;
	}
	ctx->ns = mount_ns_create(m, NULL);
	if (!ctx->ns) {
		fs_context_put(ctx);
		return ERR_PTR(-ENOMEM);
	}
	root = (struct path_ref){ m, m->root };
	fs_context_set_root(ctx, &root);
	fs_context_set_cwd(ctx, &root);
	ctx->umask = 022;
	t->fs = ctx;
	err = furnish(c, m, why, size);
	t->fs = before;
	ctx->umask = c->umask;
	if (!err)
		return ctx;
	fs_context_put(ctx); /* the tree with it */
	return ERR_PTR(err);
}

void fs_container_drop(struct fs_context *fs)
{
	fs_context_put(fs); /* the tree with it */
}
