/*
 * userns_map.c - writing the maps of a user namespace, by the rules of user_namespaces(7), "User and group ID mappings".
 *
 * Lock: user_ns_lock around "is it written already" and the writing; readers of a map see it whole or empty.
 */
#include <linux/capability.h>
#include <string.h>

#include "lib/err.h"
#include "mm/slab.h"
#include "task/ns/userns.h"

static struct spinlock user_ns_lock = SPINLOCK_INIT;

/* ---- the text: lines of three numbers ---- */

static bool number(char **s, u32 *out)
{
	u64 v = 0;
	char *p = *s;

	while (*p == ' ' || *p == '\t')
		p++;
	if (*p < '0' || *p > '9')
		return false;
	for (; *p >= '0' && *p <= '9'; p++) {
		v = v * 10 + (u64)(*p - '0');
		if (v > NO_ID)
			return false;
	}
	if (*p && *p != ' ' && *p != '\t' && *p != '\n')
		return false;
	*s = p;
	*out = (u32)v;
	return true;
}

static bool overlap(u32 a, u32 b, u32 na, u32 nb)
{
	return a - b < nb || b - a < na;
}

/* The number of extents, or -EINVAL. */
static int parse(char *s, struct id_extent *e)
{
	int n = 0;

	while (*s) {
		struct id_extent x;

		if (n == IDMAP_MAX || !number(&s, &x.first) || !number(&s, &x.lower) ||
		    !number(&s, &x.count))
			return -EINVAL;
		while (*s == ' ' || *s == '\t')
			s++;
		if (*s && *s != '\n')
			return -EINVAL;
		s += *s == '\n';
		if (x.first == NO_ID || x.lower == NO_ID || !x.count ||
		    x.first + x.count <= x.first || x.lower + x.count <= x.lower)
			return -EINVAL;
		for (int i = 0; i < n; i++)
			if (overlap(x.first, e[i].first, x.count, e[i].count) ||
			    overlap(x.lower, e[i].lower, x.count, e[i].count))
				return -EINVAL;
		e[n++] = x;
	}
	return n ? n : -EINVAL;
}

/* ---- the rules ---- */

/* The parent's root may be given away only by one who could give files capabilities there. */
static bool may_map_root(const struct user_ns *ns, const struct id_extent *e, int n)
{
	bool root = false;

	for (int i = 0; i < n; i++)
		root |= e[i].lower == 0;
	if (!root)
		return true;
	if (cred_user_ns(task_current()->cred) == ns)
		return ns->maker_could_setfcap;
	return ns_capable(ns->c.owner, CAP_SETFCAP);
}

/* Without a capability over the parent a writer may map its own id alone. */
static bool permitted(const struct user_ns *ns, bool gid, const struct id_extent *e, int n)
{
	const struct cred *c = task_current()->cred;

	if (n == 1 && e->count == 1 && ns->owner_uid == c->euid) {
		if (!gid && user_ns_kuid(ns->c.owner, e->lower) == c->euid)
			return true;
		if (gid && ns->setgroups_denied && user_ns_kgid(ns->c.owner, e->lower) == c->egid)
			return true;
	}
	return ns_capable(ns->c.owner, gid ? CAP_SETGID : CAP_SETUID);
}

/* Lower ids of the parent become the kernel's; a range must lie in one extent of the parent. */
static int resolve(const struct user_ns *parent, bool gid, struct id_extent *e, int n)
{
	for (int i = 0; i < n; i++) {
		u32 last = e[i].lower + e[i].count - 1;
		u32 a = gid ? user_ns_kgid(parent, e[i].lower) : user_ns_kuid(parent, e[i].lower);
		u32 b = gid ? user_ns_kgid(parent, last) : user_ns_kuid(parent, last);

		if (a == NO_ID || b == NO_ID || b - a != e[i].count - 1)
			return -EPERM;
		e[i].lower = a;
	}
	return 0;
}

static bool may_write(const struct user_ns *ns)
{
	const struct user_ns *own = cred_user_ns(task_current()->cred);

	return ns->c.owner && (own == ns || own == ns->c.owner);
}

int user_ns_write_map(struct user_ns *ns, bool gid, char *text)
{
	struct id_map *m = gid ? &ns->gid : &ns->uid;
	struct id_extent *e, *own;
	int n, err;

	if (!may_write(ns))
		return -EPERM;
	e = kmalloc(sizeof(*e) * IDMAP_MAX);
	if (!e)
		return -ENOMEM;
	err = m->nr || !ns_capable(ns, CAP_SYS_ADMIN) ? -EPERM : 0;
	n = err ? err : parse(text, e);
	if (n > 0 && !(permitted(ns, gid, e, n) && (gid || may_map_root(ns, e, n))))
		n = -EPERM;
	if (n > 0 && (err = resolve(ns->c.owner, gid, e, n)))
		n = err;
	if (n < 0) {
		kfree(e);
		return n;
	}
	own = kmalloc(sizeof(*e) * (size_t)n);
	if (own)
		memcpy(own, e, sizeof(*e) * (size_t)n);
	kfree(e);
	if (!own)
		return -ENOMEM;
	spin_lock(&user_ns_lock);
	if (m->nr) {
		err = -EPERM;
	} else {
		m->extent = own;
		atomic_store(&m->nr, (unsigned)n);
		own = NULL;
	}
	spin_unlock(&user_ns_lock);
	kfree(own);
	return err;
}

int user_ns_write_setgroups(struct user_ns *ns, const char *text)
{
	size_t n = strcspn(text, " \t\n");
	bool deny = n == 4 && memcmp(text, "deny", 4) == 0;
	int err = 0;

	if (!deny && !(n == 5 && memcmp(text, "allow", 5) == 0))
		return -EINVAL;
	if (text[n + strspn(text + n, " \t\n")])
		return -EINVAL;
	if (!ns_capable(ns, CAP_SYS_ADMIN))
		return -EPERM;
	spin_lock(&user_ns_lock);
	if (deny && ns->gid.nr && !ns->setgroups_denied)
		err = -EPERM;
	else if (!deny && ns->setgroups_denied)
		err = -EPERM;
	else
		ns->setgroups_denied = deny;
	spin_unlock(&user_ns_lock);
	return err;
}

bool user_ns_may_setgroups(void)
{
	const struct user_ns *ns = cred_user_ns(task_current()->cred);

	return capable_here(CAP_SETGID) && ns->gid.nr && !ns->setgroups_denied;
}

bool user_ns_map_line(const struct user_ns *ns, bool gid, unsigned i, struct id_extent *out)
{
	const struct id_map *m = gid ? &ns->gid : &ns->uid;
	const struct user_ns *view = cred_user_ns(task_current()->cred);

	if (i >= atomic_load(&m->nr))
		return false;
	*out = m->extent[i];
	if (view == ns && ns->c.owner)
		view = ns->c.owner; /* one's own map is shown as the parent sees it */
	if (view == &first_user_ns)
		return true;
	/* NO_ID where the viewer has no name for it. */
	for (unsigned k = 0; k < (gid ? view->gid.nr : view->uid.nr); k++) {
		const struct id_extent *e = (gid ? view->gid.extent : view->uid.extent) + k;

		if (out->lower - e->lower < e->count) {
			out->lower = e->first + (out->lower - e->lower);
			return true;
		}
	}
	out->lower = NO_ID;
	return true;
}
