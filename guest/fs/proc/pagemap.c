/*
 * pagemap.c - /proc/PID/pagemap: eight bytes for each page of an address space, by the page's number (proc_pid_pagemap(5)).
 *
 * Tells what is mapped, and whether it is a file's. Frame numbers are 0, as Linux shows them to who has no CAP_SYS_ADMIN:
 * those of the Sentry mean nothing inside. Differs from Linux: nothing is exclusive, soft-dirty or swapped.
 */
#include "fs/proc/proc.h"

#define ENTRY	sizeof(u64)
#define PRESENT (1ULL << 63)
#define OF_FILE (1ULL << 61)

static u64 entry_of(struct mm *mm, uaddr_t va)
{
	bool file;

	return mm_is_mapped(mm, va, &file) ? PRESENT | (file ? OF_FILE : 0) : 0;
}

static s64 pagemap_read(struct file *f, struct iov *to, u64 *pos)
{
	struct mm *mm;
	s64 done = 0;
	int err;

	if (*pos % ENTRY || to->left % ENTRY)
		return -EINVAL;
	err = proc_mem_mm(f, &mm);
	if (err || !mm)
		return err;
	while (to->left && *pos / ENTRY < USER_END >> PAGE_SHIFT) {
		u64 e = entry_of(mm, *pos / ENTRY << PAGE_SHIFT);

		if (iov_to(to, &e, ENTRY) != ENTRY) {
			done = done ?: -EFAULT;
			break;
		}
		done += ENTRY;
		*pos += ENTRY;
		task_poll();
		if (signal_fatal_pending(task_current()))
			break;
	}
	mm_put(mm);
	return done;
}

static const struct file_ops pagemap_fops = { .read = pagemap_read, .seek = generic_seek };
const struct inode_ops proc_pagemap_iops = {
	.open = proc_mem_open,
	.getattr = proc_pid_getattr,
	.permission = proc_pid_permission,
	.setattr = proc_pid_setattr,
	.evict = proc_pid_evict,
	.fops = &pagemap_fops,
};
