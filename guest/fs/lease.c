/*
 * lease.c - leases (fcntl(2), F_SETLEASE): who holds one is told by a signal when another opens or truncates the file, and the
 * other waits until the lease is given up or its time is over.
 *
 * A lease is an entry of the file's table of locks. Differs from Linux: whom a write lease must keep out is looked for in
 * the descriptor tables, so an open file that only a mapping, a ring or a message holds is not seen, if it is for reading.
 */
#include <linux/capability.h>

#include "fs/lock_table.h"
#include "fs/owner.h"
#include "mm/slab.h"
#include "task/info.h"
#include "task/ns/pidns.h"
#include "task/task.h"

#define POLL_MSG_BAND 0x441 /* POLLIN | POLLRDNORM | POLLMSG */

u32 lease_break_time = 45;
u32 leases_enabled = 1;

/* ---- one lease; locks_lock held ---- */

static struct held *lease_of(const struct file_locks *l, const struct file *f)
{
	struct held *h;

	list_for_each(h, &l->held, node)
		if (h->kind == KIND_LEASE && h->owner == f)
			return h;
	return NULL;
}

static void change(struct file_locks *l, struct held *h, int type)
{
	struct file *f = h->owner;

	if (type == F_UNLCK || type == h->break_to)
		h->break_at = 0; /* that is what was asked for */
	h->type = type;
	if (type == F_UNLCK) {
		f->owner.pid = f->owner.sig = 0;
		locks_remove(l, h);
	}
	waitq_wake_all(&l->q, 0);
}

/* Those whose time is over become what they were to become. */
static void expire(struct file_locks *l)
{
	struct held *h, *tmp;

	list_for_each_safe(h, tmp, &l->held, node)
		if (h->kind == KIND_LEASE && h->break_at && h->break_at <= clock_mono())
			change(l, h, h->break_to);
}

/* ---- setting one ---- */

static bool reads(struct fdtable *files, const struct file *but)
{
	bool found = false;

	for (int fd = -1; !found && (fd = fdtable_next(files, fd + 1)) >= 0;) {
		struct file *f = fdtable_file(files, fd);

		if (fd % 256 == 255)
			task_poll();
		if (!f)
			continue;
		found = f != but && f->inode == but->inode &&
			(f->mode & (FMODE_READ | FMODE_WRITE)) == FMODE_READ;
		file_put(f);
	}
	return found;
}

/* Has any task a file of f's inode open for reading alone, other than f? */
static bool others_read(const struct file *f)
{
	const struct fdtable *last = NULL; /* threads share theirs, and mostly follow each other */
	bool found = false;

	for (int tid = 0; !found && (tid = task_next(tid + 1));) {
		struct task *t = task_find(tid);
		struct fdtable *files = t ? fdtable_of(t) : NULL;

		if (files) {
			found = files != last && reads(files, f);
			last = files;
			fdtable_put(files);
		}
		task_poll();
		if (t)
			task_put(t);
	}
	return found;
}

static bool opened_otherwise(const struct file *f, int type)
{
	s32 writers = MAX(atomic_load(&f->inode->writecount), 0);

	if (type == F_RDLCK)
		return writers;
	return writers != !!(f->mode & FMODE_WRITE) || others_read(f);
}

/* f's lease, new or changed. New ones are in `fresh`, which is then NULL. locks_lock held. */
static int put(struct file_locks *l, struct file *f, int type, struct held **fresh)
{
	struct held *h, *mine = lease_of(l, f);

	list_for_each(h, &l->held, node)
		if (h->kind == KIND_LEASE && h != mine &&
		    (type == F_WRLCK || (h->break_at && h->break_to == F_UNLCK)))
			return -EAGAIN;
	if (mine) {
		change(l, mine, type);
		return 0;
	}
	h = *fresh;
	*fresh = NULL;
	h->kind = KIND_LEASE;
	h->type = type;
	h->owner = f;
	h->pid = task_current()->process->pid;
	h->end = ~0ULL;
	locks_add(l, h);
	return 0;
}

static int drop(struct file_locks *l, struct file *f)
{
	struct held *h;
	int err = -EAGAIN;

	spin_lock(&locks_lock);
	expire(l);
	h = lease_of(l, f);
	if (h) {
		change(l, h, F_UNLCK);
		err = 0;
	}
	spin_unlock(&locks_lock);
	return err;
}

static int take(struct file_locks *l, struct file *f, int fd, int type)
{
	struct held *fresh = kzalloc(sizeof(*fresh));
	int err;
	bool new;

	if (!fresh)
		return -ENOMEM;
	spin_lock(&locks_lock);
	expire(l);
	new = !lease_of(l, f);
	err = new && !leases_enabled ? -EINVAL : put(l, f, type, &fresh);
	spin_unlock(&locks_lock);
	kfree(fresh);
	if (err || !new)
		return err;
	/* It is there: who opens the file from now on meets it. Who did before is seen now. */
	if (opened_otherwise(f, type)) {
		drop(l, f);
		return -EAGAIN;
	}
	if (!f->owner.pid)
		file_owner_set(f, OWNER_PID, pid_vnr(task_current()->process->pid));
	f->owner.fd = fd;
	return 0;
}

int lease_set(struct file *f, int fd, int type)
{
	struct file_locks *l;

	if (type != F_RDLCK && type != F_WRLCK && type != F_UNLCK)
		return -EINVAL;
	if (!f->inode)
		return -EINVAL;
	if (f->inode->uid != task_current()->cred->fsuid && !capable(CAP_LEASE))
		return -EACCES;
	if (!S_ISREG(f->inode->mode))
		return -EINVAL;
	l = type == F_UNLCK ? locks_find(f->inode) : locks_of(f->inode);
	if (type == F_UNLCK)
		return l ? drop(l, f) : -EAGAIN;
	if (!l)
		return -ENOMEM;
	return opened_otherwise(f, type) ? -EAGAIN : take(l, f, fd, type);
}

int lease_get(struct file *f)
{
	struct file_locks *l = f->inode ? locks_find(f->inode) : NULL;
	struct held *h;
	int type = F_UNLCK;

	if (!l)
		return type;
	spin_lock(&locks_lock);
	expire(l);
	h = lease_of(l, f);
	if (h)
		type = h->break_at ? h->break_to : h->type;
	spin_unlock(&locks_lock);
	return type;
}

/* ---- breaking them ---- */

/* Tell the next holder that was not told. False: all were. */
static bool tell_one(struct file_locks *l, const struct lock_range *want)
{
	int to = want->type == F_WRLCK ? F_UNLCK : F_RDLCK;
	struct file_owner owner;
	struct cred *opener;
	struct held *h;

	spin_lock(&locks_lock);
	expire(l);
	list_for_each(h, &l->held, node) {
		struct file *f = h->owner;

		if (h->kind != KIND_LEASE || (h->type == F_RDLCK && want->type == F_RDLCK) ||
		    (h->break_at && (h->break_to == F_UNLCK || to == F_RDLCK)))
			continue;
		h->break_to = to;
		h->break_at = lease_break_time ? clock_mono() + lease_break_time * 1000000000ULL
					       : NO_DEADLINE;
		owner = f->owner;
		opener = f->cred; /* stays: f takes its lease away before it goes */
		if (opener)
			cred_get(opener);
		spin_unlock(&locks_lock);
		file_owner_io(&owner, opener, POLL_MSG, POLL_MSG_BAND);
		if (opener)
			cred_put(opener);
		return true;
	}
	spin_unlock(&locks_lock);
	return false;
}

/* When the first lease in the way ends at the latest; 0: none is. w notes for which one waits. */
static u64 in_the_way(struct file_locks *l, const struct lock_range *want, struct waiting *w)
{
	struct held *h;
	u64 until;

	spin_lock(&locks_lock);
	locks_wait_end(w);
	expire(l);
	h = locks_conflict(l, KIND_LEASE, w, want);
	if (h)
		locks_wait_begin(w, l, KIND_LEASE, w, want, h);
	until = h ? MAX(h->break_at, 1ULL) : 0;
	spin_unlock(&locks_lock);
	return until;
}

int lease_break(struct inode *i, u32 flags)
{
	const struct lock_range want = { .type = (flags & O_ACCMODE) == O_RDONLY ? F_RDLCK
										 : F_WRLCK,
					 .end = ~0ULL,
					 .pid = task_current()->process->pid };
	struct file_locks *l = locks_find(i);
	struct waiting w;
	u64 until;
	int err;

	if (!l)
		return 0;
	list_init(&w.node);
	do {
		while (tell_one(l, &want))
			;
		until = in_the_way(l, &want, &w);
		if (!until)
			err = 0;
		else if (flags & O_NONBLOCK)
			err = -EWOULDBLOCK;
		else
			err = wait_event(&l->q, SLEEP_INTERRUPTIBLE, until,
					 in_the_way(l, &want, &w) != until);
	} while (until && (!err || err == -ETIMEDOUT));
	spin_lock(&locks_lock);
	locks_wait_end(&w);
	spin_unlock(&locks_lock);
	return err;
}
