// Calls that stay out of a sandbox, and those that Linux has a number for and no code: the errno is one that Linux gives to
// an unprivileged caller or where the thing is not configured. Natively they run as nobody.
#include "abi.h"
#include <linux/bpf.h>
#include <sys/sysmacros.h>

#ifndef SYS_memfd_secret
#define SYS_memfd_secret 447
#endif
#ifndef SYS_map_shadow_stack
#define SYS_map_shadow_stack 453
#endif

/* Linux's answers differ by configuration: any of them is right natively, the first one in the sandbox. */
#define REFUSED(call, ...)                                                                 \
	do {                                                                               \
		static const int want_[] = { __VA_ARGS__ };                                \
		errno = 0;                                                                 \
		long r_ = (long)(call);                                                    \
		int e_ = errno, ok_ = 0;                                                   \
		for (size_t i_ = 0; i_ < (abi_sandboxed() ? 1 : ARRAY_LEN(want_)); i_++)   \
			ok_ |= r_ == -1 && e_ == want_[i_];                                \
		if (!ok_)                                                                  \
			ABI_FAIL("%s: got %ld, %s, wanted %s", #call, r_, abi_errname(e_), \
				 abi_errname(want_[0]));                                   \
	} while (0)

TEST(no_code)
{
	static const int nrs[] = { SYS_create_module, SYS_get_kernel_syms, SYS_query_module,
				   SYS_nfsservctl,    SYS_getpmsg,	   SYS_putpmsg,
				   SYS_afs_syscall,   SYS_tuxcall,	   SYS_security,
				   SYS_vserver,	      SYS_epoll_ctl_old,   SYS_epoll_wait_old,
				   SYS__sysctl,	      SYS_set_thread_area, SYS_get_thread_area,
				   SYS_uselib };

	for (size_t i = 0; i < ARRAY_LEN(nrs); i++)
		CHECK_ERRNO(syscall(nrs[i], 0, 0, 0, 0, 0, 0), ENOSYS);
	REFUSED(syscall(SYS_lookup_dcookie, 0, 0, 0), ENOSYS, EPERM);
}

TEST_FORK(privileged)
{
	char buf[256] = "";

	if (!abi_sandboxed() && geteuid() == 0)
		REQUIRE(!setresuid(NOBODY, NOBODY, NOBODY));
	REFUSED(syscall(SYS_init_module, buf, 0UL, buf), EPERM, ENOSYS);
	REFUSED(syscall(SYS_finit_module, 0, buf, 0), EPERM, ENOSYS);
	REFUSED(syscall(SYS_delete_module, "x", 0), EPERM, ENOSYS);
	REFUSED(syscall(SYS_kexec_load, 0UL, 0UL, NULL, 0UL), EPERM, ENOSYS);
	REFUSED(syscall(SYS_kexec_file_load, -1, -1, 0UL, NULL, 0UL), EPERM, ENOSYS);
	REFUSED(syscall(SYS_bpf, BPF_MAP_CREATE, buf, 48), EPERM, EINVAL, ENOSYS);
	REFUSED(syscall(SYS_fanotify_init, 0, 0), ENOSYS, EPERM);
	REFUSED(syscall(SYS_fanotify_mark, -1, 1, 0UL, -1, NULL), ENOSYS, EBADF, EINVAL);
	REFUSED(syscall(SYS_quotactl, 0x80000700, NULL, 0, NULL), ENOSYS, ENODEV, EINVAL, EFAULT);
	REFUSED(syscall(SYS_quotactl_fd, -1, 0x80000700, 0, NULL), EBADF, ENOSYS);
	REFUSED(syscall(SYS_quotactl_fd, 0, 0x800007ff, 0, NULL), EINVAL, ENOSYS, EBADF);
	REFUSED(syscall(SYS_vhangup), ENOSYS, EPERM);
	REFUSED(syscall(SYS_acct, NULL), ENOSYS, EPERM);
	REFUSED(syscall(SYS_swapon, "/", 0), EPERM);
	REFUSED(syscall(SYS_swapoff, "/"), EINVAL, EPERM);
	if (abi_sandboxed()) {
		CHECK_ERRNO(syscall(SYS_memfd_secret, 0), ENOSYS);
		CHECK_ERRNO(syscall(SYS_quotactl_fd, 0, 0x80000700, 0, NULL), ENOSYS);
		CHECK_ERRNO(syscall(SYS_modify_ldt, 0, buf, 16UL), ENOSYS);
	}
}

TEST_FORK(perf)
{
	struct {
		uint32_t type, size;
		uint64_t config, rest[14];
	} attr = { 0, 128, 0, { 0 } };

	if (!abi_sandboxed())
		SKIP("depends on the machine's PMU and configuration");
	CHECK_ERRNO(syscall(SYS_perf_event_open, &attr, 0, -1, -1, 0x1000UL), EINVAL);
	CHECK_ERRNO(syscall(SYS_perf_event_open, bad_ptr(), 0, -1, -1, 0UL), EFAULT);
	CHECK(syscall(SYS_perf_event_open, &attr, 0, -1, -1, 0UL) == -1 &&
	      (errno == EACCES || errno == ENOENT));
	attr.size = 8;
	CHECK_ERRNO(syscall(SYS_perf_event_open, &attr, 0, -1, -1, 0UL), E2BIG);
}

TEST_FORK(ports)
{
	if (!abi_sandboxed() && geteuid() == 0)
		REQUIRE(!setresuid(NOBODY, NOBODY, NOBODY));
	if (syscall(SYS_iopl, 0) && errno == ENOSYS)
		SKIP("not configured");
	CHECK_ERRNO(syscall(SYS_iopl, 4), EINVAL);
	CHECK_ERRNO(syscall(SYS_iopl, 3), EPERM);
	CHECK_ERRNO(syscall(SYS_ioperm, 0UL, 65537UL, 1), EINVAL);
	CHECK_ERRNO(syscall(SYS_ioperm, 1UL, -1UL, 1), EINVAL);
	CHECK_ERRNO(syscall(SYS_ioperm, 0x80UL, 1UL, 1), EPERM);
	CHECK_EQ(syscall(SYS_ioperm, 0x80UL, 1UL, 0), 0);
}

TEST(security_modules)
{
	uint64_t ids[16];
	uint32_t size = sizeof(ids);
	char ctx[4096] = "";
	int found = 0;
	long n = syscall(461, ids, &size, 0);

	if (n < 0 && errno == ENOSYS)
		SKIP("before Linux 6.8, or without security modules");
	CHECK(n >= 1);
	CHECK_EQ(size, n * 8);
	for (int i = 0; i < n && i < 16; i++)
		found |= ids[i] == 100 ? 1 : ids[i] == 110 ? 2 : 0; /* capability, landlock */
	CHECK_EQ(abi_sandboxed() ? found : 3, 3);
	size = 0;
	CHECK_ERRNO(syscall(461, ids, &size, 0), E2BIG);
	CHECK_EQ(size, n * 8);
	CHECK_ERRNO(syscall(461, ids, &size, 1), EINVAL);
	CHECK_ERRNO(syscall(461, ids, bad_ptr(), 0), EFAULT);
	CHECK_ERRNO(syscall(459, 0, ctx, &size, 0), EINVAL);
	CHECK_ERRNO(syscall(459, 100, ctx, NULL, 0), EINVAL);
	CHECK_ERRNO(syscall(459, 100, ctx, bad_ptr(), 0), EFAULT);
	CHECK_ERRNO(syscall(460, 100, ctx, 31, 0), EINVAL);
	CHECK_ERRNO(syscall(460, 100, ctx, 5000, 0), E2BIG);
	CHECK_ERRNO(syscall(460, 100, bad_ptr(), 64, 0), EFAULT);
	CHECK_ERRNO(syscall(460, 100, ctx, 64, 1), EINVAL);
	if (n <= 2) { /* neither has attributes */
		size = sizeof(ctx);
		CHECK_ERRNO(syscall(459, 100, ctx, &size, 0), EOPNOTSUPP);
		((uint64_t *)ctx)[2] = 32;
		CHECK_ERRNO(syscall(460, 100, ctx, 32, 0), EOPNOTSUPP);
	}
}

TEST(shadow_stack)
{
	REFUSED(syscall(SYS_map_shadow_stack, 0UL, PAGE, 0), EOPNOTSUPP, ENOSYS, EINVAL);
}

TEST(uretprobe)
{
	pid_t pid = abi_fork();
	int st;

	if (!pid)
		_exit(syscall(335) == -1 && errno == ENOSYS ? 77 : 1);
	st = abi_wait(pid);
	if (WIFEXITED(st) && WEXITSTATUS(st) == 77)
		SKIP("before Linux 6.11");
	/* From Linux 6.14 on no seccomp filter sees it: on systrap the host's kernel has answered then. */
	CHECK(WIFSIGNALED(st) &&
	      (WTERMSIG(st) == SIGILL || (abi_sandboxed() && WTERMSIG(st) == SIGSEGV)));
}

TEST(old_file_system_calls)
{
	char name[64];
	struct {
		int tfree, pad;
		unsigned long tinode;
		char names[16];
	} u;
	struct stat st;
	int n, i;

	n = syscall(SYS_sysfs, 3);
	if (n < 0 && errno == ENOSYS)
		SKIP("not configured");
	CHECK(n > 1);
	i = CHECK_OK(syscall(SYS_sysfs, 1, "proc"));
	CHECK_OK(syscall(SYS_sysfs, 2, i, name));
	CHECK_STR(name, "proc");
	CHECK_ERRNO(syscall(SYS_sysfs, 1, "no-such-fs"), EINVAL);
	CHECK_ERRNO(syscall(SYS_sysfs, 1, bad_ptr()), EFAULT);
	CHECK_ERRNO(syscall(SYS_sysfs, 2, n, name), EINVAL);
	CHECK_ERRNO(syscall(SYS_sysfs, 2, 0, bad_ptr()), EFAULT);
	CHECK_ERRNO(syscall(SYS_sysfs, 4), EINVAL);
	CHECK_OK(stat("/proc", &st));
	CHECK_OK(syscall(SYS_ustat, st.st_dev, &u));
	CHECK_EQ(u.tfree, 0);
	CHECK_ERRNO(syscall(SYS_ustat, st.st_dev, bad_ptr()), EFAULT);
	CHECK_ERRNO(syscall(SYS_ustat, makedev(77, 77), &u), EINVAL);
}
