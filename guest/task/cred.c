/*
 * cred.c - credentials: immutable once published, shared by reference, replaced by a changed copy.
 */
#include <string.h>

#include "fs/landlock/landlock.h"
#include "lib/err.h"
#include "mm/mm.h"
#include "mm/slab.h"
#include "platform/platform.h"
#include "task/private.h"
#include "task/ns/userns.h"

struct cred *cred_dup(const struct cred *from)
{
	struct cred *c = kmalloc(sizeof(*c));

	if (!c)
		return NULL;
	*c = *from;
	ref_init(&c->ref);
	c->groups = NULL;
	if (from->ngroups) {
		c->groups = kmalloc(from->ngroups * sizeof(u32));
		if (!c->groups) {
			kfree(c);
			return NULL;
		}
		memcpy(c->groups, from->groups, from->ngroups * sizeof(u32));
	}
	if (c->user_ns)
		user_ns_get(c->user_ns);
	ucounts_get(c->ucounts);
	if (c->landlock)
		landlock_domain_get(c->landlock);
	return c;
}

void cred_get(struct cred *c)
{
	ref_get(&c->ref);
}

void cred_put(struct cred *c)
{
	if (!c || !ref_put(&c->ref))
		return;
	ucounts_put(c->ucounts);
	if (c->user_ns)
		user_ns_put(c->user_ns);
	landlock_domain_put(c->landlock);
	kfree(c->groups);
	kfree(c);
}

bool capable(int cap)
{
	struct task *t = task_current();

	return !t || (!t->cred->user_ns && t->cred->cap_effective >> cap & 1);
}

int cred_set_ucounts(struct cred *c)
{
	struct ucounts *u = ucounts_find(cred_user_ns(c), c->uid);

	if (!u)
		return -ENOMEM;
	ucounts_put(c->ucounts);
	c->ucounts = u;
	return 0;
}

struct cred *cred_swap(struct cred *c)
{
	struct task *t = task_current();
	struct cred *old;

	spin_lock(&task_lock);
	old = t->cred;
	t->cred = c;
	spin_unlock(&task_lock);
	return old;
}

void cred_commit(struct cred *c)
{
	struct task *t = task_current();
	struct ucounts *moved = NULL;
	struct cred *old;

	spin_lock(&task_lock);
	old = t->cred;
	t->cred = c;
	if (c->ucounts != t->ucounts && !t->kthread) {
		spin_lock(&t->process->sig_lock);
		moved = t->ucounts;
		t->ucounts = ucounts_get(c->ucounts);
		spin_unlock(&t->process->sig_lock);
		ucounts_add(t->ucounts, UCOUNT_NPROC, 1);
		ucounts_sub(moved, UCOUNT_NPROC, 1);
	}
	spin_unlock(&task_lock);
	if (t->mm && c->euid != old->euid)
		mm_set_owner(t->mm,
			     PMAP_ALONE); /* no more what the former user's programs are told */
	ucounts_put(moved);
	cred_put(old);
}
