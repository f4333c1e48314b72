/*
 * mem.c - what /proc/PID shows of a process's memory itself: cmdline, environ, auxv, mem.
 *
 * mem finds the address space at each access (Linux keeps that of the open): after an exec the new one is seen, by those
 * who may trace the task then.
 */
#include <string.h>

#include "fs/proc/proc.h"

#define TEXT_MAX (1UL << 20) /* of cmdline and environ */

/* Append [start, end) of mm. */
static int copy_range(struct seq *s, struct mm *mm, uaddr_t start, uaddr_t end)
{
	char *page;
	int err = 0;

	if (end <= start)
		return 0;
	page = kmalloc(PAGE_SIZE);
	if (!page)
		return -ENOMEM;
	end = MIN(end, start + TEXT_MAX);
	while (start < end) {
		s64 n = mm_peek(mm, start, page, MIN(end - start, PAGE_SIZE));

		if (n <= 0) {
			err = s->len ? 0 : n ? (int)n : 0;
			break;
		}
		seq_write(s, page, (size_t)n);
		start += (u64)n;
	}
	kfree(page);
	return err;
}

/* The arguments; a program that overwrote them with one long title (setproctitle) may have gone on into the environment. */
int proc_show_cmdline(struct seq *s, struct task *t, bool thread)
{
	struct mm *mm = task_mm_get(t);
	struct mm_layout l;
	char *nul;
	char last = 0;
	int err = 0;

	if (!mm)
		return 0;
	l = *mm_layout(mm);
	if (l.arg_end > l.arg_start) {
		mm_peek(mm, l.arg_end - 1, &last, 1);
		err = copy_range(s, mm, l.arg_start, l.arg_end);
	}
	if (!err && last && l.env_start == l.arg_end) {
		copy_range(s, mm, l.env_start, MIN(l.env_end, l.env_start + PAGE_SIZE));
		nul = s->len ? memchr(s->buf, 0, s->len) : NULL;
		if (nul)
			s->len = (size_t)(nul - s->buf) + 1;
	}
	mm_put(mm);
	return err;
}

static int show_part(struct seq *s, struct task *t, bool auxv)
{
	struct mm *mm = task_mm_get(t);
	struct mm_layout l;
	int err;

	if (!mm)
		return 0;
	l = *mm_layout(mm);
	err = auxv ? copy_range(s, mm, l.auxv, l.auxv + l.auxv_len)
		   : copy_range(s, mm, l.env_start, l.env_end);
	mm_put(mm);
	return err;
}

int proc_show_environ(struct seq *s, struct task *t, bool thread)
{
	return show_part(s, t, false);
}

int proc_show_auxv(struct seq *s, struct task *t, bool thread)
{
	return show_part(s, t, true);
}

/* ---- mem ---- */

int proc_mem_open(struct inode *i, struct file *f)
{
	struct task *t = proc_task(proc_id(i));
	bool may;

	if (!t)
		return -ESRCH;
	may = proc_may_access(t);
	task_put(t);
	return may ? 0 : -EACCES;
}

int proc_mem_mm(struct file *f, struct mm **mm)
{
	struct task *t = proc_task(proc_id(f->inode));
	bool may;

	*mm = NULL;
	if (!t)
		return 0;
	may = proc_may_access(t);
	if (may)
		*mm = task_mm_get(t);
	task_put(t);
	return may ? 0 : -EACCES;
}

static s64 mem_move(struct file *f, struct iov *v, u64 *pos, bool write)
{
	struct mm *mm;
	s64 done = 0;
	char *page;
	int err = proc_mem_mm(f, &mm);

	if (err || !mm)
		return err;
	page = kmalloc(PAGE_SIZE);
	if (!page)
		done = -ENOMEM;
	while (page && v->left) {
		size_t n = MIN(v->left, PAGE_SIZE - (*pos & ~PAGE_MASK)), got;
		s64 r = -EIO;

		if (write) {
			got = iov_from(v, page, n);
			r = got ? mm_poke(mm, *pos, page, got, true) : -EFAULT;
		} else {
			r = mm_peek(mm, *pos, page, n);
			if (r > 0)
				r = (s64)iov_to(v, page, (size_t)r) ?: -EFAULT;
		}
		if (r <= 0) {
			done = done ?: r == -EFAULT && !write ? -EIO : r ?: -EIO;
			break;
		}
		done += r;
		*pos += (u64)r;
		task_poll();
		if (signal_fatal_pending(task_current()))
			break;
	}
	kfree(page);
	mm_put(mm);
	return done;
}

static s64 mem_read(struct file *f, struct iov *to, u64 *pos)
{
	return mem_move(f, to, pos, false);
}

static s64 mem_write(struct file *f, struct iov *from, u64 *pos)
{
	return mem_move(f, from, pos, true);
}

/* Addresses above the signed range are positions too. */
static s64 mem_seek(struct file *f, s64 off, int whence)
{
	if (whence == SEEK_CUR)
		off += (s64)f->pos;
	else if (whence != SEEK_SET)
		return -EINVAL;
	f->pos = (u64)off;
	return off;
}

static const struct file_ops proc_mem_fops = { .read = mem_read,
					       .write = mem_write,
					       .seek = mem_seek };
const struct inode_ops proc_mem_iops = {
	.open = proc_mem_open,
	.getattr = proc_pid_getattr,
	.permission = proc_pid_permission,
	.setattr = proc_pid_setattr,
	.evict = proc_pid_evict,
	.fops = &proc_mem_fops,
};
