/*
 * sem.h - System V semaphores (semget(2), semop(2), semctl(2)).
 *
 * Locks: ns->sem.lock guards sets, their waiters and every undo list of the namespace.
 */
#ifndef MOAT_IPC_SEM_H
#define MOAT_IPC_SEM_H

#include "ipc/ipc.h"

struct task;

struct sem {
	s32 val;
	s32 pid; /* of the last operation */
};

struct sem_set {
	struct ipc_perm perm;
	struct ipc_ns *ns;
	s64 otime, ctime;
	u32 nsems;
	struct list waiters; /* struct sem_wait, in the order in which they came */
	struct list undos;   /* struct sem_undo.in_set */
	struct sem sem[];
};

/* What the processes that share one undo list gave to one set and take back at exit (SEM_UNDO). */
struct sem_undo {
	struct list in_set, in_list;
	struct sem_set *set; /* NULL: it was removed */
	struct ipc_ns *ns;   /* with a reference */
	s16 adj[];
};

/* Shared by CLONE_SYSVSEM. */
struct sem_undo_list {
	struct ref ref;
	struct list undos; /* struct sem_undo.in_list */
};

/* A task that sleeps in semop(2). */
struct sem_wait {
	struct list node;
	struct task *task;
	const struct abi_sembuf *ops;
	unsigned nops;
	struct sem_undo *undo;
	unsigned blocking; /* the operation that cannot be done */
	int pid, status;   /* status: SEM_WAITING until somebody decides */
	bool alters;
};
#define SEM_WAITING 1

static inline struct sem_set *sem_of(struct ipc_perm *p)
{
	return container_of(p, struct sem_set, perm);
}

void sem_ns_init(struct ipc_ns *ns);
void sem_ns_exit(struct ipc_ns *ns);

/* sem.c: semget(2), semctl(2). */
int sem_get(struct ipc_ns *ns, s32 key, int nsems, u32 flags);
int sem_stat(struct ipc_ns *ns, s32 id, int cmd, struct abi_semid_ds *out);
int sem_set_owner(struct ipc_ns *ns, s32 id, const struct abi_semid_ds *in);
int sem_remove(struct ipc_ns *ns, s32 id);
int sem_info(struct ipc_ns *ns, bool usage, struct abi_seminfo *out); /* the largest index in use */
/* GETVAL, GETPID, GETNCNT, GETZCNT: the value. */
int sem_query(struct ipc_ns *ns, s32 id, int num, int cmd);
int sem_set_value(struct ipc_ns *ns, s32 id, int num, int val);
/* With a reference, rights checked (IPC_READ: GETALL, IPC_WRITE: SETALL); ipc_put. ERR_PTR. */
struct sem_set *sem_find(struct ipc_ns *ns, s32 id, u32 want);
int sem_get_all(struct sem_set *s, u16 *vals);	     /* nsems of them; -EIDRM */
int sem_set_all(struct sem_set *s, const u16 *vals); /* -ERANGE, -EIDRM */

/* sem_op.c: the deadline is of clock_mono(), or NO_DEADLINE. Errors of semtimedop(2). */
int sem_operate(struct ipc_ns *ns, s32 id, const struct abi_sembuf *ops, unsigned n, u64 deadline);
/* Values of the set changed: do what became possible. Locked. */
void sem_update(struct sem_set *s);
/* The set goes: its waiters get -EIDRM. Locked. */
void sem_wake_removed(struct sem_set *s);

/* sem_undo.c */
/* The current task's entry for the set, made if need be. Locked set; returns with it locked. ERR_PTR(-ENOMEM, -EIDRM). */
struct sem_undo *sem_undo_get(struct sem_set *s);
/* Values were set by hand: what was to be undone is void. num -1: all. Locked. */
void sem_undo_clear(struct sem_set *s, int num);
void sem_undo_detach(struct sem_set *s); /* the set goes; locked */
/* For task/: what clone(2) and exit do with a task's list. */
struct sem_undo_list *sem_undo_share(struct sem_undo_list **own); /* NULL: no memory */
void sem_undo_exit(struct sem_undo_list *l);

#endif
