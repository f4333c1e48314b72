/*
 * sem_undo.c - SEM_UNDO: what a process takes back when it ends.
 *
 * A task has a list of entries, one for each set it used SEM_UNDO on, made at first use or when clone(2) shares it. The
 * last task of a list adds the adjustments to the sets. An entry outlives its set, empty, until then.
 */
#include "ipc/sem.h"
#include "mm/slab.h"
#include "task/task.h"

static struct sem_undo_list *list_create(void)
{
	struct sem_undo_list *l = kzalloc(sizeof(*l));

	if (l) {
		ref_init(&l->ref);
		list_init(&l->undos);
	}
	return l;
}

static struct sem_undo *find(struct sem_undo_list *l, struct sem_set *s)
{
	struct sem_undo *u;

	list_for_each(u, &l->undos, in_list)
		if (u->set == s)
			return u;
	return NULL;
}

struct sem_undo *sem_undo_get(struct sem_set *s)
{
	struct task *t = task_current();
	struct sem_undo_list *l = t->sysvsem;
	struct sem_undo *u = l ? find(l, s) : NULL;

	if (u)
		return u;
	/* The heap never sleeps. */
	if (!l)
		l = t->sysvsem = list_create();
	u = l ? kzalloc(sizeof(*u) + s->nsems * sizeof(u->adj[0])) : NULL;
	if (!u) {
		spin_unlock(&s->ns->sem.lock);
		return ERR_PTR(-ENOMEM);
	}
	u->set = s;
	u->ns = s->ns;
	ipc_ns_get(u->ns);
	list_add_tail(&s->undos, &u->in_set);
	list_add_tail(&l->undos, &u->in_list);
	return u;
}

void sem_undo_clear(struct sem_set *s, int num)
{
	struct sem_undo *u;

	list_for_each(u, &s->undos, in_set)
		for (u32 i = 0; i < s->nsems; i++)
			if (num < 0 || i == (u32)num)
				u->adj[i] = 0;
}

void sem_undo_detach(struct sem_set *s)
{
	while (!list_empty(&s->undos)) {
		struct sem_undo *u = list_first(&s->undos, struct sem_undo, in_set);

		list_del(&u->in_set);
		u->set = NULL;
	}
}

struct sem_undo_list *sem_undo_share(struct sem_undo_list **own)
{
	if (!*own)
		*own = list_create();
	if (*own)
		ref_get(&(*own)->ref);
	return *own;
}

/* Locked. */
static void apply(struct sem_undo *u)
{
	struct sem_set *s = u->set;

	for (u32 i = 0; i < s->nsems; i++) {
		if (!u->adj[i])
			continue;
		s->sem[i].val = MIN(MAX(s->sem[i].val + u->adj[i], 0), SEMVMX);
		s->sem[i].pid = ipc_pid();
	}
	s->otime = ipc_time();
	list_del(&u->in_set);
	sem_update(s);
}

void sem_undo_exit(struct sem_undo_list *l)
{
	if (!l || !ref_put(&l->ref))
		return;
	while (!list_empty(&l->undos)) {
		struct sem_undo *u = list_first(&l->undos, struct sem_undo, in_list);
		struct ipc_ns *ns = u->ns;

		spin_lock(&ns->sem.lock);
		list_del(&u->in_list);
		if (u->set)
			apply(u);
		spin_unlock(&ns->sem.lock);
		kfree(u);
		ipc_ns_put(ns);
	}
	kfree(l);
}
