/*
 * abi.h - structures, commands and limits of System V IPC on x86-64 (shmctl(2), semctl(2), msgctl(2)).
 *
 * The kernel's user headers want a libc's; what the Sentry needs of them stands here with its sizes checked.
 */
#ifndef MOAT_IPC_ABI_H
#define MOAT_IPC_ABI_H

#include "lib/types.h"

#define IPC_PRIVATE 0
#define IPC_CREAT   01000
#define IPC_EXCL    02000
#define IPC_NOWAIT  04000
#define IPC_RMID    0
#define IPC_SET	    1
#define IPC_STAT    2
#define IPC_INFO    3

#define IPC_READ  0444 /* bits of a permission request */
#define IPC_WRITE 0222
#define IPC_EXEC  0111

/* What IPC_SET may change, and the rights of every object. */
struct abi_ipc_perm {
	s32 key;
	u32 uid, gid, cuid, cgid, mode;
	u16 seq, pad;
	u64 unused[2];
};
_Static_assert(sizeof(struct abi_ipc_perm) == 48, "ipc64_perm");

/* ---- shared memory ---- */

#define SHM_LOCK     11
#define SHM_UNLOCK   12
#define SHM_STAT     13
#define SHM_INFO     14
#define SHM_STAT_ANY 15

#define SHM_DEST      01000 /* of the mode: removed, waits for its last detach */
#define SHM_LOCKED    02000
#define SHM_HUGETLB   04000 /* of shmget's flags */
#define SHM_NORESERVE 010000
#define SHM_RDONLY    010000 /* of shmat's flags */
#define SHM_RND	      020000
#define SHM_REMAP     040000
#define SHM_EXEC      0100000

#define SHMMIN 1
#define SHMMNI 4096
#define SHMMAX (~0ULL - (1ULL << 24))
#define SHMALL (~0ULL - (1ULL << 24))

struct abi_shmid_ds {
	struct abi_ipc_perm perm;
	u64 segsz;
	s64 atime, dtime, ctime;
	s32 cpid, lpid;
	u64 nattch, unused[2];
};
_Static_assert(sizeof(struct abi_shmid_ds) == 112, "shmid64_ds");

struct abi_shminfo {
	u64 shmmax, shmmin, shmmni, shmseg, shmall, unused[4];
};
struct abi_shm_info {
	s32 used_ids, pad;
	u64 tot, rss, swp, swap_attempts, swap_successes;
};
_Static_assert(sizeof(struct abi_shm_info) == 48, "shm_info");

/* ---- semaphores ---- */

#define GETPID	     11
#define GETVAL	     12
#define GETALL	     13
#define GETNCNT	     14
#define GETZCNT	     15
#define SETVAL	     16
#define SETALL	     17
#define SEM_STAT     18
#define SEM_INFO     19
#define SEM_STAT_ANY 20

#define SEM_UNDO 0x1000

#define SEMVMX 32767 /* largest value; and of an adjustment */
#define SEMMSL 32000 /* semaphores in a set */
#define SEMMNI 32000 /* sets */
#define SEMMNS (SEMMSL * SEMMNI)
#define SEMOPM 500

struct abi_sembuf {
	u16 num;
	s16 op, flags;
};
_Static_assert(sizeof(struct abi_sembuf) == 6, "sembuf");

struct abi_semid_ds {
	struct abi_ipc_perm perm;
	s64 otime;
	u64 unused1;
	s64 ctime;
	u64 unused2, nsems, unused3, unused4;
};
_Static_assert(sizeof(struct abi_semid_ds) == 104, "semid64_ds");

struct abi_seminfo {
	s32 semmap, semmni, semmns, semmnu, semmsl, semopm, semume, semusz, semvmx, semaem;
};

/* ---- messages ---- */

#define MSG_STAT     11
#define MSG_INFO     12
#define MSG_STAT_ANY 13

#define MSG_NOERROR 010000
#define MSG_EXCEPT  020000
#define MSG_COPY    040000

#define MSGMNI 32000 /* queues */
#define MSGMAX 8192  /* bytes of a message */
#define MSGMNB 16384 /* bytes of a queue */

struct abi_msqid_ds {
	struct abi_ipc_perm perm;
	s64 stime, rtime, ctime;
	u64 cbytes, qnum, qbytes;
	s32 lspid, lrpid;
	u64 unused[2];
};
_Static_assert(sizeof(struct abi_msqid_ds) == 120, "msqid64_ds");

struct abi_msginfo {
	s32 msgpool, msgmap, msgmax, msgmnb, msgmni, msgssz, msgtql;
	u16 msgseg, pad;
};
_Static_assert(sizeof(struct abi_msginfo) == 32, "msginfo");

#endif
