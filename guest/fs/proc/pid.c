/*
 * pid.c - /proc/PID and /proc/PID/task: finding the task of an inode again, who may look, and the directories.
 *
 * Owners follow the task's effective ids, as Linux's task_dump_owner(): root's where the task is not dumpable. No lock is
 * held while content is made, but for the inode's mutex, which serializes readers of one file.
 */
#include <linux/capability.h>
#include <string.h>

#include "fs/proc/proc.h"
#include "fs/procfs.h"
#include "task/ptrace/ptrace.h"

/* ---- the task behind an inode ---- */

struct task *proc_task(const struct proc_id *id)
{
	struct task *t = task_find(id->tid);

	if (t && t->start_time != id->start) {
		task_put(t);
		return NULL;
	}
	return t;
}

bool proc_may_access(struct task *t)
{
	return ptrace_may_access(t, PTRACE_READ | PTRACE_FSIDS);
}

static void set_owner(struct inode *i, struct task *t)
{
	struct cred *c = task_cred_get(t);
	bool root = !S_ISLNK(i->mode) && i->mode != (S_IFDIR | 0555) &&
		    (!t->mm || !t->process->dumpable);

	WRITE_ONCE(i->uid, root ? 0 : c->euid);
	WRITE_ONCE(i->gid, root ? 0 : c->egid);
	cred_put(c);
}

bool proc_pid_valid(struct inode *i)
{
	struct task *t = proc_task(proc_id(i));

	if (!t)
		return false;
	set_owner(i, t);
	task_put(t);
	return true;
}

u64 proc_pid_ino(int tid, bool thread, u64 sub)
{
	return (u64)tid << 48 >> 1 | (u64)thread << 46 | 1ULL << 45 | sub;
}

int proc_name_to_int(const char *name, unsigned len)
{
	int n = 0;

	if (!len || len > 9 || (name[0] == '0' && len > 1))
		return -1;
	for (unsigned i = 0; i < len; i++) {
		if (name[i] < '0' || name[i] > '9')
			return -1;
		n = n * 10 + (name[i] - '0');
	}
	return n;
}

/* ---- inode operations that all share ---- */

void proc_pid_evict(struct inode *i)
{
	kfree(i->priv);
}

int proc_pid_getattr(struct inode *i, struct stat_info *st)
{
	proc_pid_valid(i); /* the owner as of now; a dead task's file keeps its last one */
	inode_getattr(i, st);
	return 0;
}

int proc_pid_permission(struct inode *i, int mask)
{
	if (!proc_pid_valid(i))
		return -ESRCH;
	return inode_permission_generic(i, mask);
}

int proc_pid_setattr(struct inode *i, const struct setattr *a)
{
	if (a->valid & (ATTR_MODE | ATTR_UID | ATTR_GID))
		return -EPERM;
	return 0; /* O_TRUNC, times */
}

/* Nothing can be made here: "no such entry", as on Linux, not "no right". */
struct inode *proc_no_make(struct inode *dir, const char *name, unsigned len,
			   const struct make_args *a)
{
	return ERR_PTR(-ENOENT);
}

/* ---- text files ---- */

static int text_check(const struct proc_id *id, struct task *t)
{
	if ((id->entry->flags & PE_PTRACE) && !proc_may_access(t))
		return -EACCES;
	return 0;
}

static int text_open(struct inode *i, struct file *f)
{
	const struct proc_id *id = proc_id(i);
	struct task *t;
	int err;

	t = proc_task(id);
	if (!t)
		return -ESRCH;
	err = text_check(id, t);
	task_put(t);
	return err;
}

static int text_show(struct seq *s, void *arg)
{
	const struct proc_id *id = arg;
	struct task *t = proc_task(id);
	int err;

	if (!t)
		return -ESRCH;
	err = text_check(id, t);
	s->pid_ns = id->ns;
	if (!err)
		err = id->entry->show ? id->entry->show(s, t, id->thread) : -EINVAL;
	task_put(t);
	return err;
}

static s64 text_store(void *arg, char *buf, size_t n)
{
	const struct proc_id *id = arg;
	struct task *t = proc_task(id);
	s64 r;

	if (!t)
		return -ESRCH;
	r = id->entry->store ? id->entry->store(t, buf, n) : -EINVAL;
	task_put(t);
	return r;
}

static void text_evict(struct inode *i)
{
	kfree(i->priv);
	pseudo_dir_ops.evict(i);
}

static const struct text_ops pid_text = { .show = text_show, .store = text_store };
static const struct inode_ops text_iops = {
	.open = text_open,
	.getattr = proc_pid_getattr,
	.permission = proc_pid_permission,
	.setattr = proc_pid_setattr,
	.evict = text_evict,
	.fops = &pseudo_text_fops,
};

struct inode *proc_pid_inode(struct super_block *sb, u32 mode, const struct proc_id *id, u64 sub,
			     const struct inode_ops *ops)
{
	struct proc_id *copy = kmalloc(sizeof(*copy));
	struct inode *i;

	if (!copy)
		return ERR_PTR(-ENOMEM);
	*copy = *id;
	i = ops ? inode_alloc(sb, mode) : pseudo_text_inode(sb, mode, &pid_text, copy);
	if (!i) {
		kfree(copy);
		return ERR_PTR(-ENOMEM);
	}
	i->priv = copy;
	i->ops = ops ? ops : &text_iops;
	i->flags |= INODE_NOATIME | INODE_NOCACHE;
	i->ino = proc_pid_ino(id->tid, id->thread, sub);
	if (S_ISDIR(mode))
		i->nlink = 2;
	if (!proc_pid_valid(i)) {
		inode_put(i);
		return ERR_PTR(-ENOENT);
	}
	return i;
}

/* ---- /proc/PID and /proc/PID/task/TID ---- */

static bool in_dir(const struct pid_entry *e, bool thread)
{
	return e->flags & (thread ? PE_THREAD : PE_PROCESS);
}

static struct inode *dir_lookup(struct inode *dir, const char *name, unsigned len)
{
	struct proc_id id = *proc_id(dir);

	for (unsigned k = 0; k < nr_pid_entries; k++) {
		const struct pid_entry *e = &pid_entries[k];

		if (!in_dir(e, id.thread) || strlen(e->name) != len || memcmp(e->name, name, len))
			continue;
		id.entry = e;
		return proc_pid_inode(dir->sb, e->mode, &id, k + 1,
				      e->path ? &proc_link_iops : e->iops);
	}
	return ERR_PTR(-ENOENT);
}

static int dir_readdir(struct file *f, struct dir_context *ctx)
{
	const struct proc_id *id = proc_id(f->inode);

	if (!proc_pid_valid(f->inode))
		return -ENOENT;
	if (!dir_emit_dots(f, ctx))
		return 0;
	for (; ctx->pos - 2 < nr_pid_entries; ctx->pos++) {
		const struct pid_entry *e = &pid_entries[ctx->pos - 2];

		if (in_dir(e, id->thread) &&
		    !ctx->emit(ctx, e->name, (unsigned)strlen(e->name), ctx->pos + 1,
			       proc_pid_ino(id->tid, id->thread, ctx->pos - 1),
			       DT_OF_MODE(e->mode)))
			break;
	}
	return 0;
}

/* Names here never change while the task lives; missing ones stay missing. */
static bool dir_revalidate(struct inode *dir, const char *name, unsigned len, struct inode *i)
{
	return i ? proc_pid_valid(i) : true;
}

static const struct file_ops dir_fops = { .read = dir_read,
					  .seek = dir_seek,
					  .readdir = dir_readdir };
static const struct inode_ops dir_iops = {
	.lookup = dir_lookup,
	.make = proc_no_make,
	.revalidate = dir_revalidate,
	.getattr = proc_pid_getattr,
	.permission = proc_pid_permission,
	.evict = proc_pid_evict,
	.fops = &dir_fops,
};

struct inode *proc_pid_lookup(struct super_block *sb, int tid, bool thread)
{
	struct proc_id id = { .tid = tid, .thread = thread, .ns = proc_ns(sb) };
	struct task *t = task_find(tid);
	struct inode *i;

	if (!t)
		return ERR_PTR(-ENOENT);
	id.start = t->start_time;
	task_put(t);
	i = proc_pid_inode(sb, S_IFDIR | 0555, &id, 0, &dir_iops);
	if (!IS_ERR(i))
		i->nlink = thread ? 7 : 9;
	return i;
}

struct process *proc_dir_process(struct file *f)
{
	const struct proc_id *id;
	struct process *p;
	struct task *t;

	if (f->ops != &dir_fops || f->inode->ops != &dir_iops || proc_id(f->inode)->thread)
		return ERR_PTR(-EBADF);
	id = proc_id(f->inode);
	t = proc_task(id);
	if (!t)
		return ERR_PTR(-ESRCH);
	p = t->process;
	ref_get(&p->ref);
	task_put(t);
	return p;
}

/* ---- /proc/PID/task ---- */

static struct inode *task_lookup(struct inode *dir, const char *name, unsigned len)
{
	struct task *leader = proc_task(proc_id(dir)), *t;
	int tid = proc_name_to_int(name, len);
	bool ours;

	if (!leader)
		return ERR_PTR(-ENOENT);
	tid = tid < 0 ? 0 : pid_from_nr(proc_ns(dir->sb), tid);
	t = tid ? task_find(tid) : NULL;
	ours = t && t->process == leader->process;
	task_put(t);
	task_put(leader);
	return ours ? proc_pid_lookup(dir->sb, tid, true) : ERR_PTR(-ENOENT);
}

static bool task_revalidate(struct inode *dir, const char *name, unsigned len, struct inode *i)
{
	return i && proc_pid_valid(i);
}

static int task_readdir(struct file *f, struct dir_context *ctx)
{
	struct task *leader = proc_task(proc_id(f->inode));
	char name[16];
	int tid, n;

	if (!leader)
		return -ENOENT;
	if (dir_emit_dots(f, ctx)) {
		while ((tid = thread_next(leader->process, (int)ctx->pos - 2))) {
			int nr = pid_nr_in(proc_ns(f->inode->sb), tid);

			n = ksnprintf(name, sizeof(name), "%d", nr);
			if (!dir_emit(ctx, name, (unsigned)n, (u64)tid + 3,
				      proc_pid_ino(tid, true, 0), DT_DIR))
				break;
		}
	}
	task_put(leader);
	return 0;
}

static int task_getattr(struct inode *i, struct stat_info *st)
{
	struct task *t = proc_task(proc_id(i));

	proc_pid_getattr(i, st);
	if (t)
		st->nlink += t->process->nr_threads;
	task_put(t);
	return 0;
}

static const struct file_ops proc_task_fops = { .read = dir_read,
						.seek = dir_seek,
						.readdir = task_readdir };
const struct inode_ops proc_task_iops = {
	.lookup = task_lookup,
	.make = proc_no_make,
	.revalidate = task_revalidate,
	.getattr = task_getattr,
	.permission = proc_pid_permission,
	.evict = proc_pid_evict,
	.fops = &proc_task_fops,
};
