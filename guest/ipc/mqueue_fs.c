/*
 * mqueue_fs.c - the file system "mqueue": one directory per IPC namespace whose files are its message queues.
 *
 * The namespace keeps a mount that is in no tree; mq_open(3) looks there, and every mount(2) of the type shows the same
 * super block. Limits are mq_overview(7)'s: queues_max, msg_max, msgsize_max, RLIMIT_MSGQUEUE for each user.
 */
#include <linux/capability.h>
#include <string.h>

#include "fs/dirtable.h"
#include "fs/mount/mount.h"
#include "ipc/mqueue.h"
#include "mm/slab.h"
#include "task/task.h"
#include "task/ucounts.h"

#define MQUEUE_MAGIC  0x19800202
#define FILE_SIZE     80 /* of every queue, as Linux shows it */
#define ENTRY_SIZE    20
#define MSG_OVERHEAD  48 /* what Linux charges for a message and a priority beside the bytes */
#define PRIO_OVERHEAD 48

struct mq_dir {
	struct inode i;
	struct dirtable names;
};

static struct spinlock mq_lock = SPINLOCK_INIT;
static struct mutex mount_mutex = MUTEX_INIT(mount_mutex);

static struct mq_dir *dir_of(struct inode *i)
{
	return container_of(i, struct mq_dir, i);
}

/* ---- queues ---- */

static u64 charge_of(u64 maxmsg, u64 msgsize)
{
	return maxmsg * (msgsize + MSG_OVERHEAD) + MIN(maxmsg, (u64)MQ_PRIO_MAX) * PRIO_OVERHEAD;
}

/* Count the queue against its owner and namespace. */
static int charge(struct ipc_ns *ns, struct mqueue *q)
{
	struct ucounts *u = task_current()->ucounts;
	u64 bytes = charge_of(q->maxmsg, q->msgsize);
	bool fits;

	if (!ucounts_charge(u, UCOUNT_MSGQUEUE, bytes, task_rlimit(RLIMIT_MSGQUEUE)))
		return -EMFILE;
	spin_lock(&mq_lock);
	fits = ns->mq_count < ns->mq.queues_max || capable(CAP_SYS_RESOURCE);
	if (fits) {
		ns->mq_count++;
		q->counted = true;
	}
	spin_unlock(&mq_lock);
	q->charged = bytes;
	q->ucounts = ucounts_get(u);
	return fits ? 0 : -ENOSPC;
}

static void queue_evict(struct inode *i)
{
	struct mqueue *q = container_of(i, struct mqueue, i);

	struct ipc_ns *ns;

	spin_lock(&mq_lock);
	ns = i->sb->priv;
	if (q->counted && ns)
		ns->mq_count--;
	spin_unlock(&mq_lock);
	ucounts_sub(q->ucounts, UCOUNT_MSGQUEUE, q->charged);
	ucounts_put(q->ucounts);
	mqueue_drain(q);
}

static int queue_setattr(struct inode *i, const struct setattr *a)
{
	struct setattr copy = *a;

	copy.valid &= ~(u32)ATTR_SIZE;
	inode_setattr(i, &copy);
	return 0;
}

static const struct inode_ops queue_iops = { .setattr = queue_setattr,
					     .evict = queue_evict,
					     .fops = &mqueue_fops };

static int check_attr(struct ipc_ns *ns, const struct mq_attr *a)
{
	bool root = capable(CAP_SYS_RESOURCE);

	if (a->maxmsg <= 0 || a->msgsize <= 0)
		return -EINVAL;
	if (a->maxmsg > (root ? MQ_MAXMSG_HARD : (s64)ns->mq.msg_max) ||
	    a->msgsize > (root ? MQ_MSGSIZE_HARD : (s64)ns->mq.msgsize_max))
		return -EINVAL;
	return 0;
}

/* dir, of ns, is locked; the name is free. */
static struct inode *queue_make(struct ipc_ns *ns, struct inode *dir, const char *name,
				unsigned len, const struct make_args *a, const struct mq_attr *attr)
{
	struct mq_attr def = { .maxmsg = MIN(ns->mq.msg_max, ns->mq.msg_default),
			       .msgsize = MIN(ns->mq.msgsize_max, ns->mq.msgsize_default) };
	struct mqueue *q;
	int err;

	if (attr) {
		err = check_attr(ns, attr);
		if (err)
			return ERR_PTR(err);
		def = *attr;
	}
	q = (struct mqueue *)inode_alloc_size(dir->sb, a->mode, sizeof(*q));
	if (!q)
		return ERR_PTR(-ENOMEM);
	mqueue_init(q, (u64)def.maxmsg, (u64)def.msgsize);
	q->i.ops = &queue_iops;
	q->i.uid = a->uid;
	q->i.gid = a->gid;
	q->i.size = FILE_SIZE;
	err = charge(ns, q);
	if (!err && !dirtable_add(&dir_of(dir)->names, name, len, &q->i))
		err = -ENOMEM;
	if (err) {
		inode_put(&q->i);
		return ERR_PTR(err);
	}
	dir->size += ENTRY_SIZE;
	inode_touch(dir, ATTR_ATIME | ATTR_MTIME | ATTR_CTIME);
	inode_get(&q->i);
	return &q->i;
}

/* ---- the directory ---- */

static struct inode *mq_lookup(struct inode *dir, const char *name, unsigned len)
{
	struct dirnode *n = dirtable_find(&dir_of(dir)->names, name, len);

	if (!n)
		return ERR_PTR(-ENOENT);
	inode_get(n->inode);
	return n->inode;
}

/* With a reference; NULL: it has ended, and this mount of it is another namespace's. */
static struct ipc_ns *ns_of(struct super_block *sb)
{
	struct ipc_ns *ns;

	spin_lock(&mq_lock);
	ns = sb->priv;
	if (ns && !ref_tryget(&ns->ref))
		ns = NULL;
	spin_unlock(&mq_lock);
	return ns;
}

static struct inode *mq_make(struct inode *dir, const char *name, unsigned len,
			     const struct make_args *a)
{
	struct ipc_ns *ns;
	struct inode *i;

	if (!S_ISREG(a->mode))
		return ERR_PTR(-EPERM);
	ns = ns_of(dir->sb);
	if (!ns)
		return ERR_PTR(-EACCES);
	i = queue_make(ns, dir, name, len, a, NULL);
	ipc_ns_put(ns);
	return i;
}

static int mq_unlink(struct inode *dir, const char *name, unsigned len, struct inode *victim)
{
	struct dirnode *n = dirtable_find(&dir_of(dir)->names, name, len);

	if (!n)
		return -ENOENT;
	inode_put(dirtable_remove(&dir_of(dir)->names, n));
	victim->nlink = 0;
	dir->size -= ENTRY_SIZE;
	inode_touch(dir, ATTR_ATIME | ATTR_MTIME | ATTR_CTIME);
	return 0;
}

static int mq_setattr(struct inode *i, const struct setattr *a)
{
	inode_setattr(i, a);
	return 0;
}

static void mq_evict(struct inode *i)
{
	dirtable_free(&dir_of(i)->names);
}

static int mq_readdir(struct file *f, struct dir_context *ctx)
{
	if (dir_emit_dots(f, ctx))
		dirtable_emit(&dir_of(f->inode)->names, ctx);
	return 0;
}

static const struct file_ops dir_fops = {
	.read = dir_read,
	.seek = dir_seek,
	.readdir = mq_readdir,
};
static const struct inode_ops dir_iops = {
	.lookup = mq_lookup,
	.make = mq_make,
	.unlink = mq_unlink,
	.setattr = mq_setattr,
	.evict = mq_evict,
	.fops = &dir_fops,
};

/* ---- the file system ---- */

static struct super_block *make_super(const struct file_system *fs, struct ipc_ns *ns)
{
	struct super_block *sb = super_alloc(fs, NULL, MQUEUE_MAGIC, 0);
	struct inode *root;

	if (!sb)
		return ERR_PTR(-ENOMEM);
	root = inode_alloc_size(sb, S_IFDIR | 01777, sizeof(struct mq_dir));
	if (!root) {
		super_put(sb);
		return ERR_PTR(-ENOMEM);
	}
	dirtable_init(&dir_of(root)->names);
	root->ops = &dir_iops;
	root->nlink = 2;
	root->size = 2 * ENTRY_SIZE;
	sb->root = root;
	sb->priv = ns;
	return sb;
}

/* The namespace's own mount, borrowed. ERR_PTR. */
static struct mount *own_mount(struct ipc_ns *ns)
{
	struct mount_args a = { .source = "mqueue", .boot = ns };
	struct mount *m;

	mutex_lock(&mount_mutex);
	m = ns->mq_mount;
	if (!m) {
		m = mount_create(fs_find("mqueue"), &a);
		if (!IS_ERR(m))
			ns->mq_mount = m;
	}
	mutex_unlock(&mount_mutex);
	return m;
}

static struct super_block *mq_mount(const struct file_system *fs, const struct mount_args *a)
{
	struct mount *m;

	if (a->boot)
		return make_super(fs, a->boot);
	m = own_mount(ipc_ns_current());
	if (IS_ERR(m))
		return (void *)m;
	super_get(m->sb);
	return m->sb;
}

static const struct file_system mqueue_fs = {
	.name = "mqueue",
	.nodev = true,
	.user_mount = true,
	.userns_mount = true,
	.mount = mq_mount,
};

void mq_init(void)
{
	fs_register(&mqueue_fs);
}

void mq_ns_init(struct ipc_ns *ns)
{
	ns->mq = (struct mq_limits){ .queues_max = 256,
				     .msg_max = 10,
				     .msgsize_max = 8192,
				     .msg_default = 10,
				     .msgsize_default = 8192 };
}

void mq_ns_exit(struct ipc_ns *ns)
{
	if (!ns->mq_mount)
		return;
	spin_lock(&mq_lock);
	ns->mq_mount->sb->priv = NULL; /* other mounts may show it still */
	spin_unlock(&mq_lock);
	mount_put(ns->mq_mount);
}

/* ---- names ---- */

/* A name of one component, as lookup_one_len of Linux judges it. */
static int check_name(const char *name)
{
	size_t n = strlen(name);

	if (!n || strchr(name, '/') || !strcmp(name, ".") || !strcmp(name, ".."))
		return -EACCES;
	return n > NAME_MAX ? -ENAMETOOLONG : 0;
}

static int create(struct ipc_ns *ns, struct inode *dir, const char *name, u32 mode,
		  const struct mq_attr *attr)
{
	const struct cred *c = task_current()->cred;
	struct make_args a = { .mode = S_IFREG | (mode & 07777 & ~task_current()->fs->umask),
			       .uid = c->fsuid,
			       .gid = c->fsgid };
	unsigned len = (unsigned)strlen(name);
	struct inode *i = NULL;
	int err = may_create(dir);

	if (err)
		return err;
	mutex_lock(&dir->mutex);
	if (!dirtable_find(&dir_of(dir)->names, name, len))
		i = queue_make(ns, dir, name, len, &a, attr);
	mutex_unlock(&dir->mutex);
	if (IS_ERR(i))
		return (int)PTR_ERR(i);
	if (!i)
		return -EEXIST;
	inode_put(i);
	dcache_drop(dir, name, len); /* it was cached as missing */
	return 0;
}

struct file *mq_open_file(struct ipc_ns *ns, const char *name, u32 flags, u32 mode,
			  const struct mq_attr *attr)
{
	struct mount *m = own_mount(ns);
	struct path_ref root, p;
	bool made = false;
	struct file *f;
	int err;

	if (IS_ERR(m))
		return (void *)m;
	err = check_name(name);
	if (err)
		return ERR_PTR(err);
	root = (struct path_ref){ m, m->root };
	while ((err = path_lookup_from(&root, name, 0, &p)) == -ENOENT && flags & O_CREAT) {
		err = create(ns, path_inode(&root), name, mode, attr);
		made = !err;
		if (err && err != -EEXIST)
			return ERR_PTR(err);
	}
	if (err)
		return ERR_PTR(err);
	if (!made && (flags & (O_CREAT | O_EXCL)) == (O_CREAT | O_EXCL)) {
		path_put(&p);
		return ERR_PTR(-EEXIST);
	}
	if ((flags & O_ACCMODE) == O_ACCMODE) {
		path_put(&p);
		return ERR_PTR(-EINVAL);
	}
	f = vfs_open_path(&p, (flags & (O_ACCMODE | O_NONBLOCK)) | O_LARGEFILE);
	path_put(&p);
	return f;
}

int mq_unlink_name(struct ipc_ns *ns, const char *name)
{
	struct mount *m = own_mount(ns);
	unsigned len = (unsigned)strlen(name);
	struct inode *dir, *victim;
	int err;

	if (IS_ERR(m))
		return (int)PTR_ERR(m);
	err = check_name(name);
	if (err)
		return err;
	dir = m->sb->root;
	mutex_lock(&dir->mutex);
	victim = mq_lookup(dir, name, len);
	if (IS_ERR(victim)) {
		mutex_unlock(&dir->mutex);
		return (int)PTR_ERR(victim);
	}
	err = may_delete(dir, victim, false);
	if (!err)
		err = mq_unlink(dir, name, len, victim);
	mutex_unlock(&dir->mutex);
	if (!err)
		dcache_drop(dir, name, len);
	inode_put(victim);
	return err;
}
