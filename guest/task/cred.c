/*
 * cred.c - credentials: immutable once published, shared by reference, replaced by a changed copy.
 */
#include <string.h>

#include "fs/landlock.h"
#include "lib/err.h"
#include "mm/slab.h"
#include "task/private.h"
#include "task/userns.h"

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

void cred_commit(struct cred *c)
{
	struct task *t = task_current();
	struct cred *old;

	spin_lock(&task_lock);
	old = t->cred;
	t->cred = c;
	spin_unlock(&task_lock);
	cred_put(old);
}
