/*
 * ids.c - identifiers, keys and rights of System V objects (sysvipc(7)).
 *
 * An index is the lowest that is free; when it does not grow, the sequence number does, so that an identifier of a
 * removed object stays invalid for long. Keys are found by a walk over the table.
 */
#include <linux/capability.h>
#include <string.h>

#include "fs/vfs.h"
#include "ipc/ipc.h"
#include "mm/slab.h"
#include "task/task.h"

#define FIRST_SLOTS 16

s64 ipc_time(void)
{
	return fs_now().sec;
}

int ipc_pid(void)
{
	return task_current()->process->pid;
}

void ipc_ids_init(struct ipc_ids *ids, void (*free)(struct ipc_perm *p))
{
	spin_init(&ids->lock);
	ids->max_index = ids->last_index = -1;
	ids->free = free;
}

static bool grow(struct ipc_ids *ids)
{
	unsigned cap = ids->cap ? ids->cap * 2 : FIRST_SLOTS;
	struct ipc_perm **slot = krealloc(ids->slot, cap * sizeof(*slot));

	if (!slot)
		return false;
	memset(slot + ids->cap, 0, (cap - ids->cap) * sizeof(*slot));
	ids->slot = slot;
	ids->cap = cap;
	return true;
}

/* Locked. */
static struct ipc_perm *find_key(struct ipc_ids *ids, s32 key)
{
	for (int i = 0; i <= ids->max_index; i++)
		if (ids->slot[i] && ids->slot[i]->key == key)
			return ids->slot[i];
	return NULL;
}

int ipc_enter(struct ipc_ids *ids, struct ipc_perm *p, s32 key, u32 mode, unsigned limit)
{
	const struct cred *c = task_current()->cred;
	unsigned i = 0;
	int id;

	ref_init(&p->ref);
	p->ids = ids;
	p->key = key;
	p->mode = mode & 0777;
	p->uid = p->cuid = c->euid;
	p->gid = p->cgid = c->egid;
	spin_lock(&ids->lock);
	if (key != IPC_PRIVATE && find_key(ids, key)) {
		spin_unlock(&ids->lock);
		return -EEXIST;
	}
	if (ids->used >= MIN(limit, IPC_INDEX_MAX)) {
		spin_unlock(&ids->lock);
		return -ENOSPC;
	}
	while (i < ids->cap && ids->slot[i])
		i++;
	if (i == ids->cap && !grow(ids)) {
		spin_unlock(&ids->lock);
		return -ENOMEM;
	}
	if ((int)i <= ids->last_index)
		ids->seq++;
	ids->last_index = (int)i;
	ids->max_index = MAX(ids->max_index, (int)i);
	ids->slot[i] = p;
	ids->used++;
	id = p->id = ids->seq << IPC_INDEX_BITS | (int)i;
	spin_unlock(&ids->lock);
	return id;
}

void ipc_remove(struct ipc_perm *p)
{
	struct ipc_ids *ids = p->ids;

	p->deleted = true;
	p->key = IPC_PRIVATE;
	ids->slot[p->id & (IPC_INDEX_MAX - 1)] = NULL;
	ids->used--;
	while (ids->max_index >= 0 && !ids->slot[ids->max_index])
		ids->max_index--;
}

void ipc_put(struct ipc_perm *p)
{
	if (ref_put(&p->ref))
		p->ids->free(p);
}

/* By index, as SHM_STAT counts: -EINVAL. */
static struct ipc_perm *ipc_lock_index(struct ipc_ids *ids, s32 index)
{
	struct ipc_perm *p = NULL;

	spin_lock(&ids->lock);
	if (index >= 0 && index <= ids->max_index)
		p = ids->slot[index];
	if (p)
		return p;
	spin_unlock(&ids->lock);
	return ERR_PTR(-EINVAL);
}

struct ipc_perm *ipc_lock(struct ipc_ids *ids, s32 id)
{
	struct ipc_perm *p;

	if (id < 0)
		return ERR_PTR(-EINVAL);
	p = ipc_lock_index(ids, id & (s32)(IPC_INDEX_MAX - 1));
	if (IS_ERR(p) || p->id == id)
		return p;
	spin_unlock(&ids->lock);
	return ERR_PTR(-EINVAL);
}

struct ipc_perm *ipc_lock_stat(struct ipc_ids *ids, s32 id, bool by_index, bool any)
{
	struct ipc_perm *p = by_index ? ipc_lock_index(ids, id & (s32)(IPC_INDEX_MAX - 1))
				      : ipc_lock(ids, id);
	int err;

	if (IS_ERR(p) || any)
		return p;
	err = ipc_access(p, IPC_READ);
	if (!err)
		return p;
	spin_unlock(&ids->lock);
	return ERR_PTR(err);
}

int ipc_access(const struct ipc_perm *p, u32 want)
{
	const struct cred *c = task_current()->cred;
	u32 granted = p->mode;

	want |= want >> 6 | want >> 3;
	if (c->euid == p->cuid || c->euid == p->uid)
		granted >>= 6;
	else if (cred_in_group(c, p->cgid) || cred_in_group(c, p->gid))
		granted >>= 3;
	return want & ~granted & 7 && !capable(CAP_IPC_OWNER) ? -EACCES : 0;
}

int ipc_owner(const struct ipc_perm *p)
{
	u32 euid = task_current()->cred->euid;

	return euid == p->cuid || euid == p->uid || capable(CAP_SYS_ADMIN) ? 0 : -EPERM;
}

int ipc_set_perm(struct ipc_perm *p, const struct abi_ipc_perm *from)
{
	if (from->uid == ~0u || from->gid == ~0u)
		return -EINVAL;
	p->uid = from->uid;
	p->gid = from->gid;
	p->mode = (p->mode & ~0777u) | (from->mode & 0777);
	return 0;
}

void ipc_show_perm(const struct ipc_perm *p, struct abi_ipc_perm *to)
{
	*to = (struct abi_ipc_perm){ .key = p->key,
				     .uid = p->uid,
				     .gid = p->gid,
				     .cuid = p->cuid,
				     .cgid = p->cgid,
				     .mode = p->mode,
				     .seq = (u16)(p->id >> IPC_INDEX_BITS) };
}

struct ipc_perm *ipc_next(struct ipc_ids *ids, int *index)
{
	spin_lock(&ids->lock);
	for (; *index <= ids->max_index; ++*index)
		if (ids->slot[*index])
			return ids->slot[*index];
	spin_unlock(&ids->lock);
	return NULL;
}

int ipc_get_object(struct ipc_ns *ns, struct ipc_ids *ids, s32 key, u64 size, u32 flags,
		   const struct ipc_get_ops *ops)
{
	struct ipc_perm *p;
	int ret;

	if (key == IPC_PRIVATE)
		return ops->make(ns, key, size, flags);
	do {
		spin_lock(&ids->lock);
		p = find_key(ids, key);
		if (p) {
			if ((flags & IPC_CREAT) && (flags & IPC_EXCL))
				ret = -EEXIST;
			else
				ret = ops->fits(p, size) ?: ipc_access(p, flags) ?: p->id;
		}
		spin_unlock(&ids->lock);
		if (!p)
			ret = flags & IPC_CREAT ? ops->make(ns, key, size, flags) : -ENOENT;
		/* Somebody else made it meanwhile: then it is found. */
	} while (!p && ret == -EEXIST);
	return ret;
}
