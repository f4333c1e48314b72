/*
 * ns.c - /proc/PID/ns: links to namespaces, the files behind them, and /proc/PID/{uid_map,gid_map,setgroups}.
 *
 * An open file of a namespace holds a reference to it, so it lives on without tasks (setns(2), bind mounts).
 */
#include <string.h>

#include "fs/mount/mount.h"
#include "fs/proc/attr.h"
#include "fs/proc/link.h"
#include "fs/procfs.h"
#include "fs/seq.h"
#include "task/ns/userns.h"

#define NS_GET_USERNS	 0xb701
#define NS_GET_PARENT	 0xb702
#define NS_GET_NSTYPE	 0xb703
#define NS_GET_OWNER_UID 0xb704

/* ---- the file of a namespace ---- */

static void ns_evict(struct inode *i)
{
	ns_put(i->priv);
}

static int ns_setattr(struct inode *i, const struct setattr *a)
{
	return -EPERM;
}

static s64 ns_ioctl(struct file *f, unsigned cmd, u64 arg);

static const struct file_ops ns_file_fops = { .name = "nsfs",
					      .seek = stream_seek,
					      .ioctl = ns_ioctl };
static const struct inode_ops ns_file_iops = { .setattr = ns_setattr,
					       .evict = ns_evict,
					       .fops = &ns_file_fops };

/* Takes over the reference on n. */
static int path_of(struct ns_common *n, struct path_ref *out)
{
	struct inode *i = inode_alloc(proc_anon_sb(), S_IFREG | 0444);
	char name[40];
	int err;

	if (!i) {
		ns_put(n);
		return -ENOMEM;
	}
	i->ino = n->inum;
	i->ops = &ns_file_iops;
	i->priv = n;
	ksnprintf(name, sizeof(name), "%s:[%u]", ns_types[n->kind].name, n->inum);
	err = proc_anon_path(i, name, out);
	inode_put(i);
	return err;
}

struct ns_common *proc_ns_of_file(struct file *f)
{
	return f->ops == &ns_file_fops ? f->inode->priv : NULL;
}

struct ns_common *proc_ns_of_inode(const struct inode *i)
{
	return i->ops == &ns_file_iops ? i->priv : NULL;
}

s64 proc_ns_open(struct ns_common *n)
{
	struct path_ref p;
	struct file *f;
	int err;

	ns_get(n);
	err = path_of(n, &p);
	if (err)
		return err;
	f = vfs_open_path(&p, O_RDONLY | O_CLOEXEC);
	path_put(&p);
	return IS_ERR(f) ? PTR_ERR(f) : fd_install_new(f, true);
}

/* Is ns the caller's user namespace or below it? */
static bool visible(const struct user_ns *ns)
{
	const struct user_ns *own = cred_user_ns(task_current()->cred);

	for (; ns; ns = ns->c.owner)
		if (ns == own)
			return true;
	return false;
}

/* A descriptor for the namespace above, if the caller may see it. */
static s64 parent_of(const struct pid_ns *ns)
{
	if (!ns->parent || !pid_ns_below(ns->parent, pid_ns_current()))
		return -EPERM;
	return proc_ns_open(&ns->parent->c);
}

static s64 ns_ioctl(struct file *f, unsigned cmd, u64 arg)
{
	struct ns_common *n = f->inode->priv;
	struct user_ns *up = n->kind == NS_USER ? n->owner : ns_owner(n);
	u32 uid;

	switch (cmd) {
	case NS_GET_PARENT:
		if (n->kind != NS_USER && n->kind != NS_PID)
			return -EINVAL;
		if (n->kind == NS_PID)
			return parent_of(container_of(n, struct pid_ns, c));
		/* fallthrough */
	case NS_GET_USERNS: return up && visible(up) ? proc_ns_open(&up->c) : -EPERM;
	case NS_GET_NSTYPE: return (s64)ns_types[n->kind].flag;
	case NS_GET_OWNER_UID:
		if (n->kind != NS_USER)
			return -EINVAL;
		uid = show_uid(container_of(n, struct user_ns, c)->owner_uid);
		return user_write(arg, &uid, sizeof(uid)) ? -EFAULT : 0;
	default: return -ENOTTY;
	}
}

/* ---- the links ---- */

static const struct {
	const char *name;
	enum ns_kind kind;
	bool for_children;
} links[] = {
	{ "cgroup", NS_CGROUP, false }, { "ipc", NS_IPC, false },
	{ "mnt", NS_MNT, false },	{ "net", NS_NET, false },
	{ "pid", NS_PID, false },	{ "pid_for_children", NS_PID, true },
	{ "time", NS_TIME, false },	{ "time_for_children", NS_TIME, true },
	{ "user", NS_USER, false },	{ "uts", NS_UTS, false },
};

/* The namespace that a link stands for, with a reference; ERR_PTR. */
static struct ns_common *linked(const struct proc_id *id)
{
	struct task *t = proc_task(id);
	struct ns_common *n;

	if (!t)
		return ERR_PTR(-ENOENT);
	if (!proc_may_access(t))
		n = ERR_PTR(-EACCES);
	else if (links[id->nr].for_children)
		n = task_ns_for_children(t, links[id->nr].kind);
	else
		n = task_ns(t, links[id->nr].kind);
	/* Without an init it has nothing to show. */
	if (!IS_ERR(n) && n && n->kind == NS_PID && links[id->nr].for_children &&
	    n != &first_pid_ns.c && !container_of(n, struct pid_ns, c)->init) {
		ns_put(n);
		n = NULL;
	}
	task_put(t);
	return n ? n : ERR_PTR(-ENOENT);
}

static int link_read(struct inode *i, char *buf, size_t size)
{
	struct ns_common *n = linked(proc_id(i));
	int len;

	if (IS_ERR(n))
		return (int)PTR_ERR(n);
	len = ksnprintf(buf, size, "%s:[%u]", ns_types[n->kind].name, n->inum);
	ns_put(n);
	return len;
}

static int link_path(struct inode *i, struct path_ref *out)
{
	struct ns_common *n = linked(proc_id(i));

	return IS_ERR(n) ? (int)PTR_ERR(n) : path_of(n, out);
}

static const struct inode_ops link_iops = {
	.readlink = link_read,
	.get_link_path = link_path,
	.getattr = proc_pid_getattr,
	.evict = proc_pid_evict,
};

static struct inode *ns_lookup(struct inode *dir, const char *name, unsigned len)
{
	struct proc_id id = *proc_id(dir);

	for (unsigned k = 0; k < ARRAY_SIZE(links); k++) {
		if (strlen(links[k].name) != len || memcmp(links[k].name, name, len))
			continue;
		id.nr = (int)k;
		return proc_pid_inode(dir->sb, S_IFLNK | 0777, &id, (u64)(k + 1) << 8 | 0xfd,
				      &link_iops);
	}
	return ERR_PTR(-ENOENT);
}

static bool ns_revalidate(struct inode *dir, const char *name, unsigned len, struct inode *i)
{
	return i ? proc_pid_valid(i) : true;
}

static int ns_readdir(struct file *f, struct dir_context *ctx)
{
	const struct proc_id *id = proc_id(f->inode);

	if (!dir_emit_dots(f, ctx))
		return 0;
	while (ctx->pos - 2 < ARRAY_SIZE(links)) {
		u64 k = ctx->pos - 2;

		if (!dir_emit(ctx, links[k].name, (unsigned)strlen(links[k].name), ctx->pos + 1,
			      proc_pid_ino(id->tid, id->thread, (k + 1) << 8 | 0xfd), DT_LNK))
			break;
	}
	return 0;
}

static const struct file_ops proc_ns_fops = { .read = dir_read,
					      .seek = dir_seek,
					      .readdir = ns_readdir };
const struct inode_ops proc_ns_iops = {
	.lookup = ns_lookup,
	.make = proc_no_make,
	.revalidate = ns_revalidate,
	.getattr = proc_pid_getattr,
	.permission = proc_pid_permission,
	.evict = proc_pid_evict,
	.fops = &proc_ns_fops,
};

/* ---- uid_map, gid_map, setgroups ---- */

static struct user_ns *user_ns_of(struct task *t)
{
	return container_of(task_ns(t, NS_USER), struct user_ns, c);
}

static int show_map(struct seq *s, struct task *t, bool gid)
{
	struct user_ns *ns = user_ns_of(t);
	struct id_extent e;

	for (unsigned i = 0; user_ns_map_line(ns, gid, i, &e); i++)
		seq_printf(s, "%10u %10u %10u\n", e.first, e.lower, e.count);
	user_ns_put(ns);
	return 0;
}

int proc_show_uid_map(struct seq *s, struct task *t, bool thread)
{
	return show_map(s, t, false);
}

int proc_show_gid_map(struct seq *s, struct task *t, bool thread)
{
	return show_map(s, t, true);
}

static s64 store_map(struct task *t, char *buf, size_t n, bool gid)
{
	struct user_ns *ns = user_ns_of(t);
	int err = user_ns_write_map(ns, gid, buf);

	user_ns_put(ns);
	return err ? err : (s64)n;
}

s64 proc_store_uid_map(struct task *t, char *buf, size_t n)
{
	return store_map(t, buf, n, false);
}

s64 proc_store_gid_map(struct task *t, char *buf, size_t n)
{
	return store_map(t, buf, n, true);
}

int proc_show_setgroups(struct seq *s, struct task *t, bool thread)
{
	struct user_ns *ns = user_ns_of(t);

	seq_puts(s, ns->setgroups_denied ? "deny\n" : "allow\n");
	user_ns_put(ns);
	return 0;
}

s64 proc_store_setgroups(struct task *t, char *buf, size_t n)
{
	struct user_ns *ns = user_ns_of(t);
	int err = user_ns_write_setgroups(ns, buf);

	user_ns_put(ns);
	return err ? err : (s64)n;
}
