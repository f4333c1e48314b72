/*
 * mem.c - the memory calls; the work is mm's.
 */
#include "fs/file.h"
#include "mm/mm.h"
#include "sys/sys.h"
#include "task/task.h"

#define MAP_ANONYMOUS 0x20
#define MCL_KNOWN     7
#define MLOCK_ONFAULT 1
#define MINCORE_CHUNK 512 /* pages at a time */

static struct mm *current_mm(void)
{
	return task_current()->mm;
}

s64 sys_mmap(addr_a addr, size_a len, prot_a prot, mflags_a flags, fd_a fd, off_a offset)
{
	struct file *f = NULL;
	s64 ret;

	if ((u64)offset & (PAGE_SIZE - 1))
		return -EINVAL;
	if (!(flags & MAP_ANONYMOUS)) {
		f = fd_get(fd);
		if (IS_ERR(f))
			return PTR_ERR(f);
	}
	ret = mm_mmap(current_mm(), addr, len, (int)prot, (int)flags, f, (u64)offset);
	if (f)
		file_put(f);
	return ret;
}

s64 sys_munmap(addr_a addr, size_a len)
{
	return mm_munmap(current_mm(), addr, len);
}

s64 sys_mprotect(addr_a addr, size_a len, prot_a prot)
{
	return mm_mprotect(current_mm(), addr, len, (int)prot);
}

/* Without protection keys in the CPU's features, only "no key" is a key. */
s64 sys_pkey_mprotect(addr_a addr, size_a len, prot_a prot, int_a pkey)
{
	return pkey == -1 ? mm_mprotect(current_mm(), addr, len, (int)prot) : -EINVAL;
}

s64 sys_pkey_alloc(flags_a flags, ulong_a rights)
{
	return flags || rights & ~3ULL ? -EINVAL : -ENOSPC;
}

s64 sys_pkey_free(int_a pkey)
{
	return -EINVAL;
}

s64 sys_brk(addr_a brk)
{
	return (s64)mm_brk(current_mm(), brk);
}

s64 sys_mremap(addr_a addr, size_a old_len, size_a new_len, flags_a flags, addr_a new_addr)
{
	return mm_mremap(current_mm(), addr, old_len, new_len, (int)flags, new_addr);
}

s64 sys_madvise(addr_a addr, size_a len, int_a advice)
{
	return mm_madvise(current_mm(), addr, len, advice);
}

s64 sys_msync(addr_a addr, size_a len, flags_a flags)
{
	return mm_msync(current_mm(), addr, len, (int)flags);
}

s64 sys_mincore(addr_a addr, size_a len, uptr_a vec)
{
	u8 buf[MINCORE_CHUNK];
	u64 pages = (len + PAGE_SIZE - 1) / PAGE_SIZE;

	if (addr & (PAGE_SIZE - 1))
		return -EINVAL;
	if (len > USER_END || addr > USER_END - len)
		return -ENOMEM;
	if (vec > USER_END || pages > USER_END - vec)
		return -EFAULT;
	for (u64 done = 0; done < pages;) {
		u64 n = MIN(pages - done, (u64)MINCORE_CHUNK);
		int err = mm_mincore(current_mm(), addr + done * PAGE_SIZE, n * PAGE_SIZE, buf);

		if (err)
			return err;
		if (user_write(vec + done, buf, n))
			return -EFAULT;
		done += n;
	}
	return 0;
}

s64 sys_mlock(addr_a addr, size_a len)
{
	return mm_mlock(current_mm(), addr, len, 0);
}

s64 sys_mlock2(addr_a addr, size_a len, flags_a flags)
{
	return flags & ~(u32)MLOCK_ONFAULT ? -EINVAL
					   : mm_mlock(current_mm(), addr, len, (int)flags);
}

s64 sys_munlock(addr_a addr, size_a len)
{
	return mm_munlock(current_mm(), addr, len);
}

s64 sys_mlockall(flags_a flags)
{
	if (!flags || flags & ~(u32)MCL_KNOWN || flags == 4)
		return -EINVAL;
	return mm_mlockall(current_mm(), (int)flags);
}

s64 sys_munlockall(void)
{
	return mm_munlockall(current_mm());
}
