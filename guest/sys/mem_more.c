/*
 * mem_more.c - memory calls beside the classic ones: mseal(2), cachestat(2), remap_file_pages(2), memfd_secret(2),
 * map_shadow_stack(2), userfaultfd(2).
 */
#include <linux/capability.h>

#include "fs/abi.h"
#include "fs/anon/userfaultfd.h"
#include "fs/vfs.h"
#include "mm/mm.h"
#include "mm/pagecache.h"
#include "sys/sys.h"
#include "task/task.h"

#define UFFD_USER_MODE_ONLY 1

s64 sys_userfaultfd(flags_a flags)
{
	bool user_only = flags & UFFD_USER_MODE_ONLY;

	/* A monitor that the Sentry's copies wait for could hold its locks: not for everybody. */
	if (!user_only && !capable(CAP_SYS_PTRACE))
		return -EPERM;
	if (flags & ~(u32)(O_CLOEXEC | O_NONBLOCK | UFFD_USER_MODE_ONLY))
		return -EINVAL;
	return fd_install_new(userfaultfd_create(flags, user_only), flags & O_CLOEXEC);
}

s64 sys_mseal(addr_a addr, size_a len, flags_a flags)
{
	return flags ? -EINVAL : mm_mseal(task_current()->mm, addr, len);
}

struct abi_cachestat {
	u64 cache, dirty, writeback, evicted, recently_evicted;
};

s64 sys_cachestat(fd_a fd, uptr_a urange, uptr_a stat, flags_a flags)
{
	struct abi_cachestat cs = { 0 };
	struct {
		u64 off, len;
	} r;
	struct file *f = fd_get(fd);
	s64 ret = 0;
	u64 last;

	if (IS_ERR(f))
		return PTR_ERR(f);
	if (user_read(&r, urange, sizeof(r)))
		ret = -EFAULT;
	else if (flags)
		ret = -EINVAL;
	last = r.len ? (r.off + r.len - 1) >> PAGE_SHIFT : ~0ULL >> PAGE_SHIFT;
	if (!ret && f->inode && inode_pc(f->inode) && r.off >> PAGE_SHIFT <= last)
		pagecache_count(f->inode->pc, r.off >> PAGE_SHIFT, last, &cs.cache, &cs.dirty);
	file_put(f);
	return ret ? ret : user_write(stat, &cs, sizeof(cs)) ? -EFAULT : 0;
}

/* There is no secret memory: as a kernel without it, or with secretmem.enable=0. */
s64 sys_memfd_secret(flags_a flags)
{
	return -ENOSYS;
}

/* As on a CPU without user shadow stacks. */
s64 sys_map_shadow_stack(addr_a addr, size_a size, flags_a flags)
{
	return -EOPNOTSUPP;
}

/*
 * Obsolete; Linux itself makes an ordinary mapping of it. start and size are cut to pages, prot must be 0, and the range
 * is part of one shared mapping.
 */
s64 sys_remap_file_pages(addr_a start, size_a size, prot_a prot, ulong_a pgoff, flags_a flags)
{
	u64 first = start & PAGE_MASK, len = size & PAGE_MASK;

	if (prot)
		return -EINVAL;
	if (first + len <= first || pgoff + (len >> PAGE_SHIFT) < pgoff)
		return -EINVAL;
	return mm_remap_file_pages(task_current()->mm, first, len, pgoff);
}
