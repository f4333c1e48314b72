/*
 * ipc.h - IPC namespaces, and what the three kinds of System V objects share: identifiers, keys, rights.
 *
 * Everything that two containers of one sandbox must not share hangs on struct ipc_ns: the objects, their limits, the
 * message queues of mq_open(3). The calls take the namespace from ipc_ns_current(), the one place that knows which it is.
 *
 * Locks: ids->lock (spinlock) guards the table, every object in it and all waiting on them. Objects are refcounted: the
 * table holds one reference; whoever sleeps or maps holds another and looks at perm->deleted when it has the lock again.
 */
#ifndef MOAT_IPC_IPC_H
#define MOAT_IPC_IPC_H

#include "ipc/abi.h"
#include "lib/atomic.h"
#include "lib/err.h"
#include "lib/list.h"
#include "lib/spinlock.h"
#include "lib/types.h"

struct ipc_ids;
struct ipc_ns;
struct mount;

/* First member of every object. */
struct ipc_perm {
	struct ref ref;
	struct ipc_ids *ids;
	s32 key, id;
	u32 uid, gid, cuid, cgid;
	u32 mode;
	bool deleted; /* out of the table */
};

#define IPC_INDEX_BITS 15
#define IPC_INDEX_MAX  (1u << IPC_INDEX_BITS)

/* The objects of one kind. An identifier is a sequence number and an index into slot. */
struct ipc_ids {
	struct spinlock lock;
	struct ipc_perm **slot;
	unsigned cap, used;
	int max_index;	/* largest that is in use, or -1 */
	int last_index; /* of the last one made */
	u16 seq;
	/* What an object holds; called without the lock, when the last reference is gone. */
	void (*free)(struct ipc_perm *p);
};

/* POSIX message queues: limits of mq_overview(7). */
struct mq_limits {
	u32 queues_max, msg_max, msgsize_max, msg_default, msgsize_default;
};

struct ipc_ns {
	struct ref ref;
	struct ipc_ids shm, sem, msg;
	u64 shm_max, shm_all, shm_total; /* bytes; pages; pages in use, under shm.lock */
	u32 shm_mni;
	u32 sem_msl, sem_opm, sem_mni;
	u64 sem_mns, sem_total;
	u32 msg_max, msg_mnb, msg_mni;
	u64 msg_bytes, msg_count; /* under msg.lock */
	struct mq_limits mq;
	u32 mq_count;
	struct mount *mq_mount; /* what mq_open(2) looks into; made at first use */
};

/* ns.c */
struct ipc_ns *ipc_ns_current(void); /* borrowed from the current task */
void ipc_ns_get(struct ipc_ns *ns);
void ipc_ns_put(struct ipc_ns *ns);
/* At boot, before the first mount: the first namespace, the file system "mqueue", the files of /proc. */
void ipc_init(void);

/* ids.c. `lock` in a name: the function takes ids->lock and returns with it held on success. */

void ipc_ids_init(struct ipc_ids *ids, void (*free)(struct ipc_perm *p));
/* Enter a new object; owner and creator are the current task. Takes over its reference. The identifier, -ENOSPC, -ENOMEM. */
int ipc_enter(struct ipc_ids *ids, struct ipc_perm *p, s32 key, u32 mode, unsigned limit);
/* Take it out of the table; drops the table's reference by ipc_put after unlocking, which the caller does. */
void ipc_remove(struct ipc_perm *p);
void ipc_put(struct ipc_perm *p);
static inline void ipc_get(struct ipc_perm *p)
{
	ref_get(&p->ref);
}
/* By identifier: -EINVAL. (-EIDRM is for those who were at it when it was removed.) */
struct ipc_perm *ipc_lock(struct ipc_ids *ids, s32 id);
/* IPC_STAT and its kin: `by_index` and `any` as the command says. Also -EACCES. */
struct ipc_perm *ipc_lock_stat(struct ipc_ids *ids, s32 id, bool by_index, bool any);
/* May the current task do this (IPC_READ, IPC_WRITE and their parts)? 0 or -EACCES. Locked. */
int ipc_access(const struct ipc_perm *p, u32 want);
/* May it IPC_SET and IPC_RMID? 0 or -EPERM. */
int ipc_owner(const struct ipc_perm *p);
/* IPC_SET: -EINVAL for an id that is none. */
int ipc_set_perm(struct ipc_perm *p, const struct abi_ipc_perm *from);
void ipc_show_perm(const struct ipc_perm *p, struct abi_ipc_perm *to);
/* First object whose index is >= *index, which is then put there; locked. NULL: none. */
struct ipc_perm *ipc_next(struct ipc_ids *ids, int *index);

/*
 * The part that the three get calls share. make() makes and enters an object (no lock held); fits() checks an existing one
 * (locked). The identifier, -ENOENT, -EEXIST, -EACCES or what make and fits return.
 */
struct ipc_get_ops {
	int (*make)(struct ipc_ns *ns, s32 key, u64 size, u32 flags);
	int (*fits)(const struct ipc_perm *p, u64 size);
};
int ipc_get_object(struct ipc_ns *ns, struct ipc_ids *ids, s32 key, u64 size, u32 flags,
		   const struct ipc_get_ops *ops);

/* proc.c */
void ipc_proc_init(void);

s64 ipc_time(void); /* seconds of CLOCK_REALTIME */
int ipc_pid(void);  /* of the current process */

#endif
