/*
 * msg.c - System V message queues: msgget(2) and msgctl(2). msg_op.c moves messages.
 */
#include <linux/capability.h>

#include "ipc/msg.h"
#include "mm/slab.h"
#include "task/ns/pidns.h"
#include "task/task.h"

static void msg_free(struct ipc_perm *p)
{
	struct msg_queue *q = msg_of(p);
	struct ipc_msg *m, *next;

	list_for_each_safe(m, next, &q->messages, node)
		kfree(m);
	kfree(q);
}

void msg_ns_init(struct ipc_ns *ns)
{
	ipc_ids_init(&ns->msg, msg_free);
	ns->msg_max = MSGMAX;
	ns->msg_mnb = MSGMNB;
	ns->msg_mni = MSGMNI;
}

/* Out of the table; locked, and unlocks. */
static void destroy(struct msg_queue *q)
{
	struct ipc_ns *ns = q->ns;

	ipc_remove(&q->perm);
	ns->msg_bytes -= q->cbytes;
	ns->msg_count -= q->qnum;
	waitq_wake_all(&q->readers, 0);
	waitq_wake_all(&q->writers, 0);
	spin_unlock(&ns->msg.lock);
	ipc_put(&q->perm);
}

void msg_ns_exit(struct ipc_ns *ns)
{
	struct ipc_perm *p;
	int i = 0;

	while ((p = ipc_next(&ns->msg, &i)))
		destroy(msg_of(p));
}

static int msg_make(struct ipc_ns *ns, s32 key, u64 size, u32 flags)
{
	struct msg_queue *q = kzalloc(sizeof(*q));
	int id;

	if (!q)
		return -ENOMEM;
	q->ns = ns;
	q->ctime = ipc_time();
	q->qbytes = ns->msg_mnb;
	list_init(&q->messages);
	waitq_init(&q->readers);
	waitq_init(&q->writers);
	id = ipc_enter(&ns->msg, &q->perm, key, flags, ns->msg_mni);
	if (id < 0)
		kfree(q);
	return id;
}

static int msg_fits(const struct ipc_perm *p, u64 size)
{
	return 0;
}

int msg_get(struct ipc_ns *ns, s32 key, u32 flags)
{
	static const struct ipc_get_ops ops = { msg_make, msg_fits };

	return ipc_get_object(ns, &ns->msg, key, 0, flags, &ops);
}

int msg_stat(struct ipc_ns *ns, s32 id, int cmd, struct abi_msqid_ds *out)
{
	struct ipc_perm *p = ipc_lock_stat(&ns->msg, id, cmd != IPC_STAT, cmd == MSG_STAT_ANY);
	struct msg_queue *q;
	int ret;

	if (IS_ERR(p))
		return (int)PTR_ERR(p);
	q = msg_of(p);
	*out = (struct abi_msqid_ds){ .stime = q->stime,
				      .rtime = q->rtime,
				      .ctime = q->ctime,
				      .cbytes = q->cbytes,
				      .qnum = q->qnum,
				      .qbytes = q->qbytes,
				      .lspid = pid_vnr(q->lspid),
				      .lrpid = pid_vnr(q->lrpid) };
	ipc_show_perm(p, &out->perm);
	ret = cmd == IPC_STAT ? 0 : p->id;
	spin_unlock(&ns->msg.lock);
	return ret;
}

int msg_set(struct ipc_ns *ns, s32 id, const struct abi_msqid_ds *in)
{
	struct ipc_perm *p = ipc_lock(&ns->msg, id);
	struct msg_queue *q;
	int err;

	if (IS_ERR(p))
		return (int)PTR_ERR(p);
	q = msg_of(p);
	err = ipc_owner(p);
	if (!err && in->qbytes > ns->msg_mnb && !capable(CAP_SYS_RESOURCE))
		err = -EPERM;
	if (!err)
		err = ipc_set_perm(p, &in->perm);
	if (!err) {
		q->qbytes = in->qbytes;
		q->ctime = ipc_time();
		/* Rights and room may be others now. */
		waitq_wake_all(&q->readers, 0);
		waitq_wake_all(&q->writers, 0);
	}
	spin_unlock(&ns->msg.lock);
	return err;
}

int msg_remove(struct ipc_ns *ns, s32 id)
{
	struct ipc_perm *p = ipc_lock(&ns->msg, id);
	int err;

	if (IS_ERR(p))
		return (int)PTR_ERR(p);
	err = ipc_owner(p);
	if (err)
		spin_unlock(&ns->msg.lock);
	else
		destroy(msg_of(p));
	return err;
}

int msg_info(struct ipc_ns *ns, bool usage, struct abi_msginfo *out)
{
	int max;

	*out = (struct abi_msginfo){ .msgmax = (s32)ns->msg_max,
				     .msgmnb = (s32)ns->msg_mnb,
				     .msgmni = (s32)ns->msg_mni,
				     .msgssz = 16,
				     .msgseg = 0xffff };
	spin_lock(&ns->msg.lock);
	if (usage) {
		out->msgpool = (s32)ns->msg.used;
		out->msgmap = (s32)ns->msg_count;
		out->msgtql = (s32)ns->msg_bytes;
	} else { /* what Linux computes from its constants */
		out->msgpool = (s32)((u64)MSGMNI * MSGMNB / 1024);
		out->msgmap = out->msgtql = MSGMNB;
	}
	max = MAX(ns->msg.max_index, 0);
	spin_unlock(&ns->msg.lock);
	return max;
}
