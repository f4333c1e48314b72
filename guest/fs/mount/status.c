/*
 * status.c - what is mounted, as statmount(2), listmount(2) and /proc/PID/{mounts,mountinfo,mountstats} tell it: the
 * mounts of one namespace that are below a root, in the order of their numbers.
 */
#include <linux/mount.h>
#include <string.h>

#include "fs/mount/api.h"
#include "fs/mount/peer_group.h"
#include "fs/procfs.h"
#include "fs/seq.h"
#include "lib/log.h"
#include "mm/slab.h"
#include "task/task.h"

static bool is_reachable(struct mount *m, const struct path_ref *root)
{
	return path_is_below(&(struct path_ref){ m, m->root }, root);
}

/* A mount of the caller's namespace that his root reaches; NULL. */
static struct mount *by_id(u64 id, const struct path_ref *root)
{
	struct mount *m;

	list_for_each(m, &task_current()->fs->ns->mounts, in_ns)
		if (m->id == id)
			return is_reachable(m, root) ? m : NULL;
	return NULL;
}

s64 mount_list(u64 id, u64 after, u64 *ids, size_t n)
{
	struct path_ref root;
	struct mount *m, *top;
	size_t k = 0;
	bool any;

	fs_context_root(&root);
	mutex_lock(&vfs_mounts_mutex);
	top = id ? by_id(id, &root) : root.mnt;
	any = top;
	list_for_each(m, &task_current()->fs->ns->mounts, in_ns) {
		if (!any || k == n)
			break;
		if (m->id > after && m != top && (!id || m->parent == top) &&
		    is_reachable(m, &root))
			ids[k++] = m->id;
	}
	mutex_unlock(&vfs_mounts_mutex);
	path_put(&root);
	return any ? (s64)k : -ENOENT;
}

static char *name_below(const struct path_ref *p, const struct path_ref *root, char *buf,
			size_t size)
{
	bool below;
	char *name = path_name_from(p, root, buf, (unsigned)size, &below);

	return IS_ERR(name) || !below ? NULL : name;
}

/* A dentry's name from the root of its file system, at the end of buf; NULL: too long. */
static char *name_in_super(const struct dentry *d, char *buf, size_t size)
{
	char *p = buf + size - 1;

	*p = 0;
	spin_lock(&dcache_lock);
	for (; d->parent != d && p; d = d->parent) {
		if ((size_t)(p - buf) < d->len + 1u) {
			p = NULL;
			break;
		}
		p -= d->len;
		memcpy(p, dentry_name(d), d->len);
		*--p = '/';
	}
	spin_unlock(&dcache_lock);
	if (p && !*p)
		*--p = '/';
	return p;
}

int mount_status(u64 id, struct mount_status *s)
{
	struct path_ref root;
	struct mount *m;
	int err = -ENOENT;

	fs_context_root(&root);
	mutex_lock(&vfs_mounts_mutex);
	m = by_id(id, &root);
	if (m) {
		struct path_ref at = { m, m->root };

		s->dev = m->sb->dev;
		s->magic = m->sb->magic;
		s->sb_flags = m->sb->flags &
			      (MS_RDONLY | MS_SYNCHRONOUS | MS_DIRSYNC | MS_LAZYTIME);
		s->id = m->id;
		s->parent = m->parent ? m->parent->id : m->id;
		s->attr = mount_attr_of_flags(m->flags);
		s->propagation = mount_propagation(m);
		s->peer_group = m->group ? m->group->id : 0;
		s->master = mount_master(m) ? mount_master(m)->id : 0;
		s->from = mount_dominating_id(m, m->ns, &root);
		ksnprintf(s->type, sizeof(s->type), "%s", m->sb->fs->name);
		s->root = name_in_super(m->root, s->buf[0], sizeof(s->buf[0]));
		s->point = name_below(&at, &root, s->buf[1], sizeof(s->buf[1]));
		err = 0;
	}
	mutex_unlock(&vfs_mounts_mutex);
	path_put(&root);
	return err;
}

/* ---- /proc ---- */

struct listing {
	struct seq *s;
	const struct mount_ns *ns;
	struct path_ref root;
	char buf[2][PATH_MAX];
};

static void show_propagation(struct listing *l, const struct mount *m)
{
	const struct peer_group *master = mount_master(m);
	u32 from = master ? mount_dominating_id(m, l->ns, &l->root) : 0;

	if (m->group)
		seq_printf(l->s, " shared:%u", m->group->id);
	if (master)
		seq_printf(l->s, " master:%u", master->id);
	if (from && from != master->id)
		seq_printf(l->s, " propagate_from:%u", from);
	if (m->unbindable)
		seq_puts(l->s, " unbindable");
}

static void show_one(struct listing *l, struct mount *m, const char *where, int style)
{
	struct seq *s = l->s;
	const char *root;

	static const char blanks[] = " \t\n\\#";
	const char *rw = m->flags & MNT_RDONLY ? "ro" : "rw";
	const char *sbrw = m->sb->flags & MS_RDONLY ? "ro" : "rw";

	switch (style) {
	case MOUNTS_MOUNTS:
		seq_escape(s, m->source, blanks);
		seq_putc(s, ' ');
		seq_escape(s, where, blanks);
		seq_printf(s, " %s %s", m->sb->fs->name, mount_may_write(m) ? "ro" : "rw");
		mount_show_flags(s, m->flags);
		if (m->sb->ops && m->sb->ops->show_options)
			m->sb->ops->show_options(m->sb, s);
		seq_puts(s, " 0 0\n");
		break;
	case MOUNTS_MOUNTINFO:
		root = name_in_super(m->root, l->buf[1], PATH_MAX);
		seq_printf(s, "%u %u %u:%u ", m->id, m->parent ? m->parent->id : 1,
			   DEV_MAJOR(m->sb->dev), DEV_MINOR(m->sb->dev));
		seq_escape(s, root ? root : "/", blanks);
		seq_putc(s, ' ');
		seq_escape(s, where, blanks);
		seq_printf(s, " %s", rw);
		mount_show_flags(s, m->flags);
		show_propagation(l, m);
		seq_printf(s, " - %s ", m->sb->fs->name);
		seq_escape(s, m->source, blanks);
		seq_printf(s, " %s", sbrw);
		if (m->sb->ops && m->sb->ops->show_options)
			m->sb->ops->show_options(m->sb, s);
		seq_putc(s, '\n');
		break;
	default:
		seq_puts(s, "device ");
		seq_escape(s, m->source, blanks);
		seq_puts(s, " mounted on ");
		seq_escape(s, where, blanks);
		seq_printf(s, " with fstype %s\n", m->sb->fs->name);
	}
}

void mounts_show(struct seq *s, struct fs_context *fs, int style)
{
	struct listing *l = kmalloc(sizeof(*l));
	struct mount *m;
	u64 from;

	if (!l) {
		s->failed = true;
		return;
	}
	l->s = s;
	mutex_lock(&vfs_mounts_mutex);
	spin_lock(&fs->lock);
	l->ns = fs->ns;
	l->root = fs->root;
	path_get(&l->root);
	spin_unlock(&fs->lock);
	from = s->next;
	s->next = 0;
	list_for_each(m, &l->ns->mounts, in_ns) {
		struct path_ref p = { m, m->root };
		bool reachable;
		char *where;

		if (m->id < from)
			continue;
		if (s->len >= SEQ_PART) {
			s->next = m->id;
			break;
		}
		where = path_name_from(&p, &l->root, l->buf[0], PATH_MAX, &reachable);

		if (!IS_ERR(where) && reachable)
			show_one(l, m, where, style);
	}
	mutex_unlock(&vfs_mounts_mutex);
	path_put(&l->root);
	kfree(l);
}
