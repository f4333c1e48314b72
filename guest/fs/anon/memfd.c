/*
 * memfd.c - memfd_create(2): unlinked files of a tmpfs that is mounted nowhere.
 */
#include <linux/memfd.h>
#include <string.h>

#include "fs/anon/memfd.h"
#include "fs/mount/mount.h"
#include "fs/tmpfs/tmpfs.h"
#include "lib/log.h"
#include "task/task.h"

#ifndef MFD_NOEXEC_SEAL
#define MFD_NOEXEC_SEAL 8
#define MFD_EXEC	16
#endif

static struct mutex lock = MUTEX_INIT(lock);
static struct mount *memory; /* lives as long as the Sentry */

static struct mount *get_mount(void)
{
	struct mount_args a = { .source = "tmpfs", .data = "mode=1777" };
	struct mount *m;

	mutex_lock(&lock);
	if (!memory)
		memory = mount_create(fs_find("tmpfs"), &a);
	m = memory;
	if (IS_ERR(m))
		memory = NULL;
	else
		m->flags |= MNT_INTERNAL;
	mutex_unlock(&lock);
	return m;
}

static struct file *make(const char *name, u32 mode, u32 seals, u64 size)
{
	const struct cred *c = task_current()->cred;
	struct make_args a = { .mode = S_IFREG | mode, .uid = c->fsuid, .gid = c->fsgid };
	struct path_ref p = { .mnt = get_mount() };
	struct inode *i;
	struct file *f;

	if (IS_ERR(p.mnt))
		return (void *)p.mnt;
	i = tmpfs_new(p.mnt->sb, &a);
	if (IS_ERR(i))
		return (void *)i;
	i->nlink = 0;
	tmpfs_own(i)->seals = seals;
	if (size) {
		pagecache_truncate(i->pc, size);
		i->size = size;
	}
	p.dentry = dentry_detached(p.mnt->root, name, i);
	if (!p.dentry)
		return ERR_PTR(-ENOMEM);
	f = vfs_open_path(&p, O_RDWR | O_LARGEFILE);
	dentry_put(p.dentry);
	/* As on Linux it can be executed while this descriptor is open. */
	if (!IS_ERR(f))
		file_end_writing(f);
	return f;
}

struct file *memfd_create(const char *name, u32 flags)
{
	u32 seals = F_SEAL_SEAL;
	char full[256];

	if (flags & MFD_NOEXEC_SEAL)
		seals = F_SEAL_EXEC;
	else if (flags & MFD_ALLOW_SEALING)
		seals = 0;
	ksnprintf(full, sizeof(full), "memfd:%s", name);
	return make(full, flags & MFD_NOEXEC_SEAL ? 0666 : 0777, seals, 0);
}

struct file *memfd_shared(const char *name, u64 size)
{
	return make(name, 0600, F_SEAL_SEAL, size);
}
