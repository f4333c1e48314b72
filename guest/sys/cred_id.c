/*
 * cred_id.c - user and group identities, by the rules of credentials(7), setuid(2) and its kin.
 */
#include <linux/capability.h>

#include "lib/err.h"
#include "mm/slab.h"
#include "sys/sys.h"
#include "task/task.h"
#include "task/ns/userns.h"

#define SECBIT_NO_SETUID_FIXUP (1u << 2)
#define SECBIT_KEEP_CAPS       (1u << 4)
/* Capabilities that follow the fsuid: CHOWN, DAC_OVERRIDE, DAC_READ_SEARCH, FOWNER, FSETID, LINUX_IMMUTABLE, MKNOD, MAC_OVERRIDE */
#define FS_CAPS (0x1fULL | 1ULL << 9 | 1ULL << 27 | 1ULL << 32)

static const struct cred *cur(void)
{
	return task_current()->cred;
}

s64 sys_getuid(void)
{
	return show_uid(cur()->uid);
}

s64 sys_geteuid(void)
{
	return show_uid(cur()->euid);
}

s64 sys_getgid(void)
{
	return show_gid(cur()->gid);
}

s64 sys_getegid(void)
{
	return show_gid(cur()->egid);
}

/* Ids of the caller's namespace become the kernel's; NO_ID stays. False: one has no meaning there. */
static bool take_uid(id_a *id)
{
	return *id == NO_ID || (*id = kuid_here(*id)) != NO_ID;
}

static bool take_gid(id_a *id)
{
	return *id == NO_ID || (*id = kgid_here(*id)) != NO_ID;
}

/* capabilities(7), "Effect of user ID changes on capabilities". */
static void fix_caps(struct cred *c, const struct cred *old)
{
	u32 root = kuid_here(0);
	bool was_root = old->uid == root || old->euid == root || old->suid == root;

	if (c->securebits & SECBIT_NO_SETUID_FIXUP)
		return;
	if (was_root && c->uid != root && c->euid != root && c->suid != root) {
		if (!(c->securebits & SECBIT_KEEP_CAPS))
			c->cap_permitted = c->cap_effective = 0;
		c->cap_ambient = 0;
	}
	if (old->euid == root && c->euid != root)
		c->cap_effective = 0;
	if (old->euid != root && c->euid == root)
		c->cap_effective = c->cap_permitted;
}

/* Users' and groups' ids obey the same rules, but for the capabilities that a user's bring and take. */
enum id_kind { USER, GROUP };

struct ids {
	u32 real, effective, saved, fs;
};

static struct ids ids_of(const struct cred *c, enum id_kind kind)
{
	return kind == USER ? (struct ids){ c->uid, c->euid, c->suid, c->fsuid }
			    : (struct ids){ c->gid, c->egid, c->sgid, c->fsgid };
}

static bool take(id_a *id, enum id_kind kind)
{
	return kind == USER ? take_uid(id) : take_gid(id);
}

static bool may_set(enum id_kind kind)
{
	return capable_here(kind == USER ? CAP_SETUID : CAP_SETGID);
}

static bool one_of(u32 id, u32 a, u32 b, u32 c)
{
	return id == NO_ID || id == a || id == b || id == c;
}

/* The limit of processes is no reason to stay privileged (setuid(2) mostly goes unchecked): execve(2) fails instead. */
static int count_for_user(struct cred *c)
{
	int err = cred_set_ucounts(c);

	if (!err)
		task_current()->nproc_exceeded =
			c->uid != 0 &&
			ucounts_over(c->ucounts, UCOUNT_NPROC, task_rlimit(RLIMIT_NPROC));
	return err ? -EAGAIN : 0;
}

static s64 commit(const struct ids *n, enum id_kind kind)
{
	const struct cred *old = cur();
	struct ids o = ids_of(old, kind);
	struct cred *c = cred_dup(old);
	int err = 0;

	if (!c)
		return -ENOMEM;
	if (kind == USER) {
		c->uid = n->real;
		c->euid = n->effective;
		c->suid = n->saved;
		c->fsuid = n->fs;
		fix_caps(c, old);
		if (c->uid != old->uid)
			err = count_for_user(c);
	} else {
		c->gid = n->real;
		c->egid = n->effective;
		c->sgid = n->saved;
		c->fsgid = n->fs;
	}
	if (err) {
		cred_put(c);
		return err;
	}
	if (n->effective != o.effective || n->fs != o.fs) {
		task_current()->process->dumpable = false;
		task_current()->pdeath_signal = 0;
	}
	cred_commit(c);
	return 0;
}

static s64 set_id(id_a id, enum id_kind kind)
{
	struct ids n = ids_of(cur(), kind);
	bool may = may_set(kind);

	if (id == NO_ID || !take(&id, kind))
		return -EINVAL;
	if (!may && id != n.real && id != n.saved)
		return -EPERM;
	if (may)
		n.real = n.saved = id;
	n.effective = n.fs = id;
	return commit(&n, kind);
}

static s64 set_re(id_a real, id_a effective, enum id_kind kind)
{
	struct ids o = ids_of(cur(), kind), n = o;

	if (!take(&real, kind) || !take(&effective, kind))
		return -EINVAL;
	if (!may_set(kind) && (!one_of(real, o.real, o.effective, o.effective) ||
			       !one_of(effective, o.real, o.effective, o.saved)))
		return -EPERM;
	if (real != NO_ID)
		n.real = real;
	if (effective != NO_ID)
		n.effective = effective;
	if (real != NO_ID || (effective != NO_ID && effective != o.real))
		n.saved = n.effective;
	n.fs = n.effective;
	return commit(&n, kind);
}

static s64 set_res(id_a real, id_a effective, id_a saved, enum id_kind kind)
{
	struct ids o = ids_of(cur(), kind), n = o;

	if (!take(&real, kind) || !take(&effective, kind) || !take(&saved, kind))
		return -EINVAL;
	if (!may_set(kind) && (!one_of(real, o.real, o.effective, o.saved) ||
			       !one_of(effective, o.real, o.effective, o.saved) ||
			       !one_of(saved, o.real, o.effective, o.saved)))
		return -EPERM;
	if (real != NO_ID)
		n.real = real;
	if (effective != NO_ID)
		n.effective = effective;
	if (saved != NO_ID)
		n.saved = saved;
	n.fs = n.effective;
	return commit(&n, kind);
}

s64 sys_setuid(id_a uid)
{
	return set_id(uid, USER);
}

s64 sys_setgid(id_a gid)
{
	return set_id(gid, GROUP);
}

s64 sys_setreuid(id_a ruid, id_a euid)
{
	return set_re(ruid, euid, USER);
}

s64 sys_setregid(id_a rgid, id_a egid)
{
	return set_re(rgid, egid, GROUP);
}

s64 sys_setresuid(id_a ruid, id_a euid, id_a suid)
{
	return set_res(ruid, euid, suid, USER);
}

s64 sys_setresgid(id_a rgid, id_a egid, id_a sgid)
{
	return set_res(rgid, egid, sgid, GROUP);
}

static s64 put3(uaddr_t a, uaddr_t b, uaddr_t c, u32 x, u32 y, u32 z)
{
	return user_write(a, &x, 4) || user_write(b, &y, 4) || user_write(c, &z, 4) ? -EFAULT : 0;
}

s64 sys_getresuid(uptr_a ruid, uptr_a euid, uptr_a suid)
{
	return put3(ruid, euid, suid, show_uid(cur()->uid), show_uid(cur()->euid),
		    show_uid(cur()->suid));
}

s64 sys_getresgid(uptr_a rgid, uptr_a egid, uptr_a sgid)
{
	return put3(rgid, egid, sgid, show_gid(cur()->gid), show_gid(cur()->egid),
		    show_gid(cur()->sgid));
}

/* Gives what it was, whether or not it changed: there is no error. */
static s64 set_fs(id_a id, enum id_kind kind)
{
	const struct cred *old = cur();
	struct ids o = ids_of(old, kind);
	s64 was = kind == USER ? show_uid(o.fs) : show_gid(o.fs);
	u32 root = kuid_here(0);
	struct cred *c;

	if (id == NO_ID || !take(&id, kind) ||
	    (!one_of(id, o.real, o.effective, o.saved) && id != o.fs && !may_set(kind)))
		return was;
	c = cred_dup(old);
	if (!c)
		return was;
	if (kind == GROUP) {
		c->fsgid = id;
	} else {
		c->fsuid = id;
		if (o.fs == root && id != root)
			c->cap_effective &= ~FS_CAPS;
		else if (o.fs != root && id == root)
			c->cap_effective |= c->cap_permitted & FS_CAPS;
	}
	cred_commit(c);
	return was;
}

s64 sys_setfsuid(id_a uid)
{
	return set_fs(uid, USER);
}

s64 sys_setfsgid(id_a gid)
{
	return set_fs(gid, GROUP);
}

s64 sys_getgroups(int_a size, uptr_a list)
{
	const struct cred *c = cur();

	if (size < 0 || (size && (u32)size < c->ngroups))
		return -EINVAL;
	for (u32 i = 0; size && i < c->ngroups; i++) {
		u32 gid = show_gid(c->groups[i]);

		if (user_write(list + 4 * (u64)i, &gid, sizeof(gid)))
			return -EFAULT;
	}
	return c->ngroups;
}

/* Lookups may rely on it, and getgroups(2) shows it. Heap sort: no recursion. */
static void sort_ids(u32 *v, u32 n)
{
	u32 i, k, child, end = n, x;

	for (i = n / 2; end > 1;) {
		if (i) {
			x = v[--i];
		} else {
			x = v[--end];
			v[end] = v[0];
		}
		for (k = i; (child = 2 * k + 1) < end; k = child) {
			if (child + 1 < end && v[child + 1] > v[child])
				child++;
			if (v[child] <= x)
				break;
			v[k] = v[child];
		}
		v[k] = x;
	}
}

s64 sys_setgroups(int_a size, uptr_a list)
{
	u32 *groups = NULL, n = (u32)size, i;
	struct cred *c;

	if (!user_ns_may_setgroups())
		return -EPERM;
	if (n > NGROUPS_MAX)
		return -EINVAL;
	if (n) {
		groups = kmalloc(n * 4);
		if (!groups)
			return -ENOMEM;
		if (user_read(groups, list, n * 4)) {
			kfree(groups);
			return -EFAULT;
		}
		for (i = 0; i < n; i++)
			if (groups[i] == NO_ID || !take_gid(&groups[i])) {
				kfree(groups);
				return -EINVAL;
			}
		sort_ids(groups, n);
	}
	c = cred_dup(cur());
	if (!c) {
		kfree(groups);
		return -ENOMEM;
	}
	kfree(c->groups);
	c->groups = groups;
	c->ngroups = n;
	cred_commit(c);
	return 0;
}
