/*
 * msg_op.c - msgsnd(2) and msgrcv(2).
 *
 * A sleeper waits on the queue's wait queue and tries again when woken: a queue has an order of messages, none of sleepers.
 */
#include <string.h>

#include "ipc/msg.h"
#include "mm/slab.h"
#include "task/task.h"

/* ---- sending ---- */

/* Locked. 0, -EAGAIN: no room; -EIDRM, -EACCES. */
static int try_send(struct msg_queue *q, struct ipc_msg *m)
{
	struct ipc_ns *ns = q->ns;
	int err;

	if (q->perm.deleted)
		return -EIDRM;
	err = ipc_access(&q->perm, IPC_WRITE);
	if (err)
		return err;
	if (m->size + q->cbytes > q->qbytes || q->qnum + 1 > q->qbytes)
		return -EAGAIN;
	list_add_tail(&q->messages, &m->node);
	q->cbytes += m->size;
	q->qnum++;
	ns->msg_bytes += m->size;
	ns->msg_count++;
	q->lspid = ipc_pid();
	q->stime = ipc_time();
	waitq_wake_all(&q->readers, 0);
	return 0;
}

static int try_send_unlocked(struct msg_queue *q, struct ipc_msg *m)
{
	int err;

	spin_lock(&q->ns->msg.lock);
	err = try_send(q, m);
	spin_unlock(&q->ns->msg.lock);
	return err;
}

int msg_send(struct ipc_ns *ns, s32 id, struct ipc_msg *m, u32 flags)
{
	struct ipc_perm *p = ipc_lock(&ns->msg, id);
	struct msg_queue *q;
	int ret, err;

	if (IS_ERR(p))
		return (int)PTR_ERR(p);
	q = msg_of(p);
	ret = try_send(q, m);
	if (ret == -EAGAIN && !(flags & IPC_NOWAIT)) {
		ipc_get(p);
		spin_unlock(&ns->msg.lock);
		err = wait_event(&q->writers, SLEEP_INTERRUPTIBLE, NO_DEADLINE,
				 (ret = try_send_unlocked(q, m)) != -EAGAIN);
		ipc_put(p);
		return err ? -ERESTARTNOHAND : ret;
	}
	spin_unlock(&ns->msg.lock);
	return ret;
}

/* ---- receiving ---- */

/* Locked. NULL: none is there. */
static struct ipc_msg *find(struct msg_queue *q, s64 type, u32 flags)
{
	struct ipc_msg *m, *best = NULL;
	s64 n = 0;

	list_for_each(m, &q->messages, node) {
		if (flags & MSG_COPY) { /* type is a place in the queue */
			if (n++ == type)
				return m;
			continue;
		}
		if (!type || (type > 0 && (m->type == type) == !(flags & MSG_EXCEPT)))
			return m;
		if (type < 0 && m->type <= (type == INT64_MIN ? INT64_MAX : -type) &&
		    (!best || m->type < best->type))
			best = m;
	}
	return best;
}

/* Locked. */
static void take(struct msg_queue *q, struct ipc_msg *m)
{
	list_del(&m->node);
	q->cbytes -= m->size;
	q->qnum--;
	q->ns->msg_bytes -= m->size;
	q->ns->msg_count--;
	q->lrpid = ipc_pid();
	q->rtime = ipc_time();
	waitq_wake_all(&q->writers, 0);
}

static struct ipc_msg *duplicate(const struct ipc_msg *m)
{
	struct ipc_msg *copy = kmalloc(sizeof(*m) + m->size);

	if (!copy)
		return ERR_PTR(-ENOMEM);
	memcpy(copy, m, sizeof(*m) + m->size);
	return copy;
}

/* Locked. ERR_PTR(-ENOMSG): nothing yet. */
static struct ipc_msg *try_receive(struct msg_queue *q, size_t max, s64 type, u32 flags)
{
	struct ipc_msg *m;
	int err;

	if (q->perm.deleted)
		return ERR_PTR(-EIDRM);
	err = ipc_access(&q->perm, IPC_READ);
	if (err)
		return ERR_PTR(err);
	m = find(q, type, flags);
	if (!m)
		return ERR_PTR(-ENOMSG);
	if (m->size > max && !(flags & MSG_NOERROR))
		return ERR_PTR(-E2BIG);
	if (flags & MSG_COPY)
		return duplicate(m);
	take(q, m);
	return m;
}

static bool received(struct msg_queue *q, size_t max, s64 type, u32 flags, struct ipc_msg **m)
{
	spin_lock(&q->ns->msg.lock);
	*m = try_receive(q, max, type, flags);
	spin_unlock(&q->ns->msg.lock);
	return PTR_ERR(*m) != -ENOMSG;
}

struct ipc_msg *msg_receive(struct ipc_ns *ns, s32 id, size_t max, s64 type, u32 flags)
{
	struct ipc_perm *p = ipc_lock(&ns->msg, id);
	struct msg_queue *q;
	struct ipc_msg *m;
	int err;

	if (IS_ERR(p))
		return (void *)p;
	q = msg_of(p);
	m = try_receive(q, max, type, flags);
	if (PTR_ERR(m) == -ENOMSG && !(flags & IPC_NOWAIT)) {
		ipc_get(p);
		spin_unlock(&ns->msg.lock);
		err = wait_event(&q->readers, SLEEP_INTERRUPTIBLE, NO_DEADLINE,
				 received(q, max, type, flags, &m));
		ipc_put(p);
		return err ? ERR_PTR(-ERESTARTNOHAND) : m;
	}
	spin_unlock(&ns->msg.lock);
	return m;
}
