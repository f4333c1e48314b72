/*
 * mmap.c - what mmap(2) asks of a file: rights in Linux's order, then where the pages come from.
 */
#include <linux/mman.h>

#include "fs/boot.h"
#include "fs/mount/mount.h"
#include "mm/mm.h"

static int fs_file_map(struct file *f, struct mm_file_map *m)
{
	bool shared = (m->flags & MAP_TYPE) != MAP_PRIVATE;
	struct mmap_request req = {
		.len = m->len, .off = m->off, .prot = m->prot, .flags = m->flags
	};
	int err;

	if (shared && (m->prot & PROT_WRITE) && !(f->mode & FMODE_WRITE))
		return -EACCES;
	if (!(f->mode & FMODE_READ))
		return -EACCES;
	if (f->path && (f->path->mnt->flags & MNT_NOEXEC)) {
		if (m->prot & PROT_EXEC)
			return -EPERM;
		m->max_prot &= ~PROT_EXEC;
	}
	if (shared && !(f->mode & FMODE_WRITE))
		m->max_prot &= ~PROT_WRITE;
	if (!f->ops->mmap)
		return -ENODEV;
	err = f->ops->mmap(f, &req);
	m->pc = req.pc;
	m->zero = req.zero;
	if (req.never_write)
		m->max_prot &= ~PROT_WRITE;
	return err;
}

static void fs_map_get(struct file *f)
{
	file_get(f);
	if (unlikely(f->ops && f->ops->map_count))
		f->ops->map_count(f, 1);
}

static void fs_map_put(struct file *f)
{
	if (unlikely(f->ops && f->ops->map_count))
		f->ops->map_count(f, -1);
	file_put(f);
}

/* About six cached names (dentry, inodes, string) make a frame of heap. */
static u64 fs_reclaim(u64 frames)
{
	return (dcache_reclaim(frames * 6) + 5) / 6;
}

void fs_mmap_init(void)
{
	static const struct mm_hooks hooks = {
		.file_map = fs_file_map,
		.file_get = fs_map_get,
		.file_put = fs_map_put,
		.reclaim = fs_reclaim,
	};

	mm_set_hooks(&hooks);
}
