/*
 * fd.c - /proc/PID/fd and fdinfo (proc_pid_fd(5), proc_pid_fdinfo(5)).
 */
#include "fs/mount/mount.h"
#include "fs/proc/link.h"
#include "fs/pseudo.h"

/* The descriptor table of the inode's task, with a reference; NULL: gone. */
static struct fdtable *files_of(const struct proc_id *id)
{
	struct task *t = proc_task(id);
	struct fdtable *files;

	if (!t)
		return NULL;
	files = fdtable_of(t);
	task_put(t);
	return files;
}

/* The file behind descriptor nr, with a reference; NULL: not open. */
static struct file *get_file(const struct proc_id *id, int nr)
{
	struct fdtable *files = files_of(id);
	struct file *f;

	if (!files)
		return NULL;
	f = fdtable_file(files, nr);
	fdtable_put(files);
	return IS_ERR(f) ? NULL : f;
}

static int check_access(const struct proc_id *id)
{
	struct task *t = proc_task(id);
	bool may;

	if (!t)
		return -ENOENT;
	may = proc_may_access(t);
	task_put(t);
	return may ? 0 : -EACCES;
}

/* ---- the links ---- */

static int link_readlink(struct inode *i, char *buf, size_t size)
{
	const struct proc_id *id = proc_id(i);
	int err = check_access(id), n;
	struct file *f;
	char *tmp, *name;

	if (err)
		return err;
	f = get_file(id, id->nr);
	if (!f)
		return -ENOENT;
	tmp = kmalloc(PATH_MAX);
	name = tmp ? file_name(f, tmp, PATH_MAX) : ERR_PTR(-ENOMEM);
	n = IS_ERR(name) ? (int)PTR_ERR(name) : ksnprintf(buf, size, "%s", name);
	name_free(tmp);
	file_put(f);
	return n < 0 ? n : MIN(n, (int)size - 1);
}

static int link_path(struct inode *i, struct path_ref *out)
{
	const struct proc_id *id = proc_id(i);
	int err = check_access(id);
	struct file *f;
	char name[64];

	if (err)
		return err;
	f = get_file(id, id->nr);
	if (!f)
		return -ENOENT;
	if (f->path) {
		*out = *f->path;
		path_get(out);
	} else if (f->inode) {
		err = proc_anon_path(f->inode, file_name(f, name, sizeof(name)), out);
	} else {
		err = -ENXIO;
	}
	file_put(f);
	return err;
}

static const struct inode_ops link_iops = {
	.readlink = link_readlink,
	.get_link_path = link_path,
	.getattr = proc_pid_getattr,
	.evict = proc_pid_evict,
};

static u32 link_mode(const struct file *f)
{
	return S_IFLNK | (f->mode & FMODE_READ ? 0500 : 0) | (f->mode & FMODE_WRITE ? 0300 : 0);
}

static u64 fd_sub(int nr, unsigned which)
{
	return (u64)(nr + 1) << 8 | which;
}

static struct inode *fd_lookup(struct inode *dir, const char *name, unsigned len)
{
	struct proc_id id = *proc_id(dir);
	struct inode *i;
	struct file *f;

	id.nr = proc_name_to_int(name, len);
	f = id.nr < 0 ? NULL : get_file(&id, id.nr);
	if (!f)
		return ERR_PTR(-ENOENT);
	i = proc_pid_inode(dir->sb, link_mode(f), &id, fd_sub(id.nr, 0xfe), &link_iops);
	if (!IS_ERR(i))
		i->size = 64;
	file_put(f);
	return i;
}

/* The number may stand for another file by now; then only the mode of the link must follow. */
static bool fd_revalidate(struct inode *dir, const char *name, unsigned len, struct inode *i)
{
	struct file *f;

	if (!i || !proc_pid_valid(i))
		return false;
	f = get_file(proc_id(i), proc_id(i)->nr);
	if (!f)
		return false;
	if (S_ISLNK(i->mode))
		WRITE_ONCE(i->mode, link_mode(f));
	file_put(f);
	return true;
}

static int fd_readdir_as(struct file *f, struct dir_context *ctx, unsigned which, unsigned type)
{
	const struct proc_id *id = proc_id(f->inode);
	struct fdtable *files;
	char name[16];
	int fd, n;

	if (!proc_pid_valid(f->inode))
		return -ENOENT;
	if (!dir_emit_dots(f, ctx))
		return 0;
	files = files_of(id);
	if (!files)
		return 0;
	while ((fd = fdtable_next(files, (int)ctx->pos - 2)) >= 0) {
		n = ksnprintf(name, sizeof(name), "%d", fd);
		if (!dir_emit(ctx, name, (unsigned)n, (u64)fd + 3,
			      proc_pid_ino(id->tid, id->thread, fd_sub(fd, which)), type))
			break;
	}
	fdtable_put(files);
	return 0;
}

static int fd_readdir(struct file *f, struct dir_context *ctx)
{
	return fd_readdir_as(f, ctx, 0xfe, DT_LNK);
}

/* A process may always look at its own, also when it is not dumpable and root owns the directory. */
static int fd_permission(struct inode *i, int mask)
{
	struct task *t = proc_task(proc_id(i));
	bool own = t && t->process == task_current()->process;

	task_put(t);
	return own && !(mask & MAY_WRITE) ? 0 : proc_pid_permission(i, mask);
}

/* The size is the number of open descriptors, since Linux 6.2. */
static int fd_getattr(struct inode *i, struct stat_info *st)
{
	struct fdtable *files = files_of(proc_id(i));

	proc_pid_getattr(i, st);
	if (!files)
		return 0;
	for (int fd = 0; (fd = fdtable_next(files, fd)) >= 0; fd++)
		st->size++;
	fdtable_put(files);
	return 0;
}

static const struct file_ops proc_fd_fops = { .read = dir_read,
					      .seek = dir_seek,
					      .readdir = fd_readdir };
const struct inode_ops proc_fd_iops = {
	.lookup = fd_lookup,
	.make = proc_no_make,
	.revalidate = fd_revalidate,
	.getattr = fd_getattr,
	.permission = fd_permission,
	.evict = proc_pid_evict,
	.fops = &proc_fd_fops,
};

/* ---- fdinfo ---- */

static int info_show(struct seq *s, void *arg)
{
	const struct proc_id *id = arg;
	int err = check_access(id);
	struct file *f;
	u32 flags;

	if (err)
		return err;
	f = get_file(id, id->nr);
	if (!f)
		return -ENOENT;
	flags = READ_ONCE(f->flags) & ~(u32)O_CLOEXEC;
	if (task_current()->tid == id->tid && fd_get_cloexec(id->nr) > 0)
		flags |= O_CLOEXEC;
	seq_printf(s, "pos:\t%lld\nflags:\t0%o\nmnt_id:\t%u\nino:\t%llu\n", (long long)f->pos,
		   flags, f->path ? f->path->mnt->id : 0, f->inode ? (ull)f->inode->ino : 0ULL);
	if (f->ops && f->ops->show_fdinfo)
		f->ops->show_fdinfo(f, s);
	file_put(f);
	return 0;
}

static void info_evict(struct inode *i)
{
	kfree(i->priv);
	pseudo_dir_ops.evict(i);
}

static int info_open(struct inode *i, struct file *f)
{
	return f->mode & FMODE_WRITE ? -EACCES : check_access(proc_id(i));
}

static const struct text_ops info_text = { .show = info_show };
static const struct inode_ops info_iops = {
	.open = info_open,
	.getattr = proc_pid_getattr,
	.permission = proc_pid_permission,
	.setattr = proc_pid_setattr,
	.evict = info_evict,
	.fops = &pseudo_text_fops,
};

static struct inode *info_lookup(struct inode *dir, const char *name, unsigned len)
{
	struct proc_id id = *proc_id(dir), *copy;
	struct inode *i;
	struct file *f;

	id.nr = proc_name_to_int(name, len);
	f = id.nr < 0 ? NULL : get_file(&id, id.nr);
	if (!f)
		return ERR_PTR(-ENOENT);
	file_put(f);
	copy = kmalloc(sizeof(*copy));
	i = copy ? pseudo_text_inode(dir->sb, 0444, &info_text, copy) : NULL;
	if (!i) {
		kfree(copy);
		return ERR_PTR(-ENOMEM);
	}
	*copy = id;
	i->ops = &info_iops;
	i->flags |= INODE_NOCACHE;
	i->ino = proc_pid_ino(id.tid, id.thread, fd_sub(id.nr, 0xff));
	return i;
}

static int info_readdir(struct file *f, struct dir_context *ctx)
{
	return fd_readdir_as(f, ctx, 0xff, DT_REG);
}

static const struct file_ops proc_fdinfo_fops = { .read = dir_read,
						  .seek = dir_seek,
						  .readdir = info_readdir };
const struct inode_ops proc_fdinfo_iops = {
	.lookup = info_lookup,
	.make = proc_no_make,
	.revalidate = fd_revalidate,
	.getattr = proc_pid_getattr,
	.permission = proc_pid_permission,
	.evict = proc_pid_evict,
	.fops = &proc_fdinfo_fops,
};
