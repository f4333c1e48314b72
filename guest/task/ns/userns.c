/*
 * userns.c - user namespaces: making, entering, capabilities and the translation of ids (userns.h).
 */
#include <linux/capability.h>

#include "task/ns/userns.h"
#include "lib/err.h"
#include "mm/slab.h"

#define ALL_CAPS 0x1ffffffffffULL

static struct id_extent all_ids = { 0, 0, NO_ID };
struct user_ns first_user_ns = {
	.c = { .ref = { 1 }, .inum = 0xeffffffd, .kind = NS_USER },
	.uid = { 1, &all_ids },
	.gid = { 1, &all_ids },
};

void user_ns_get(struct user_ns *ns)
{
	ref_get(&ns->c.ref);
}

void user_ns_put(struct user_ns *ns)
{
	while (ns && ref_put(&ns->c.ref)) {
		struct user_ns *parent = ns->c.owner;

		ucounts_put(ns->maker);
		kfree(ns->uid.extent);
		kfree(ns->gid.extent);
		kfree(ns);
		ns = parent;
	}
}

/* ---- capabilities ---- */

bool cred_capable(const struct cred *c, const struct user_ns *ns, int cap)
{
	const struct user_ns *own = cred_user_ns(c);

	for (;;) {
		if (ns == own)
			return c->cap_effective >> cap & 1;
		if (ns->level <= own->level)
			return false;
		/* Who made it, in the namespace above it, has all capabilities over it. */
		if (ns->c.owner == own && ns->owner_uid == c->euid)
			return true;
		ns = ns->c.owner;
	}
}

bool ns_capable(const struct user_ns *ns, int cap)
{
	struct task *t = task_current();

	return !t || cred_capable(t->cred, ns, cap);
}

bool capable_here(int cap)
{
	struct task *t = task_current();

	return !t || t->cred->cap_effective >> cap & 1;
}

/* ---- ids ---- */

static u32 map_up(const struct id_map *m, u32 kernel)
{
	for (unsigned i = 0; i < m->nr; i++)
		if (kernel - m->extent[i].lower < m->extent[i].count)
			return m->extent[i].first + (kernel - m->extent[i].lower);
	return NO_ID;
}

static u32 map_down(const struct id_map *m, u32 id)
{
	for (unsigned i = 0; i < m->nr; i++)
		if (id - m->extent[i].first < m->extent[i].count)
			return m->extent[i].lower + (id - m->extent[i].first);
	return NO_ID;
}

static u32 show(const struct id_map *m, u32 kernel)
{
	u32 id = map_up(m, kernel);

	return id == NO_ID ? OVERFLOW_ID : id;
}

u32 user_ns_kuid(const struct user_ns *ns, u32 uid)
{
	return map_down(&ns->uid, uid);
}

u32 user_ns_kgid(const struct user_ns *ns, u32 gid)
{
	return map_down(&ns->gid, gid);
}

static const struct user_ns *here(void)
{
	struct task *t = task_current();

	return t ? t->cred->user_ns : NULL;
}

u32 show_uid(u32 kuid)
{
	const struct user_ns *ns = here();

	return unlikely(ns != NULL) ? show(&ns->uid, kuid) : kuid;
}

u32 show_gid(u32 kgid)
{
	const struct user_ns *ns = here();

	return unlikely(ns != NULL) ? show(&ns->gid, kgid) : kgid;
}

u32 kuid_here(u32 uid)
{
	const struct user_ns *ns = here();

	return unlikely(ns != NULL) ? map_down(&ns->uid, uid) : uid;
}

u32 kgid_here(u32 gid)
{
	const struct user_ns *ns = here();

	return unlikely(ns != NULL) ? map_down(&ns->gid, gid) : gid;
}

bool cred_capable_over_ids(const struct cred *c, u32 kuid, u32 kgid, int cap)
{
	const struct user_ns *ns = c->user_ns;

	if (ns && (map_up(&ns->uid, kuid) == NO_ID || map_up(&ns->gid, kgid) == NO_ID))
		return false;
	return c->cap_effective >> cap & 1;
}

bool capable_over_ids(u32 kuid, u32 kgid, int cap)
{
	struct task *t = task_current();

	return !t || cred_capable_over_ids(t->cred, kuid, kgid, cap);
}

/* ---- making and entering ---- */

int user_ns_enter(struct cred *c, struct user_ns *ns)
{
	struct ucounts *u = ucounts_find(ns, c->uid);
	struct user_ns *old = c->user_ns;

	if (!u)
		return -ENOMEM;
	ucounts_put(c->ucounts);
	c->ucounts = u;
	if (ns != &first_user_ns)
		user_ns_get(ns);
	c->user_ns = ns == &first_user_ns ? NULL : ns;
	if (old)
		user_ns_put(old);
	c->securebits = 0;
	c->cap_inheritable = c->cap_ambient = 0;
	c->cap_permitted = c->cap_effective = c->cap_bounding = ALL_CAPS;
	return 0;
}

static void set_limits(struct user_ns *ns, const struct cred *maker)
{
	static const u8 resource[UCOUNTS] = { [UCOUNT_NPROC] = RLIMIT_NPROC,
					      [UCOUNT_SIGPENDING] = RLIMIT_SIGPENDING,
					      [UCOUNT_MSGQUEUE] = RLIMIT_MSGQUEUE,
					      [UCOUNT_MEMLOCK] = RLIMIT_MEMLOCK };

	for (unsigned i = 0; i < UCOUNTS; i++)
		ns->limit[i] = task_rlimit(resource[i]);
	ns->limit[UCOUNT_MEMLOCK] >>= PAGE_SHIFT;
	if (maker->uid == 0 && !maker->user_ns)
		ns->limit[UCOUNT_NPROC] = ~0ULL; /* the first root has no limit of processes */
}

int user_ns_create(struct cred *c)
{
	struct user_ns *parent = cred_user_ns(c), *ns;
	int err;

	if (parent->level >= USER_NS_DEEP)
		return -ENOSPC;
	if (map_up(&parent->uid, c->euid) == NO_ID || map_up(&parent->gid, c->egid) == NO_ID)
		return -EPERM;
	ns = kzalloc(sizeof(*ns));
	if (!ns)
		return -ENOMEM;
	ref_init(&ns->c.ref);
	ns->c.kind = NS_USER;
	ns->c.inum = ns_new_inum();
	user_ns_get(parent);
	ns->c.owner = parent;
	ns->level = parent->level + 1;
	ns->owner_uid = c->euid;
	ns->owner_gid = c->egid;
	ns->setgroups_denied = parent->setgroups_denied;
	ns->maker_could_setfcap = c->cap_effective >> CAP_SETFCAP & 1;
	ns->maker = ucounts_find(parent, c->euid);
	set_limits(ns, c);
	err = ns->maker ? user_ns_enter(c, ns) : -ENOMEM;
	user_ns_put(ns);
	return err;
}
