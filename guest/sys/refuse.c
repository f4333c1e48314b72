/*
 * refuse.c - system calls that stay out of a sandbox. Each answers what Linux answers on a machine where the administrator
 * has switched the thing off: modules and kexec are disabled, the kernel is locked down for raw I/O and BPF, there is no PMU,
 * and quota, fanotify and LDTs are not configured. What would have worked for root elsewhere leaves a line in dmesg.
 */
#include <linux/capability.h>

#include "fs/vfs.h"
#include "lib/err.h"
#include "sys/fs_sys.h"
#include "sys/sys.h"
#include "task/task.h"

static s64 refuse(const char *what, u64 value, s64 err)
{
	unsupported(what, value);
	return err;
}

/* ---- calls that Linux has numbers for and no code ---- */

#define NO_CALL(name)           \
	s64 sys_##name(void)    \
	{                       \
		return -ENOSYS; \
	}

NO_CALL(create_module)
NO_CALL(get_kernel_syms)
NO_CALL(query_module)
NO_CALL(nfsservctl)
NO_CALL(getpmsg)
NO_CALL(putpmsg)
NO_CALL(afs_syscall)
NO_CALL(tuxcall)
NO_CALL(security)
NO_CALL(vserver)
NO_CALL(epoll_ctl_old)
NO_CALL(epoll_wait_old)
NO_CALL(lookup_dcookie)

s64 sys__sysctl(uptr_a args)
{
	return -ENOSYS;
}

s64 sys_uselib(path_a path)
{
	return -ENOSYS;
}

/* Thread areas are of the 32-bit ABI. */
s64 sys_set_thread_area(uptr_a desc)
{
	return -ENOSYS;
}

s64 sys_get_thread_area(uptr_a desc)
{
	return -ENOSYS;
}

/* Only the trampoline of a uretprobe calls it. */
s64 sys_uretprobe(void)
{
	struct siginfo info = { .signo = SIGILL, .code = SI_KERNEL };

	signal_force(SIGILL, &info);
	return -1;
}

/* ---- segments and ports ---- */

s64 sys_modify_ldt(int_a func, uptr_a ptr, ulong_a bytes)
{
	return refuse("modify_ldt", (u64)func, -ENOSYS);
}

s64 sys_iopl(uint_a level)
{
	if (level > 3)
		return -EINVAL;
	return level ? -EPERM : 0;
}

s64 sys_ioperm(ulong_a from, ulong_a num, int_a on)
{
	if (from + num <= from || from + num > 65536)
		return -EINVAL;
	return on ? -EPERM : 0;
}

/* ---- code in the kernel ---- */

s64 sys_init_module(uptr_a image, size_a len, uptr_a params)
{
	return -EPERM;
}

s64 sys_finit_module(fd_a fd, uptr_a params, flags_a flags)
{
	return -EPERM;
}

s64 sys_delete_module(uptr_a name, flags_a flags)
{
	return -EPERM;
}

s64 sys_kexec_load(ulong_a entry, ulong_a nr, uptr_a segments, flags_a flags)
{
	return -EPERM;
}

s64 sys_kexec_file_load(fd_a kernel, fd_a initrd, size_a len, uptr_a cmdline, flags_a flags)
{
	return -EPERM;
}

#define PERF_FLAG_ALL	    15u
#define PERF_ATTR_SIZE_VER0 64u

s64 sys_perf_event_open(uptr_a attr, pid_a pid, int_a cpu, fd_a group, flags_a flags)
{
	struct {
		u32 type, size;
		u64 config;
	} a;

	if (flags & ~PERF_FLAG_ALL)
		return -EINVAL;
	if (user_read(&a, attr, sizeof(a)))
		return -EFAULT;
	if (a.size && (a.size < PERF_ATTR_SIZE_VER0 || a.size > PAGE_SIZE))
		return -E2BIG;
	if (!capable(CAP_PERFMON) && !capable(CAP_SYS_ADMIN))
		return -EACCES;
	return refuse("perf event of type", a.type, -ENOENT);
}

/* ---- file systems ---- */

s64 sys_fanotify_init(flags_a flags, uint_a event_flags)
{
	return refuse("fanotify", 0, -ENOSYS);
}

s64 sys_fanotify_mark(fd_a fd, flags_a flags, ulong_a mask, fd_a dfd, path_a path)
{
	return -ENOSYS;
}

s64 sys_quotactl(uint_a cmd, path_a special, int_a id, uptr_a addr)
{
	return -ENOSYS;
}

s64 sys_quotactl_fd(fd_a fd, uint_a cmd, int_a id, uptr_a addr)
{
	struct file *f = fd_get_path(fd);

	if (IS_ERR(f))
		return PTR_ERR(f);
	file_put(f);
	return (cmd & 0xff) >= 3 ? -EINVAL : -ENOSYS; /* three kinds of quota */
}

/* ---- security modules: capabilities alone, which have no attributes ---- */

#define LSM_ID_CAPABILITY 100
#define LSM_ID_LANDLOCK	  110
#define LSM_FLAG_SINGLE	  1u
#define LSM_CTX_SIZE	  32u /* struct lsm_ctx without its data */

s64 sys_lsm_list_modules(uptr_a ids, uptr_a size, flags_a flags)
{
	static const u64 modules[] = { LSM_ID_CAPABILITY, LSM_ID_LANDLOCK };
	u32 room, want = sizeof(modules);

	if (flags)
		return -EINVAL;
	if (user_read(&room, size, sizeof(room)) || user_write(size, &want, sizeof(want)))
		return -EFAULT;
	if (room < want)
		return -E2BIG;
	return user_write(ids, modules, sizeof(modules)) ? -EFAULT : (s64)ARRAY_SIZE(modules);
}

s64 sys_lsm_get_self_attr(uint_a attr, uptr_a ctx, uptr_a size, flags_a flags)
{
	u32 room;

	if (!attr || !size)
		return -EINVAL;
	if (user_read(&room, size, sizeof(room)))
		return -EFAULT;
	if (flags && (flags != LSM_FLAG_SINGLE || !ctx))
		return -EINVAL;
	return -EOPNOTSUPP;
}

s64 sys_lsm_set_self_attr(uint_a attr, uptr_a ctx, uint_a size, flags_a flags)
{
	struct {
		u64 id, flags, len, ctx_len;
	} c;

	if (flags || size < LSM_CTX_SIZE)
		return -EINVAL;
	if (size > PAGE_SIZE)
		return -E2BIG;
	if (user_read(&c, ctx, sizeof(c)))
		return -EFAULT;
	if (c.len > size || c.ctx_len > c.len - LSM_CTX_SIZE || c.len < LSM_CTX_SIZE)
		return -EINVAL;
	return -EOPNOTSUPP;
}
