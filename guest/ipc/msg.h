/*
 * msg.h - System V message queues (msgget(2), msgop(2), msgctl(2)).
 *
 * Locks: ns->msg.lock guards queues and their messages. Sleepers wait on the queue's wait queues and look again.
 */
#ifndef MOAT_IPC_MSG_H
#define MOAT_IPC_MSG_H

#include "ipc/ipc.h"
#include "task/wait.h"

/* One message; made by the sender outside the lock, freed by the receiver likewise. */
struct ipc_msg {
	struct list node;
	s64 type;
	size_t size;
	u8 data[];
};

struct msg_queue {
	struct ipc_perm perm;
	struct ipc_ns *ns;
	s64 stime, rtime, ctime;
	u64 cbytes, qnum, qbytes;
	int lspid, lrpid;
	struct list messages;
	struct waitq readers, writers;
};

static inline struct msg_queue *msg_of(struct ipc_perm *p)
{
	return container_of(p, struct msg_queue, perm);
}

void msg_ns_init(struct ipc_ns *ns);
void msg_ns_exit(struct ipc_ns *ns);

/* msg.c: errors of msgget(2), msgctl(2). */
int msg_get(struct ipc_ns *ns, s32 key, u32 flags);
int msg_stat(struct ipc_ns *ns, s32 id, int cmd, struct abi_msqid_ds *out);
int msg_set(struct ipc_ns *ns, s32 id, const struct abi_msqid_ds *in);
int msg_remove(struct ipc_ns *ns, s32 id);
int msg_info(struct ipc_ns *ns, bool usage, struct abi_msginfo *out);

/* msg_op.c */
/* Takes over m on success. Errors of msgsnd(2). */
int msg_send(struct ipc_ns *ns, s32 id, struct ipc_msg *m, u32 flags);
/* The message, which is the caller's to kfree, at most max bytes unless MSG_NOERROR; ERR_PTR with errors of msgrcv(2). */
struct ipc_msg *msg_receive(struct ipc_ns *ns, s32 id, size_t max, s64 type, u32 flags);

#endif
