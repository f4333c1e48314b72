/*
 * sem_op.c - semop(2) and semtimedop(2): all operations of a call at once, or sleep until they can be done.
 *
 * A sleeper's operations are done by whoever makes them possible, in the order in which the sleepers came, so a woken
 * task finds its status and has nothing left to try.
 */
#include "ipc/sem.h"
#include "task/task.h"

/* Put back what ops [0, n) changed. */
static void revert(struct sem_set *s, const struct abi_sembuf *ops, unsigned n,
		   struct sem_undo *undo)
{
	while (n--) {
		s->sem[ops[n].num].val -= ops[n].op;
		if (ops[n].flags & SEM_UNDO)
			undo->adj[ops[n].num] += ops[n].op;
	}
}

/* 0: done; SEM_WAITING, with *blocking; -EAGAIN (IPC_NOWAIT), -ERANGE. Nothing changes unless 0. */
static int try_ops(struct sem_set *s, const struct abi_sembuf *ops, unsigned n,
		   struct sem_undo *undo, int pid, unsigned *blocking)
{
	int ret = 0;
	unsigned i;

	for (i = 0; i < n && !ret; i++) {
		const struct abi_sembuf *op = &ops[i];
		s32 val = s->sem[op->num].val + op->op, adj;

		if (val < 0 || (!op->op && val)) {
			*blocking = i;
			ret = op->flags & IPC_NOWAIT ? -EAGAIN : SEM_WAITING;
		} else if (val > SEMVMX) {
			ret = -ERANGE;
		} else if (op->flags & SEM_UNDO) {
			adj = undo->adj[op->num] - op->op;
			if (adj < -SEMVMX - 1 || adj > SEMVMX)
				ret = -ERANGE;
			else
				undo->adj[op->num] = (s16)adj;
		}
		if (ret)
			break;
		s->sem[op->num].val = val;
	}
	if (ret) {
		revert(s, ops, i, undo);
		return ret;
	}
	for (i = 0; i < n; i++)
		s->sem[ops[i].num].pid = pid;
	s->otime = ipc_time();
	return 0;
}

static void finish(struct sem_wait *w, int status)
{
	struct task *t = w->task;

	list_del(&w->node);
	task_get(t); /* w is on its stack, and it may go when it sees the status */
	atomic_store(&w->status, status);
	sched_wake(t);
	task_put(t);
}

void sem_update(struct sem_set *s)
{
	struct sem_wait *w, *next;
	bool again;

	do {
		again = false;
		list_for_each_safe(w, next, &s->waiters, node) {
			bool alters = w->alters;
			int ret = try_ops(s, w->ops, w->nops, w->undo, w->pid, &w->blocking);

			if (ret == SEM_WAITING)
				continue;
			finish(w, ret);
			if (!ret && alters) {
				again = true;
				break;
			}
		}
	} while (again);
}

void sem_wake_removed(struct sem_set *s)
{
	while (!list_empty(&s->waiters))
		finish(list_first(&s->waiters, struct sem_wait, node), -EIDRM);
}

/* Locked; returns unlocked. */
static int sleep_on(struct sem_set *s, struct sem_wait *w, u64 deadline)
{
	struct ipc_ns *ns = s->ns;
	int err = 0;

	list_add_tail(&s->waiters, &w->node);
	ipc_get(&s->perm);
	spin_unlock(&ns->sem.lock);
	while (!err) {
		sched_prepare(SLEEP_INTERRUPTIBLE);
		if (atomic_load(&w->status) != SEM_WAITING)
			break;
		err = sched_sleep(deadline);
	}
	sched_awake();
	spin_lock(&ns->sem.lock);
	if (w->status == SEM_WAITING) {
		list_del(&w->node);
		w->status = err == -ETIMEDOUT ? -EAGAIN : -EINTR; /* never restarted */
	}
	spin_unlock(&ns->sem.lock);
	ipc_put(&s->perm);
	return w->status;
}

int sem_operate(struct ipc_ns *ns, s32 id, const struct abi_sembuf *ops, unsigned n, u64 deadline)
{
	struct sem_wait w = { .task = task_current(),
			      .ops = ops,
			      .nops = n,
			      .pid = ipc_pid(),
			      .status = SEM_WAITING };
	bool undo = false;
	struct ipc_perm *p;
	struct sem_set *s;
	u32 max = 0;
	int ret;

	for (unsigned i = 0; i < n; i++) {
		max = MAX(max, (u32)ops[i].num);
		undo |= !!(ops[i].flags & SEM_UNDO);
		w.alters |= !!ops[i].op;
	}
	p = ipc_lock(&ns->sem, id);
	if (IS_ERR(p))
		return (int)PTR_ERR(p);
	s = sem_of(p);
	ret = max >= s->nsems ? -EFBIG : ipc_access(p, w.alters ? IPC_WRITE : IPC_READ);
	if (!ret && undo) {
		w.undo = sem_undo_get(s);
		if (IS_ERR(w.undo))
			return (int)PTR_ERR(w.undo); /* unlocked */
	}
	if (!ret)
		ret = try_ops(s, ops, n, w.undo, w.pid, &w.blocking);
	if (ret == SEM_WAITING)
		return sleep_on(s, &w, deadline);
	if (!ret && w.alters)
		sem_update(s);
	spin_unlock(&ns->sem.lock);
	return ret;
}
