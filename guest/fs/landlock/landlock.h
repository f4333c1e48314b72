/*
 * landlock.h - landlock(7): restrictions that a task puts on itself and on all that it makes. ABI 6.
 *
 * A ruleset (landlock/ruleset.c) is behind a descriptor and collects rules. landlock_restrict_self(2) freezes a copy of it
 * as one more layer of the caller's domain: a domain is its innermost layer, which leads to the others. Credentials carry
 * it, so that fork and exec do; a task without one pays for one test of a pointer. An access has to be allowed by every
 * layer that handles it. Layers never change, and are read without a lock.
 */
#ifndef MOAT_FS_LANDLOCK_H
#define MOAT_FS_LANDLOCK_H

#include "fs/vfs.h"
#include "task/task.h"

#define LANDLOCK_ABI_VERSION 6
#define LANDLOCK_LAYERS_MAX  16

/* LANDLOCK_ACCESS_FS_* */
#define LANDLOCK_EXECUTE     (1u << 0)
#define LANDLOCK_WRITE_FILE  (1u << 1)
#define LANDLOCK_READ_FILE   (1u << 2)
#define LANDLOCK_READ_DIR    (1u << 3)
#define LANDLOCK_REMOVE_DIR  (1u << 4)
#define LANDLOCK_REMOVE_FILE (1u << 5)
#define LANDLOCK_MAKE_CHAR   (1u << 6)
#define LANDLOCK_MAKE_DIR    (1u << 7)
#define LANDLOCK_MAKE_REG    (1u << 8)
#define LANDLOCK_MAKE_SOCK   (1u << 9)
#define LANDLOCK_MAKE_FIFO   (1u << 10)
#define LANDLOCK_MAKE_BLOCK  (1u << 11)
#define LANDLOCK_MAKE_SYM    (1u << 12)
#define LANDLOCK_REFER	     (1u << 13)
#define LANDLOCK_TRUNCATE    (1u << 14)
#define LANDLOCK_IOCTL_DEV   (1u << 15)
#define LANDLOCK_FS_ALL	     0xffffu
/* Those that make sense for what is no directory. */
#define LANDLOCK_FS_FILE                                                                   \
	(LANDLOCK_EXECUTE | LANDLOCK_WRITE_FILE | LANDLOCK_READ_FILE | LANDLOCK_TRUNCATE | \
	 LANDLOCK_IOCTL_DEV)

/* LANDLOCK_ACCESS_NET_* */
#define LANDLOCK_BIND_TCP    1u
#define LANDLOCK_CONNECT_TCP 2u
#define LANDLOCK_NET_ALL     3u

/* LANDLOCK_SCOPE_* */
#define LANDLOCK_SCOPE_UNIX   1u
#define LANDLOCK_SCOPE_SIGNAL 2u
#define LANDLOCK_SCOPE_ALL    3u

struct landlock_rule {
	u64 key;	       /* the inode's address, or the port */
	struct dentry *dentry; /* with a reference: keeps the inode what it is; NULL for ports */
	u32 allowed;
};

struct landlock_rules { /* sorted by key */
	struct landlock_rule *rule;
	u32 n, room;
};

struct landlock_domain {
	struct ref ref;
	u32 depth;	     /* 1: the outermost layer */
	u32 fs, net, scoped; /* what it handles */
	struct landlock_rules paths, ports;
	struct landlock_domain *parent; /* the layer outside of it, with a reference; or NULL */
};

static inline const struct landlock_domain *landlock_current(void)
{
	return task_current()->cred->landlock;
}

/* ---- landlock/ruleset.c ---- */

/* An empty ruleset that handles these accesses. ERR_PTR(-ENOMEM, -ENFILE). */
struct file *landlock_ruleset_create(u32 fs, u32 net, u32 scoped);
bool is_landlock_ruleset(const struct file *f);
bool landlock_handles(const struct file *ruleset,
		      u64 access); /* all of these LANDLOCK_* of files? */
/* allowed: that it handles. -EINVAL: some are of directories, and p is none; -E2BIG, -ENOMEM. */
int landlock_add_path(struct file *ruleset, const struct path_ref *p, u64 allowed);
/* -EINVAL: accesses that it does not handle, or no port; -E2BIG, -ENOMEM. */
int landlock_add_port(struct file *ruleset, u64 port, u64 allowed);
/* One more layer inside of outer (which may be NULL), with one reference. ERR_PTR(-E2BIG, -ENOMEM). */
struct landlock_domain *landlock_domain_create(struct file *ruleset, struct landlock_domain *outer);
void landlock_domain_get(struct landlock_domain *d);
void landlock_domain_put(struct landlock_domain *d); /* from any context; NULL is harmless */

/* ---- landlock.c ---- */

/* The first rule whose key is not below key; r->n: there is none. */
u32 landlock_place(const struct landlock_rules *r, u64 key);
u32 landlock_find(const struct landlock_rules *r, u64 key); /* what is allowed; 0 without a rule */
/* Is it a mount that no path leads to (pipes, memfd)? Such files are free. */
bool landlock_exempt(const struct path_ref *p);
/* Of the current task, which has a domain: 0 or -EACCES. */
int landlock_check(const struct path_ref *p, u32 access);
int landlock_check_open(struct file *f, bool exec);
/*
 * link(2) and rename(2) of `from`, a name in from_dir, to the directory `to`. victim: what is replaced, or NULL; remove: the
 * old name goes. -EACCES; -EXDEV: it would be allowed more there, or may not change its directory.
 */
int landlock_check_refer(const struct path_ref *from_dir, const struct dentry *from,
			 const struct path_ref *to, const struct dentry *victim, bool remove,
			 bool exchange);
u32 landlock_make_access(u32 mode); /* LANDLOCK_MAKE_* */

/* The same for any task: the one test that those without a domain pay for. */
static inline int landlock_may(const struct path_ref *p, u32 access)
{
	return unlikely(landlock_current()) ? landlock_check(p, access) : 0;
}

static inline int landlock_may_open(struct file *f, bool exec)
{
	return unlikely(landlock_current()) ? landlock_check_open(f, exec) : 0;
}

/* May the caller change the mount tree? A domain that handles files stands on it. 0 or -EPERM. */
int landlock_may_mount(void);

/* Is `inner` the domain `outer` or inside of it? Everything is inside of none. */
static inline bool landlock_inside(const struct landlock_domain *inner,
				   const struct landlock_domain *outer)
{
	while (inner && inner != outer)
		inner = inner->parent;
	return inner == outer;
}

/* Does a layer of `from` that has this scope not hold `to`? */
static inline bool landlock_scoped(const struct landlock_domain *from,
				   const struct landlock_domain *to, u32 scope)
{
	for (; unlikely(from); from = from->parent)
		if ((from->scoped & scope) && !landlock_inside(to, from))
			return true;
	return false;
}

#endif
