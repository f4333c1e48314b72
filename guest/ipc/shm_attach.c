/*
 * shm_attach.c - mapping segments of System V shared memory: shmat(2), shmdt(2), and the count of attachments.
 *
 * Each shmat(2) opens the segment's memory anew; areas hold that file. mm tells of each area that comes or goes (fork,
 * splits and merges too) through file_ops.map_count, so shm_nattch counts areas, as on Linux.
 *
 * Locks: map_count runs under mm->lock and takes ns->shm.lock alone. The segment's memory is freed by the file's release,
 * which mm calls without its lock.
 */
#include "fs/mount/mount.h"
#include "fs/vfs.h"
#include "ipc/shm.h"
#include "mm/mm.h"
#include "task/task.h"

#define PROT_R		    1
#define PROT_W		    2
#define PROT_X		    4
#define MAP_SHARED	    1
#define MAP_FIXED	    0x10
#define MAP_FIXED_NOREPLACE 0x100000

/* One user less. Whoever removed it left the rest to the last. */
static void shm_unuse(struct shm_segment *s)
{
	struct ipc_ns *ns = s->ns;
	bool last;

	spin_lock(&ns->shm.lock);
	last = !--s->nattch && (s->perm.mode & SHM_DEST) && !s->perm.deleted;
	if (last) {
		ipc_remove(&s->perm);
		ns->shm_total -= (s->size + PAGE_SIZE - 1) >> PAGE_SHIFT;
	}
	spin_unlock(&ns->shm.lock);
	if (last)
		ipc_put(&s->perm); /* never the last reference: the file that calls us has one */
}

static void shm_map_count(struct file *f, int change)
{
	struct shm_segment *s = f->priv;
	struct ipc_ns *ns = s->ns;

	spin_lock(&ns->shm.lock);
	s->lpid = ipc_pid();
	*(change > 0 ? &s->atime : &s->dtime) = ipc_time();
	s->nattch += change > 0;
	spin_unlock(&ns->shm.lock);
	if (change < 0)
		shm_unuse(s);
}

static void shm_release(struct file *f)
{
	struct shm_segment *s = f->priv;
	struct ipc_ns *ns = s->ns;

	ipc_put(&s->perm);
	ipc_ns_put(ns);
}

static const struct file_ops shm_fops = {
	.mmap = pagefile_mmap,
	.map_count = shm_map_count,
	.release = shm_release,
};

/* A file over the segment's memory; takes a reference of both on success. */
static struct file *open_segment(struct shm_segment *s, bool readonly)
{
	struct file *f = file_alloc(&shm_fops, readonly ? O_RDONLY : O_RDWR, s);

	if (IS_ERR(f))
		return ERR_PTR(-ENOMEM);
	f->inode = s->file->inode;
	inode_get(f->inode);
	file_set_path(f, s->file->path);
	ipc_get(&s->perm);
	ipc_ns_get(s->ns);
	return f;
}

/* The segment, which counts us as a user until shm_unuse. */
static struct shm_segment *use_segment(struct ipc_ns *ns, s32 id, u32 want)
{
	struct ipc_perm *p = ipc_lock(&ns->shm, id);
	int err;

	if (IS_ERR(p))
		return (void *)p;
	err = ipc_access(p, want);
	if (!err) {
		shm_of(p)->nattch++;
		ipc_get(p);
	}
	spin_unlock(&ns->shm.lock);
	return err ? ERR_PTR(err) : shm_of(p);
}

s64 shm_attach(struct ipc_ns *ns, s32 id, uaddr_t addr, u32 flags)
{
	u32 want = flags & SHM_RDONLY ? IPC_READ : IPC_READ | IPC_WRITE;
	int prot = flags & SHM_RDONLY ? PROT_R : PROT_R | PROT_W, map = MAP_SHARED;
	struct shm_segment *s;
	struct file *f;
	s64 ret;

	if (id < 0)
		return -EINVAL;
	if (addr && (addr & (PAGE_SIZE - 1))) {
		if (!(flags & SHM_RND))
			return -EINVAL;
		addr &= PAGE_MASK;
	}
	if (!addr && flags & SHM_REMAP)
		return -EINVAL;
	if (addr)
		map |= flags & SHM_REMAP ? MAP_FIXED : MAP_FIXED | MAP_FIXED_NOREPLACE;
	if (flags & SHM_EXEC) {
		want |= IPC_EXEC;
		prot |= PROT_X;
	}
	s = use_segment(ns, id, want);
	if (IS_ERR(s))
		return PTR_ERR(s);
	f = open_segment(s, flags & SHM_RDONLY);
	if (IS_ERR(f)) {
		ret = PTR_ERR(f);
	} else {
		ret = mm_mmap(task_current()->mm, addr, s->size, prot, map, f, 0);
		if (ret == -EEXIST)
			ret = -EINVAL;
		file_put(f);
	}
	shm_unuse(s);
	ipc_put(&s->perm);
	return ret;
}

/* ---- shmdt ---- */

struct find_area {
	uaddr_t base, from;	 /* address of the attachment; areas below `from` are done */
	const struct file *file; /* the first one decides which */
	uaddr_t start, end;	 /* out */
};

static int match(const struct vma_info *v, void *arg)
{
	struct find_area *a = arg;

	if (v->start < a->from || !v->file || v->file->ops != &shm_fops)
		return 0;
	if ((a->file && v->file != a->file) || v->start - a->base != v->off)
		return 0;
	a->file = v->file;
	a->start = v->start;
	a->end = v->end;
	return 1;
}

int shm_detach(struct mm *mm, uaddr_t addr)
{
	struct find_area a = { .base = addr, .from = addr };
	int ret = -EINVAL;

	if (addr & (PAGE_SIZE - 1))
		return -EINVAL;
	while (mm_for_each_vma(mm, match, &a)) {
		ret = mm_munmap(mm, a.start, a.end - a.start);
		if (ret)
			break;
		a.from = a.end;
	}
	return ret;
}
