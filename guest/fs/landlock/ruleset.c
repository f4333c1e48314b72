/*
 * ruleset.c - rulesets behind descriptors, the layers made of them, and their life.
 *
 * A ruleset's mutex guards its rules. A layer's last reference may go with credentials under a spinlock, and what its rules
 * hold can only be given back where one may sleep: a kernel thread does that. Differs from Linux: a ruleset has at most
 * RULES_MAX rules of a kind.
 */
#include <string.h>

#include "fs/dentry.h"
#include "fs/landlock/landlock.h"
#include "fs/mount/mount.h"
#include "mm/slab.h"

#define RULES_MAX 65536u

struct ruleset {
	struct mutex lock;
	u32 fs, net, scoped;
	struct landlock_rules paths, ports;
};

static struct mutex reaper_mutex = MUTEX_INIT(reaper_mutex);
static bool reaper_started;
static struct waitq reaper_q = WAITQ_INIT(reaper_q);
static struct landlock_domain *dead; /* linked by parent */

/* ---- rules ---- */

static int grow(struct landlock_rules *r)
{
	u32 room = r->room ? r->room * 2 : 8;
	struct landlock_rule *v;

	if (r->n == RULES_MAX)
		return -E2BIG;
	v = kmalloc(room * sizeof(*v));
	if (!v)
		return -ENOMEM;
	if (r->n)
		memcpy(v, r->rule, r->n * sizeof(*v));
	kfree(r->rule);
	r->rule = v;
	r->room = room;
	return 0;
}

/* With its file system, which may be unmounted meanwhile. NULL: of a rule for a port. */
static void hold(struct dentry *d)
{
	if (!d)
		return;
	super_use(d->inode->sb);
	dentry_get(d);
}

static void drop(struct dentry *d)
{
	struct super_block *sb = d ? d->inode->sb : NULL;

	if (!d)
		return;
	dentry_put(d);
	super_unuse(sb);
}

static int insert(struct landlock_rules *r, u64 key, struct dentry *dentry, u32 allowed)
{
	u32 k = landlock_place(r, key);

	if (k < r->n && r->rule[k].key == key) {
		r->rule[k].allowed |= allowed;
		return 0;
	}
	if (r->n == r->room) {
		int err = grow(r);

		if (err)
			return err;
	}
	memmove(r->rule + k + 1, r->rule + k, (r->n - k) * sizeof(r->rule[0]));
	r->rule[k] = (struct landlock_rule){ key, dentry, allowed };
	r->n++;
	hold(dentry);
	return 0;
}

static int rules_copy(struct landlock_rules *to, const struct landlock_rules *from)
{
	if (!from->n)
		return 0;
	to->rule = kmalloc(from->n * sizeof(to->rule[0]));
	if (!to->rule)
		return -ENOMEM;
	memcpy(to->rule, from->rule, from->n * sizeof(to->rule[0]));
	to->n = to->room = from->n;
	for (u32 k = 0; k < to->n; k++)
		hold(to->rule[k].dentry);
	return 0;
}

static void rules_free(struct landlock_rules *r)
{
	for (u32 k = 0; k < r->n; k++)
		drop(r->rule[k].dentry);
	kfree(r->rule);
}

/* ---- rulesets ---- */

static void ruleset_release(struct file *f)
{
	struct ruleset *r = f->priv;

	rules_free(&r->paths);
	rules_free(&r->ports);
	kfree(r);
}

static const struct file_ops ruleset_fops = {
	.name = "[landlock-ruleset]",
	.release = ruleset_release,
};

bool is_landlock_ruleset(const struct file *f)
{
	return f->ops == &ruleset_fops;
}

struct file *landlock_ruleset_create(u32 fs, u32 net, u32 scoped)
{
	struct ruleset *r = kzalloc(sizeof(*r));
	struct file *f;

	if (!r)
		return ERR_PTR(-ENOMEM);
	mutex_init(&r->lock);
	r->fs = fs;
	r->net = net;
	r->scoped = scoped;
	f = file_alloc_anon(&ruleset_fops, O_RDWR, r);
	if (IS_ERR(f))
		kfree(r);
	return f;
}

bool landlock_handles(const struct file *ruleset, u64 access)
{
	const struct ruleset *r = ruleset->priv;

	return !(access & ~(u64)r->fs);
}

int landlock_add_path(struct file *ruleset, const struct path_ref *p, u64 allowed)
{
	struct ruleset *r = ruleset->priv;
	struct inode *i = path_inode(p);
	int err;

	if (!S_ISDIR(i->mode) && (allowed & ~(u64)LANDLOCK_FS_FILE))
		return -EINVAL;
	mutex_lock(&r->lock);
	err = insert(&r->paths, (u64)(uintptr_t)i, p->dentry, (u32)allowed);
	mutex_unlock(&r->lock);
	return err;
}

int landlock_add_port(struct file *ruleset, u64 port, u64 allowed)
{
	struct ruleset *r = ruleset->priv;
	int err;

	if ((allowed & ~(u64)r->net) || port > 65535)
		return -EINVAL;
	mutex_lock(&r->lock);
	err = insert(&r->ports, port, NULL, (u32)allowed);
	mutex_unlock(&r->lock);
	return err;
}

/* ---- domains ---- */

/* Frees d and returns what was outside of it, with d's reference to it. */
static struct landlock_domain *domain_free(struct landlock_domain *d)
{
	struct landlock_domain *parent = d->parent;

	rules_free(&d->paths);
	rules_free(&d->ports);
	kfree(d);
	return parent;
}

static void reaper(void *arg)
{
	for (;;) {
		struct landlock_domain *d, *next;

		wait_event(&reaper_q, SLEEP_UNINTERRUPTIBLE, NO_DEADLINE, atomic_load(&dead));
		/* Each entry's parent is the next dead one: what was outside of it was put already. */
		for (d = atomic_xchg(&dead, NULL); d; d = next)
			next = domain_free(d);
	}
}

static int start_reaper(void)
{
	int err = 0;

	mutex_lock(&reaper_mutex);
	if (!reaper_started && IS_ERR(kthread_start("landlock", reaper, NULL)))
		err = -ENOMEM;
	else
		reaper_started = true;
	mutex_unlock(&reaper_mutex);
	return err;
}

struct landlock_domain *landlock_domain_create(struct file *ruleset, struct landlock_domain *outer)
{
	struct ruleset *r = ruleset->priv;
	struct landlock_domain *d;
	int err;

	if (outer && outer->depth == LANDLOCK_LAYERS_MAX)
		return ERR_PTR(-E2BIG);
	err = start_reaper();
	if (err)
		return ERR_PTR(err);
	d = kzalloc(sizeof(*d));
	if (!d)
		return ERR_PTR(-ENOMEM);
	ref_init(&d->ref);
	d->depth = outer ? outer->depth + 1 : 1;
	mutex_lock(&r->lock);
	d->fs = r->fs;
	d->net = r->net;
	d->scoped = r->scoped;
	err = rules_copy(&d->paths, &r->paths);
	if (!err)
		err = rules_copy(&d->ports, &r->ports);
	mutex_unlock(&r->lock);
	if (err) {
		domain_free(d);
		return ERR_PTR(err);
	}
	d->parent = outer;
	if (outer)
		landlock_domain_get(outer);
	return d;
}

void landlock_domain_get(struct landlock_domain *d)
{
	ref_get(&d->ref);
}

void landlock_domain_put(struct landlock_domain *d)
{
	bool any = false;

	while (d && ref_put(&d->ref)) {
		struct landlock_domain *outer = d->parent, *head = atomic_load(&dead);

		do {
			d->parent = head;
		} while (!__atomic_compare_exchange_n(&dead, &head, d, false, __ATOMIC_SEQ_CST,
						      __ATOMIC_SEQ_CST));
		any = true;
		d = outer;
	}
	if (any)
		waitq_wake_all(&reaper_q, 0);
}
