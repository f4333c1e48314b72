/*
 * sem.c - sets of System V semaphores: semget(2) and semctl(2). sem_op.c has semop(2), sem_undo.c what exit undoes.
 */
#include "ipc/sem.h"
#include "mm/slab.h"
#include "task/ns/pidns.h"
#include "task/task.h"

static void sem_free(struct ipc_perm *p)
{
	kfree(sem_of(p));
}

void sem_ns_init(struct ipc_ns *ns)
{
	ipc_ids_init(&ns->sem, sem_free);
	ns->sem_msl = SEMMSL;
	ns->sem_mns = SEMMNS;
	ns->sem_opm = SEMOPM;
	ns->sem_mni = SEMMNI;
}

/* Out of the table; locked, and unlocks. */
static void destroy(struct sem_set *s)
{
	struct ipc_ns *ns = s->ns;

	sem_undo_detach(s);
	sem_wake_removed(s);
	ipc_remove(&s->perm);
	ns->sem_total -= s->nsems;
	spin_unlock(&ns->sem.lock);
	ipc_put(&s->perm);
}

void sem_ns_exit(struct ipc_ns *ns)
{
	struct ipc_perm *p;
	int i = 0;

	while ((p = ipc_next(&ns->sem, &i)))
		destroy(sem_of(p));
}

/* ---- semget ---- */

static int sem_make(struct ipc_ns *ns, s32 key, u64 nsems, u32 flags)
{
	struct sem_set *s;
	bool fits;
	int id;

	if (!nsems)
		return -EINVAL;
	spin_lock(&ns->sem.lock);
	fits = ns->sem_total + nsems <= ns->sem_mns;
	if (fits)
		ns->sem_total += nsems;
	spin_unlock(&ns->sem.lock);
	if (!fits)
		return -ENOSPC;
	id = -ENOMEM;
	s = kzalloc(sizeof(*s) + nsems * sizeof(s->sem[0]));
	if (s) {
		s->ns = ns;
		s->nsems = (u32)nsems;
		s->ctime = ipc_time();
		list_init(&s->waiters);
		list_init(&s->undos);
		id = ipc_enter(&ns->sem, &s->perm, key, flags, ns->sem_mni);
	}
	if (id < 0) {
		kfree(s);
		spin_lock(&ns->sem.lock);
		ns->sem_total -= nsems;
		spin_unlock(&ns->sem.lock);
	}
	return id;
}

static int sem_fits(const struct ipc_perm *p, u64 nsems)
{
	return container_of(p, const struct sem_set, perm)->nsems < nsems ? -EINVAL : 0;
}

int sem_get(struct ipc_ns *ns, s32 key, int nsems, u32 flags)
{
	static const struct ipc_get_ops ops = { sem_make, sem_fits };

	if (nsems < 0 || (u32)nsems > ns->sem_msl)
		return -EINVAL;
	return ipc_get_object(ns, &ns->sem, key, (u64)nsems, flags, &ops);
}

/* ---- semctl ---- */

int sem_stat(struct ipc_ns *ns, s32 id, int cmd, struct abi_semid_ds *out)
{
	struct ipc_perm *p = ipc_lock_stat(&ns->sem, id, cmd != IPC_STAT, cmd == SEM_STAT_ANY);
	struct sem_set *s;
	int ret;

	if (IS_ERR(p))
		return (int)PTR_ERR(p);
	s = sem_of(p);
	*out = (struct abi_semid_ds){ .otime = s->otime, .ctime = s->ctime, .nsems = s->nsems };
	ipc_show_perm(p, &out->perm);
	ret = cmd == IPC_STAT ? 0 : p->id;
	spin_unlock(&ns->sem.lock);
	return ret;
}

int sem_set_owner(struct ipc_ns *ns, s32 id, const struct abi_semid_ds *in)
{
	struct ipc_perm *p = ipc_lock(&ns->sem, id);
	int err;

	if (IS_ERR(p))
		return (int)PTR_ERR(p);
	err = ipc_owner(p) ?: ipc_set_perm(p, &in->perm);
	if (!err)
		sem_of(p)->ctime = ipc_time();
	spin_unlock(&ns->sem.lock);
	return err;
}

int sem_remove(struct ipc_ns *ns, s32 id)
{
	struct ipc_perm *p = ipc_lock(&ns->sem, id);
	int err;

	if (IS_ERR(p))
		return (int)PTR_ERR(p);
	err = ipc_owner(p);
	if (err)
		spin_unlock(&ns->sem.lock);
	else
		destroy(sem_of(p));
	return err;
}

int sem_info(struct ipc_ns *ns, bool usage, struct abi_seminfo *out)
{
	*out = (struct abi_seminfo){ .semmap = (s32)ns->sem_mns,
				     .semmni = (s32)ns->sem_mni,
				     .semmns = (s32)ns->sem_mns,
				     .semmnu = (s32)ns->sem_mns,
				     .semmsl = (s32)ns->sem_msl,
				     .semopm = (s32)ns->sem_opm,
				     .semume = (s32)ns->sem_opm,
				     .semusz = 20,
				     .semvmx = SEMVMX,
				     .semaem = SEMVMX };
	if (usage) {
		out->semusz = (s32)READ_ONCE(ns->sem.used);
		out->semaem = (s32)READ_ONCE(ns->sem_total);
	}
	return MAX(READ_ONCE(ns->sem.max_index), 0);
}

/* Who waits for semaphore num to grow, or with `zero` to become zero. */
static int count_waiters(struct sem_set *s, int num, bool zero)
{
	struct sem_wait *w;
	int n = 0;

	list_for_each(w, &s->waiters, node) {
		const struct abi_sembuf *op = &w->ops[w->blocking];

		n += op->num == num && zero == !op->op;
	}
	return n;
}

int sem_query(struct ipc_ns *ns, s32 id, int num, int cmd)
{
	struct ipc_perm *p = ipc_lock(&ns->sem, id);
	struct sem_set *s;
	int ret;

	if (IS_ERR(p))
		return (int)PTR_ERR(p);
	s = sem_of(p);
	ret = ipc_access(p, IPC_READ);
	if (!ret && (num < 0 || (u32)num >= s->nsems))
		ret = -EINVAL;
	if (!ret) {
		switch (cmd) {
		case GETVAL: ret = s->sem[num].val; break;
		case GETPID: ret = pid_vnr(s->sem[num].pid); break;
		case GETNCNT: ret = count_waiters(s, num, false); break;
		case GETZCNT: ret = count_waiters(s, num, true); break;
		}
	}
	spin_unlock(&ns->sem.lock);
	return ret;
}

int sem_set_value(struct ipc_ns *ns, s32 id, int num, int val)
{
	struct ipc_perm *p;
	struct sem_set *s;
	int err = 0;

	if (val < 0 || val > SEMVMX)
		return -ERANGE;
	p = ipc_lock(&ns->sem, id);
	if (IS_ERR(p))
		return (int)PTR_ERR(p);
	s = sem_of(p);
	if (num < 0 || (u32)num >= s->nsems)
		err = -EINVAL;
	if (!err)
		err = ipc_access(p, IPC_WRITE);
	if (!err) {
		sem_undo_clear(s, num);
		s->sem[num].val = val;
		s->sem[num].pid = ipc_pid();
		s->ctime = ipc_time();
		sem_update(s);
	}
	spin_unlock(&ns->sem.lock);
	return err;
}

struct sem_set *sem_find(struct ipc_ns *ns, s32 id, u32 want)
{
	struct ipc_perm *p = ipc_lock(&ns->sem, id);
	int err;

	if (IS_ERR(p))
		return (void *)p;
	err = ipc_access(p, want);
	if (!err)
		ipc_get(p);
	spin_unlock(&ns->sem.lock);
	return err ? ERR_PTR(err) : sem_of(p);
}

int sem_get_all(struct sem_set *s, u16 *vals)
{
	int err = 0;

	spin_lock(&s->ns->sem.lock);
	if (s->perm.deleted)
		err = -EIDRM;
	for (u32 i = 0; i < s->nsems; i++)
		vals[i] = (u16)s->sem[i].val;
	spin_unlock(&s->ns->sem.lock);
	return err;
}

int sem_set_all(struct sem_set *s, const u16 *vals)
{
	int err = 0, pid = ipc_pid();

	for (u32 i = 0; i < s->nsems; i++)
		if (vals[i] > SEMVMX)
			return -ERANGE;
	spin_lock(&s->ns->sem.lock);
	if (s->perm.deleted) {
		err = -EIDRM;
	} else {
		for (u32 i = 0; i < s->nsems; i++)
			s->sem[i] = (struct sem){ vals[i], pid };
		sem_undo_clear(s, -1);
		s->ctime = ipc_time();
		sem_update(s);
	}
	spin_unlock(&s->ns->sem.lock);
	return err;
}
