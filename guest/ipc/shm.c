/*
 * shm.c - the segments of System V shared memory: create, look at, change, remove. shm_attach.c maps them.
 *
 * The memory is an unlinked file in memory, "SYSV%08x", whose pages are charged as they are touched. A segment that is
 * removed while attached stays in the table under its identifier, without a key, until its last area goes.
 * Differs from Linux: there are no huge pages (SHM_HUGETLB: ENOMEM); SHM_LOCK only marks, as nothing is swapped.
 */
#include <linux/capability.h>

#include "fs/anon/memfd.h"
#include "ipc/shm.h"
#include "lib/log.h"
#include "mm/mm.h"
#include "mm/pagecache.h"
#include "mm/slab.h"
#include "task/ns/pidns.h"
#include "task/task.h"
#include "task/ucounts.h"

static u64 pages_of(u64 size)
{
	return (size + PAGE_SIZE - 1) >> PAGE_SHIFT;
}

static void uncharge_lock(struct shm_segment *s)
{
	ucounts_sub(s->locker, UCOUNT_MEMLOCK, pages_of(s->size));
	ucounts_put(s->locker);
	s->locker = NULL;
}

/* The last reference: it is out of the table and nobody maps it. */
static void shm_free(struct ipc_perm *p)
{
	struct shm_segment *s = shm_of(p);

	uncharge_lock(s);
	if (s->file)
		file_put(s->file);
	kfree(s);
}

void shm_ns_init(struct ipc_ns *ns)
{
	ipc_ids_init(&ns->shm, shm_free);
	ns->shm_max = SHMMAX;
	ns->shm_all = SHMALL;
	ns->shm_mni = SHMMNI;
}

/* An attachment holds a reference to the namespace: none is left. */
void shm_ns_exit(struct ipc_ns *ns)
{
	struct ipc_perm *p;
	int i = 0;

	while ((p = ipc_next(&ns->shm, &i))) {
		ipc_remove(p);
		spin_unlock(&ns->shm.lock);
		ipc_put(p);
	}
}

/* ---- shmget ---- */

static int reserve(struct ipc_ns *ns, u64 pages)
{
	bool fits;

	spin_lock(&ns->shm.lock);
	fits = ns->shm_total + pages >= ns->shm_total && ns->shm_total + pages <= ns->shm_all;
	if (fits)
		ns->shm_total += pages;
	spin_unlock(&ns->shm.lock);
	return fits ? 0 : -ENOSPC;
}

static int shm_make(struct ipc_ns *ns, s32 key, u64 size, u32 flags)
{
	struct shm_segment *s;
	struct file *f;
	char name[16];
	int err;

	if (size < SHMMIN || size > ns->shm_max)
		return -EINVAL;
	if (pages_of(size) << PAGE_SHIFT < size)
		return -ENOSPC;
	if (flags & SHM_HUGETLB)
		return -ENOMEM;
	if (!(flags & SHM_NORESERVE) && !mm_may_commit(pages_of(size)))
		return -ENOMEM;
	err = reserve(ns, pages_of(size));
	if (err)
		return err;
	err = -ENOMEM;
	s = kzalloc(sizeof(*s));
	if (!s)
		goto unreserve;
	ksnprintf(name, sizeof(name), "SYSV%08x", (u32)key);
	f = memfd_shared(name, size);
	if (IS_ERR(f)) {
		err = (int)PTR_ERR(f);
		goto free;
	}
	s->file = f;
	s->ns = ns;
	s->size = size;
	s->ctime = ipc_time();
	s->cpid = ipc_pid();
	file_get(f); /* once it is in the table, another thread may remove it */
	err = ipc_enter(&ns->shm, &s->perm, key, flags, ns->shm_mni);
	if (err >= 0) {
		f->inode->ino = (u64)err; /* /proc/PID/maps shows the identifier there */
		file_put(f);
		return err;
	}
	file_put(f);
	file_put(f);
free:
	kfree(s);
unreserve:
	spin_lock(&ns->shm.lock);
	ns->shm_total -= pages_of(size);
	spin_unlock(&ns->shm.lock);
	return err;
}

static int shm_fits(const struct ipc_perm *p, u64 size)
{
	return container_of(p, const struct shm_segment, perm)->size < size ? -EINVAL : 0;
}

int shm_get(struct ipc_ns *ns, s32 key, u64 size, u32 flags)
{
	static const struct ipc_get_ops ops = { shm_make, shm_fits };

	return ipc_get_object(ns, &ns->shm, key, size, flags, &ops);
}

/* ---- shmctl ---- */

static struct shm_segment *lock_owned(struct ipc_ns *ns, s32 id, int *err)
{
	struct ipc_perm *p = ipc_lock(&ns->shm, id);

	*err = IS_ERR(p) ? (int)PTR_ERR(p) : ipc_owner(p);
	if (!*err)
		return shm_of(p);
	if (!IS_ERR(p))
		spin_unlock(&ns->shm.lock);
	return NULL;
}

int shm_stat(struct ipc_ns *ns, s32 id, int cmd, struct abi_shmid_ds *out)
{
	struct ipc_perm *p = ipc_lock_stat(&ns->shm, id, cmd != IPC_STAT, cmd == SHM_STAT_ANY);
	struct shm_segment *s;
	int ret;

	if (IS_ERR(p))
		return (int)PTR_ERR(p);
	s = shm_of(p);
	*out = (struct abi_shmid_ds){ .segsz = s->size,
				      .atime = s->atime,
				      .dtime = s->dtime,
				      .ctime = s->ctime,
				      .cpid = pid_vnr(s->cpid),
				      .lpid = pid_vnr(s->lpid),
				      .nattch = s->nattch };
	ipc_show_perm(p, &out->perm);
	ret = cmd == IPC_STAT ? 0 : p->id;
	spin_unlock(&ns->shm.lock);
	return ret;
}

int shm_set(struct ipc_ns *ns, s32 id, const struct abi_shmid_ds *in)
{
	struct shm_segment *s;
	int err;

	s = lock_owned(ns, id, &err);
	if (!s)
		return err;
	err = ipc_set_perm(&s->perm, &in->perm);
	if (!err)
		s->ctime = ipc_time();
	spin_unlock(&ns->shm.lock);
	return err;
}

int shm_remove(struct ipc_ns *ns, s32 id)
{
	struct shm_segment *s;
	int err;

	s = lock_owned(ns, id, &err);
	if (!s)
		return err;
	if (s->nattch) {
		s->perm.mode |= SHM_DEST;
		s->perm.key = IPC_PRIVATE;
		spin_unlock(&ns->shm.lock);
		return 0;
	}
	ipc_remove(&s->perm);
	ns->shm_total -= pages_of(s->size);
	spin_unlock(&ns->shm.lock);
	ipc_put(&s->perm);
	return 0;
}

/* Locked and unlocked pages are the same here; what is locked counts. ns->shm.lock held. */
static int set_locked(struct shm_segment *s, bool lock)
{
	u64 limit = capable(CAP_IPC_LOCK) ? ~0ULL : task_rlimit(RLIMIT_MEMLOCK) >> PAGE_SHIFT;
	struct ucounts *u = task_current()->ucounts;

	if (lock == !!(s->perm.mode & SHM_LOCKED))
		return 0;
	if (!lock) {
		s->perm.mode &= ~(u32)SHM_LOCKED;
		uncharge_lock(s);
		return 0;
	}
	if (!ucounts_charge(u, UCOUNT_MEMLOCK, pages_of(s->size), limit))
		return -ENOMEM;
	s->locker = ucounts_get(u);
	s->perm.mode |= SHM_LOCKED;
	return 0;
}

int shm_lock(struct ipc_ns *ns, s32 id, bool lock)
{
	u32 euid = task_current()->cred->euid;
	struct ipc_perm *p = ipc_lock(&ns->shm, id);
	int err;

	if (IS_ERR(p))
		return (int)PTR_ERR(p);
	if (!capable(CAP_IPC_LOCK) &&
	    ((euid != p->uid && euid != p->cuid) || (lock && !task_rlimit(RLIMIT_MEMLOCK))))
		err = -EPERM;
	else
		err = set_locked(shm_of(p), lock);
	spin_unlock(&ns->shm.lock);
	return err;
}

u64 shm_resident(const struct shm_segment *s)
{
	return READ_ONCE(s->file->inode->pc->nr_pages);
}

int shm_limits(struct ipc_ns *ns, struct abi_shminfo *out)
{
	*out = (struct abi_shminfo){ .shmmax = ns->shm_max,
				     .shmmin = SHMMIN,
				     .shmmni = ns->shm_mni,
				     .shmseg = ns->shm_mni,
				     .shmall = ns->shm_all };
	return MAX(READ_ONCE(ns->shm.max_index), 0);
}

int shm_usage(struct ipc_ns *ns, struct abi_shm_info *out)
{
	int max;

	*out = (struct abi_shm_info){ 0 };
	spin_lock(&ns->shm.lock);
	out->used_ids = (s32)ns->shm.used;
	out->tot = ns->shm_total;
	for (int i = 0; i <= ns->shm.max_index; i++)
		if (ns->shm.slot[i])
			out->rss += shm_resident(shm_of(ns->shm.slot[i]));
	max = MAX(ns->shm.max_index, 0);
	spin_unlock(&ns->shm.lock);
	return max;
}
