/*
 * cred_id.c - user and group identities, by the rules of credentials(7), setuid(2) and its kin.
 */
#include "lib/err.h"
#include "mm/slab.h"
#include "sys/sys.h"
#include "task/task.h"
#include "task/userns.h"

#define CAP_SETGID	       6
#define CAP_SETUID	       7
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

static s64 commit_uid(struct cred *c)
{
	const struct cred *old = cur();

	fix_caps(c, old);
	if (c->euid != old->euid || c->fsuid != old->fsuid) {
		task_current()->process->dumpable = false;
		task_current()->pdeath_signal = 0;
	}
	cred_commit(c);
	return 0;
}

static s64 commit_gid(struct cred *c)
{
	const struct cred *old = cur();

	if (c->egid != old->egid || c->fsgid != old->fsgid) {
		task_current()->process->dumpable = false;
		task_current()->pdeath_signal = 0;
	}
	cred_commit(c);
	return 0;
}

s64 sys_setuid(id_a uid)
{
	struct cred *c;

	if (uid == NO_ID || !take_uid(&uid))
		return -EINVAL;
	if (!capable_here(CAP_SETUID) && uid != cur()->uid && uid != cur()->suid)
		return -EPERM;
	c = cred_dup(cur());
	if (!c)
		return -ENOMEM;
	if (capable_here(CAP_SETUID))
		c->uid = c->suid = uid;
	c->euid = c->fsuid = uid;
	return commit_uid(c);
}

s64 sys_setgid(id_a gid)
{
	struct cred *c;

	if (gid == NO_ID || !take_gid(&gid))
		return -EINVAL;
	if (!capable_here(CAP_SETGID) && gid != cur()->gid && gid != cur()->sgid)
		return -EPERM;
	c = cred_dup(cur());
	if (!c)
		return -ENOMEM;
	if (capable_here(CAP_SETGID))
		c->gid = c->sgid = gid;
	c->egid = c->fsgid = gid;
	return commit_gid(c);
}

s64 sys_setreuid(id_a ruid, id_a euid)
{
	const struct cred *o = cur();
	struct cred *c;

	if (!take_uid(&ruid) || !take_uid(&euid))
		return -EINVAL;
	if (!capable_here(CAP_SETUID)) {
		if (ruid != NO_ID && ruid != o->uid && ruid != o->euid)
			return -EPERM;
		if (euid != NO_ID && euid != o->uid && euid != o->euid && euid != o->suid)
			return -EPERM;
	}
	c = cred_dup(o);
	if (!c)
		return -ENOMEM;
	if (ruid != NO_ID)
		c->uid = ruid;
	if (euid != NO_ID)
		c->euid = euid;
	if (ruid != NO_ID || (euid != NO_ID && euid != o->uid))
		c->suid = c->euid;
	c->fsuid = c->euid;
	return commit_uid(c);
}

s64 sys_setregid(id_a rgid, id_a egid)
{
	const struct cred *o = cur();
	struct cred *c;

	if (!take_gid(&rgid) || !take_gid(&egid))
		return -EINVAL;
	if (!capable_here(CAP_SETGID)) {
		if (rgid != NO_ID && rgid != o->gid && rgid != o->egid)
			return -EPERM;
		if (egid != NO_ID && egid != o->gid && egid != o->egid && egid != o->sgid)
			return -EPERM;
	}
	c = cred_dup(o);
	if (!c)
		return -ENOMEM;
	if (rgid != NO_ID)
		c->gid = rgid;
	if (egid != NO_ID)
		c->egid = egid;
	if (rgid != NO_ID || (egid != NO_ID && egid != o->gid))
		c->sgid = c->egid;
	c->fsgid = c->egid;
	return commit_gid(c);
}

static bool one_of(u32 id, u32 a, u32 b, u32 c)
{
	return id == NO_ID || id == a || id == b || id == c;
}

s64 sys_setresuid(id_a ruid, id_a euid, id_a suid)
{
	const struct cred *o = cur();
	struct cred *c;

	if (!take_uid(&ruid) || !take_uid(&euid) || !take_uid(&suid))
		return -EINVAL;
	if (!capable_here(CAP_SETUID) &&
	    (!one_of(ruid, o->uid, o->euid, o->suid) || !one_of(euid, o->uid, o->euid, o->suid) ||
	     !one_of(suid, o->uid, o->euid, o->suid)))
		return -EPERM;
	c = cred_dup(o);
	if (!c)
		return -ENOMEM;
	if (ruid != NO_ID)
		c->uid = ruid;
	if (euid != NO_ID)
		c->euid = euid;
	if (suid != NO_ID)
		c->suid = suid;
	c->fsuid = c->euid;
	return commit_uid(c);
}

s64 sys_setresgid(id_a rgid, id_a egid, id_a sgid)
{
	const struct cred *o = cur();
	struct cred *c;

	if (!take_gid(&rgid) || !take_gid(&egid) || !take_gid(&sgid))
		return -EINVAL;
	if (!capable_here(CAP_SETGID) &&
	    (!one_of(rgid, o->gid, o->egid, o->sgid) || !one_of(egid, o->gid, o->egid, o->sgid) ||
	     !one_of(sgid, o->gid, o->egid, o->sgid)))
		return -EPERM;
	c = cred_dup(o);
	if (!c)
		return -ENOMEM;
	if (rgid != NO_ID)
		c->gid = rgid;
	if (egid != NO_ID)
		c->egid = egid;
	if (sgid != NO_ID)
		c->sgid = sgid;
	c->fsgid = c->egid;
	return commit_gid(c);
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

s64 sys_setfsuid(id_a uid)
{
	const struct cred *o = cur();
	u32 old = o->fsuid;
	struct cred *c;

	if (uid == NO_ID || !take_uid(&uid) ||
	    (!one_of(uid, o->uid, o->euid, o->suid) && uid != old && !capable_here(CAP_SETUID)))
		return show_uid(old);
	c = cred_dup(o);
	if (!c)
		return show_uid(old);
	c->fsuid = uid;
	if (old == kuid_here(0) && uid != old)
		c->cap_effective &= ~FS_CAPS;
	else if (old != uid && uid == kuid_here(0))
		c->cap_effective |= c->cap_permitted & FS_CAPS;
	cred_commit(c);
	return show_uid(old);
}

s64 sys_setfsgid(id_a gid)
{
	const struct cred *o = cur();
	u32 old = o->fsgid;
	struct cred *c;

	if (gid == NO_ID || !take_gid(&gid) ||
	    (!one_of(gid, o->gid, o->egid, o->sgid) && gid != old && !capable_here(CAP_SETGID)))
		return show_gid(old);
	c = cred_dup(o);
	if (!c)
		return show_gid(old);
	c->fsgid = gid;
	cred_commit(c);
	return show_gid(old);
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
