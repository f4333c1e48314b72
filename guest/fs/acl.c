/*
 * acl.c - see acl.h: their form in extended attributes, the access check of acl(5), inheritance, and chmod.
 *
 * Entries are in the order that acl_valid demands: owner, users, group, groups, mask, others.
 */
#include <linux/capability.h>
#include <string.h>

#include "fs/acl.h"
#include "mm/slab.h"
#include "task/ns/userns.h"
#include "task/task.h"

#define ACL_VERSION 2

enum {
	USER_OBJ = 1,
	USER = 2,
	GROUP_OBJ = 4,
	GROUP = 8,
	MASK = 0x10,
	OTHER = 0x20,
};

struct entry {
	u16 tag, perm;
	u32 id; /* of USER and GROUP; else NO_ID */
};
_Static_assert(sizeof(struct entry) == 8, "struct posix_acl_xattr_entry");

struct acl {
	struct ref ref;
	u32 n;
	struct entry e[];
};

static struct acl *alloc(u32 n)
{
	struct acl *a = kmalloc(sizeof(*a) + n * sizeof(struct entry));

	if (a) {
		ref_init(&a->ref);
		a->n = n;
	}
	return a;
}

static struct acl *clone(const struct acl *a)
{
	struct acl *c = alloc(a->n);

	if (c)
		memcpy(c->e, a->e, a->n * sizeof(*a->e));
	return c;
}

void acl_get(struct acl *a)
{
	ref_get(&a->ref);
}

void acl_put(struct acl *a)
{
	if (a && ref_put(&a->ref))
		kfree(a);
}

/* ---- form ---- */

static bool has_id(u16 tag)
{
	return tag == USER || tag == GROUP;
}

static bool acl_valid(const struct acl *a)
{
	bool named = false, masked = false;
	u16 next = USER_OBJ; /* the first tag that may come now, but for repeated ones */

	for (u32 k = 0; k < a->n; k++) {
		const struct entry *e = &a->e[k];

		if (e->perm & ~7 || (has_id(e->tag) && e->id == NO_ID))
			return false;
		switch (e->tag) {
		case USER_OBJ:
			if (next != USER_OBJ)
				return false;
			next = USER;
			break;
		case USER:
			if (next != USER)
				return false;
			break;
		case GROUP_OBJ:
			if (next != USER)
				return false;
			next = GROUP;
			break;
		case GROUP:
			if (next != GROUP)
				return false;
			break;
		case MASK:
			if (next != GROUP)
				return false;
			masked = true;
			next = OTHER;
			break;
		case OTHER:
			if (next != OTHER && (next != GROUP || named))
				return false;
			next = 0;
			break;
		default: return false;
		}
		named |= has_id(e->tag);
	}
	return next == 0 && (masked || !named);
}

int acl_parse(const void *value, size_t size, struct acl **out)
{
	const struct entry *from = (const void *)((const char *)value + 4);
	struct acl *a;
	u32 version, n;

	*out = NULL;
	if (!size)
		return 0;
	if (size < sizeof(version) || (size - sizeof(version)) % sizeof(*from))
		return -EINVAL;
	memcpy(&version, value, sizeof(version));
	if (version != ACL_VERSION)
		return -EOPNOTSUPP;
	n = (u32)((size - sizeof(version)) / sizeof(*from));
	if (!n)
		return 0;
	a = alloc(n);
	if (!a)
		return -ENOMEM;
	memcpy(a->e, from, n * sizeof(*from));
	for (u32 k = 0; k < n; k++) {
		struct entry *e = &a->e[k];

		e->id = e->tag == USER	  ? kuid_here(e->id)
			: e->tag == GROUP ? kgid_here(e->id)
					  : NO_ID;
	}
	if (!acl_valid(a)) {
		acl_put(a);
		return -EINVAL;
	}
	*out = a;
	return 0;
}

s64 acl_format(const struct acl *a, void *value, size_t size)
{
	size_t need = 4 + a->n * sizeof(struct entry);
	struct entry *to = (void *)((char *)value + 4);
	u32 version = ACL_VERSION;

	if (!size)
		return (s64)need;
	if (size < need)
		return -ERANGE;
	memcpy(value, &version, sizeof(version));
	memcpy(to, a->e, a->n * sizeof(*to));
	for (u32 k = 0; k < a->n; k++)
		if (has_id(to[k].tag))
			to[k].id = to[k].tag == USER ? show_uid(to[k].id) : show_gid(to[k].id);
	return (s64)need;
}

/* ---- the mode ---- */

static struct entry *find(struct acl *a, u16 tag)
{
	for (u32 k = 0; k < a->n; k++)
		if (a->e[k].tag == tag)
			return &a->e[k];
	return NULL;
}

/* The entry that the mode's group bits stand for. */
static struct entry *group_class(struct acl *a)
{
	return find(a, MASK) ?: find(a, GROUP_OBJ);
}

static u32 mode_of(struct acl *a)
{
	return (u32)find(a, USER_OBJ)->perm << 6 | (u32)group_class(a)->perm << 3 |
	       find(a, OTHER)->perm;
}

static void set_mode(struct acl *a, u32 mode)
{
	find(a, USER_OBJ)->perm = mode >> 6 & 7;
	group_class(a)->perm = mode >> 3 & 7;
	find(a, OTHER)->perm = mode & 7;
}

/* Does it say no more than a mode can? Owner, group and others alone. */
static bool is_mode(const struct acl *a)
{
	return a->n == 3;
}

/* ---- what an inode has ---- */

static struct acl *acl_of(struct inode *i, bool def)
{
	return i->flags & INODE_ACL ? i->ops->get_acl(i, def) : NULL;
}

int acl_set(struct inode *i, bool def, struct acl *a)
{
	u32 mode = i->mode;

	if (i->flags & (INODE_IMMUTABLE | INODE_APPEND))
		return -EPERM;
	if (!i->ops || !i->ops->set_acl)
		return -EOPNOTSUPP;
	if (def && !S_ISDIR(mode))
		return a ? -EACCES : 0;
	if (!inode_owner_or_capable(i))
		return -EPERM;
	if (!def && a) {
		mode = (mode & ~0777u) | mode_of(a);
		if (!cred_in_group(task_current()->cred, i->gid) && !capable_wrt(i, CAP_FSETID))
			mode &= ~(u32)S_ISGID;
		if (is_mode(a))
			a = NULL;
	}
	return i->ops->set_acl(i, def, a, mode);
}

static int check(const struct acl *a, const struct inode *i, u16 want)
{
	const struct cred *c = task_current()->cred;
	const struct entry *e = a->e, *end = a->e + a->n;
	bool found = false;

	for (; e < end; e++) {
		switch (e->tag) {
		case USER_OBJ:
			if (i->uid == c->fsuid)
				goto unmasked;
			break;
		case USER:
			if (e->id == c->fsuid)
				goto masked;
			break;
		case GROUP_OBJ:
		case GROUP:
			if (cred_in_group(c, e->tag == GROUP ? e->id : i->gid)) {
				found = true;
				if ((e->perm & want) == want)
					goto masked;
			}
			break;
		case OTHER:
			if (found)
				return -EACCES;
			goto unmasked;
		}
	}
	return -EACCES;
masked:
	for (const struct entry *m = e + 1; m < end; m++)
		if (m->tag == MASK)
			return (e->perm & m->perm & want) == want ? 0 : -EACCES;
unmasked:
	return (e->perm & want) == want ? 0 : -EACCES;
}

int acl_permission(struct inode *i, int mask)
{
	struct acl *a = acl_of(i, false);
	int err;

	if (!a)
		return -EAGAIN;
	err = check(a, i, mask & 7);
	acl_put(a);
	return err;
}

bool acl_inherits(struct inode *dir)
{
	struct acl *def = acl_of(dir, true);
	bool any = def;

	acl_put(def);
	return any;
}

int acl_inherit(struct inode *dir, struct inode *i)
{
	struct acl *def = S_ISLNK(i->mode) ? NULL : acl_of(dir, true), *a;
	int err = -ENOMEM;

	if (!def)
		return 0;
	a = clone(def);
	if (a) {
		set_mode(a, mode_of(a) & i->mode);
		err = i->ops->set_acl(i, false, is_mode(a) ? NULL : a,
				      (i->mode & ~0777u) | mode_of(a));
	}
	if (!err && S_ISDIR(i->mode))
		err = i->ops->set_acl(i, true, def, i->mode);
	acl_put(a);
	acl_put(def);
	return err;
}

int acl_chmod(struct inode *i, u32 mode)
{
	struct acl *old = acl_of(i, false), *a;
	int err = -ENOMEM;

	if (!old)
		return 0;
	a = clone(old);
	if (a) {
		set_mode(a, mode);
		err = i->ops->set_acl(i, false, a, i->mode);
	}
	acl_put(a);
	acl_put(old);
	return err;
}
