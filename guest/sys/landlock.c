/*
 * landlock.c - landlock_create_ruleset(2), landlock_add_rule(2), landlock_restrict_self(2). Checks in Linux's order.
 */
#include <linux/capability.h>

#include "fs/landlock/landlock.h"
#include "fs/mount/mount.h"
#include "sys/sys.h"
#include "task/ns/userns.h"

#define CREATE_RULESET_VERSION 1u

#define RULE_PATH_BENEATH 1
#define RULE_NET_PORT	  2

struct ruleset_attr {
	u64 fs, net, scoped;
};

struct path_beneath_attr {
	u64 allowed;
	s32 parent_fd;
} __attribute__((packed));

struct net_port_attr {
	u64 allowed, port;
};

s64 sys_landlock_create_ruleset(uptr_a attr, size_a size, flags_a flags)
{
	struct ruleset_attr a = { 0 };
	int err;

	if (flags)
		return flags == CREATE_RULESET_VERSION && !attr && !size ? LANDLOCK_ABI_VERSION
									 : -EINVAL;
	if (!attr)
		return -EFAULT;
	if (size < sizeof(a.fs))
		return -EINVAL;
	err = user_read_struct(&a, sizeof(a), attr, size);
	if (err)
		return err;
	if ((a.fs & ~(u64)LANDLOCK_FS_ALL) || (a.net & ~(u64)LANDLOCK_NET_ALL) ||
	    (a.scoped & ~(u64)LANDLOCK_SCOPE_ALL))
		return -EINVAL;
	if (!a.fs && !a.net && !a.scoped)
		return -ENOMSG;
	return fd_install_new(landlock_ruleset_create((u32)a.fs, (u32)a.net, (u32)a.scoped), true);
}

static struct file *ruleset_get(int fd)
{
	struct file *f = fd_get(fd);

	if (!IS_ERR(f) && !is_landlock_ruleset(f)) {
		file_put(f);
		return ERR_PTR(-EBADFD);
	}
	return f;
}

static s64 add_path(struct file *ruleset, uaddr_t attr)
{
	struct path_beneath_attr a;
	struct file *f;
	s64 r;

	if (user_read(&a, attr, sizeof(a)))
		return -EFAULT;
	if (!a.allowed)
		return -ENOMSG;
	if (!landlock_handles(ruleset, a.allowed))
		return -EINVAL;
	f = fd_get_path(a.parent_fd);
	if (IS_ERR(f))
		return PTR_ERR(f);
	r = !f->path || landlock_exempt(f->path) ? -EBADFD
						 : landlock_add_path(ruleset, f->path, a.allowed);
	file_put(f);
	return r;
}

static s64 add_port(struct file *ruleset, uaddr_t attr)
{
	struct net_port_attr a;

	if (user_read(&a, attr, sizeof(a)))
		return -EFAULT;
	if (!a.allowed)
		return -ENOMSG;
	return landlock_add_port(ruleset, a.port, a.allowed);
}

s64 sys_landlock_add_rule(fd_a fd, int_a type, uptr_a attr, flags_a flags)
{
	struct file *f;
	s64 r;

	if (flags)
		return -EINVAL;
	f = ruleset_get(fd);
	if (IS_ERR(f))
		return PTR_ERR(f);
	switch (type) {
	case RULE_PATH_BENEATH: r = add_path(f, attr); break;
	case RULE_NET_PORT: r = add_port(f, attr); break;
	default: r = -EINVAL;
	}
	file_put(f);
	return r;
}

s64 sys_landlock_restrict_self(fd_a fd, flags_a flags)
{
	const struct cred *old = task_current()->cred;
	struct landlock_domain *d;
	struct cred *c;
	struct file *f;

	if (!old->no_new_privs && !capable_here(CAP_SYS_ADMIN))
		return -EPERM;
	if (flags)
		return -EINVAL;
	f = ruleset_get(fd);
	if (IS_ERR(f))
		return PTR_ERR(f);
	d = landlock_domain_create(f, old->landlock);
	file_put(f);
	if (IS_ERR(d))
		return PTR_ERR(d);
	c = cred_dup(old);
	if (!c) {
		landlock_domain_put(d);
		return -ENOMEM;
	}
	landlock_domain_put(c->landlock);
	c->landlock = d;
	cred_commit(c);
	return 0;
}
