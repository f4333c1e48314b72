/*
 * shm.h - System V shared memory (shmget(2), shmat(2), shmctl(2)).
 */
#ifndef MOAT_IPC_SHM_H
#define MOAT_IPC_SHM_H

#include "ipc/ipc.h"

struct file;
struct mm;

struct shm_segment {
	struct ipc_perm perm;
	struct ipc_ns *ns; /* valid while it is in the table, or attached */
	struct file *file; /* its memory: an unlinked file; set once */
	u64 size;	   /* bytes */
	/* under ns->shm.lock */
	u64 nattch; /* areas that map it, and attachments in progress */
	s64 atime, dtime, ctime;
	int cpid, lpid;
	struct ucounts *locker; /* SHM_LOCKED: whose RLIMIT_MEMLOCK it counts against; a reference */
};

static inline struct shm_segment *shm_of(struct ipc_perm *p)
{
	return container_of(p, struct shm_segment, perm);
}

void shm_ns_init(struct ipc_ns *ns);
void shm_ns_exit(struct ipc_ns *ns);

/* The identifier; errors of shmget(2). */
int shm_get(struct ipc_ns *ns, s32 key, u64 size, u32 flags);
/* The address; errors of shmat(2). */
s64 shm_attach(struct ipc_ns *ns, s32 id, uaddr_t addr, u32 flags);
/* Unmap the segment that was attached at addr. -EINVAL. */
int shm_detach(struct mm *mm, uaddr_t addr);

int shm_stat(struct ipc_ns *ns, s32 id, int cmd,
	     struct abi_shmid_ds *out); /* IPC_STAT, SHM_STAT* */
int shm_set(struct ipc_ns *ns, s32 id, const struct abi_shmid_ds *in);
int shm_remove(struct ipc_ns *ns, s32 id);
int shm_lock(struct ipc_ns *ns, s32 id, bool lock);
/* The largest index in use; IPC_INFO and SHM_INFO. */
int shm_limits(struct ipc_ns *ns, struct abi_shminfo *out);
int shm_usage(struct ipc_ns *ns, struct abi_shm_info *out);
u64 shm_resident(const struct shm_segment *s); /* pages; locked */

#endif
