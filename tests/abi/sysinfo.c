/* uname, sysinfo, getrandom, sethostname rules, syslog, and calls that a sandbox refuses. */
#include "abi.h"
#include <sys/klog.h>
#include <sys/random.h>
#include <sys/sysinfo.h>
#include <sys/utsname.h>

TEST(uname)
{
	struct utsname u;

	CHECK_OK(uname(&u));
	CHECK_STR(u.sysname, "Linux");
	CHECK_STR(u.machine, "x86_64");
	CHECK(u.release[0] >= '4' && u.release[0] <= '9');
	CHECK(u.nodename[0] && u.version[0]);
	CHECK_ERRNO(syscall(SYS_uname, bad_ptr()), EFAULT);
	if (abi_sandboxed()) {
		CHECK(strstr(u.release, "-moat") != NULL);
		CHECK(strtol(u.release, NULL, 10) >= 5);
	}
}

TEST(sysinfo)
{
	struct sysinfo s;

	CHECK_OK(sysinfo(&s));
	CHECK(s.uptime >= 0);
	CHECK(s.mem_unit > 0);
	CHECK(s.totalram * s.mem_unit >= 16 << 20);
	CHECK(s.freeram <= s.totalram);
	CHECK(s.procs >= 1);
	CHECK_ERRNO(syscall(SYS_sysinfo, bad_ptr()), EFAULT);
}

TEST(getrandom)
{
	unsigned char a[32] = { 0 }, b[32] = { 0 }, big[5000] = { 0 };
	int zeros = 0;

	CHECK_EQ(getrandom(a, sizeof(a), 0), sizeof(a));
	CHECK_EQ(getrandom(b, sizeof(b), GRND_NONBLOCK), sizeof(b));
	CHECK(memcmp(a, b, sizeof(a)) != 0);
	CHECK_EQ(getrandom(big, sizeof(big), GRND_RANDOM), sizeof(big));
	for (size_t i = 0; i < sizeof(big); i++)
		zeros += !big[i];
	CHECK(zeros < 100);
	CHECK_EQ(getrandom(a, 0, 0), 0);
	CHECK_EQ(getrandom(a, 8, GRND_INSECURE), 8);
	CHECK_ERRNO(getrandom(a, 8, 0x100), EINVAL);
	CHECK_ERRNO(getrandom(a, 8, GRND_INSECURE | GRND_RANDOM), EINVAL);
	CHECK_ERRNO(syscall(SYS_getrandom, bad_ptr(), 8, 0), EFAULT);
	IN_CHILD
	{
		CHECK_EQ(getrandom(b, sizeof(b), 0), sizeof(b));
	}
	CHECK_EQ(getrandom(a, sizeof(a), 0), sizeof(a));
	CHECK(memcmp(a, b, sizeof(a)) != 0);
}

TEST(hostname_errors)
{
	IN_CHILD_AS(NOBODY)
	{
		CHECK_ERRNO(sethostname("x", 1), EPERM);
		CHECK_ERRNO(syscall(SYS_setdomainname, "x", 1), EPERM);
	}
	NEED_CAP(21);
	CHECK_ERRNO(syscall(SYS_sethostname, "x", -1), EINVAL);
	CHECK_ERRNO(syscall(SYS_sethostname, "x", 65), EINVAL);
	CHECK_ERRNO(syscall(SYS_sethostname, bad_ptr(), 5), EFAULT);
}

TEST(syslog_calls)
{
	static char b[1 << 16];
	int n;

	CHECK_ERRNO(klogctl(99, NULL, 0), abi_cap(34) || abi_cap(21) ? EINVAL : EPERM);
	n = klogctl(10, NULL, 0); /* size of the buffer */
	if (n == -1 && errno == EPERM)
		SKIP("kernel log is restricted here");
	CHECK(n > 0);
	n = klogctl(3, b, sizeof(b) - 1);
	CHECK(n >= 0);
	if (abi_sandboxed())
		CHECK(n > 0);
	CHECK_ERRNO(klogctl(3, b, -1), EINVAL);
	CHECK_ERRNO(klogctl(3, NULL, 5), EINVAL);
}

TEST(not_for_ordinary_users)
{
	IN_CHILD_AS(NOBODY)
	{
		CHECK_ERRNO(syscall(SYS_reboot, 0, 0, 0, NULL), EPERM);
		CHECK_ERRNO(syscall(SYS_swapon, "/x", 0), EPERM);
		CHECK_ERRNO(syscall(SYS_swapoff, "/x"), EPERM);
		CHECK_ERRNO(syscall(SYS_pivot_root, "/", "/"), EPERM);
		CHECK_ERRNO(syscall(SYS_mount, "none", "/", "tmpfs", 0, NULL), EPERM);
		CHECK_ERRNO(syscall(SYS_umount2, "/", 0), EPERM);
		CHECK_ERRNO(syscall(SYS_chroot, "/"), EPERM);
		CHECK_ERRNO(syscall(SYS_acct, NULL), EPERM);
		CHECK_ERRNO(syscall(SYS_vhangup), EPERM);
	}
}

TEST(removed_calls)
{
	static const int gone[] = { SYS_uselib,	       SYS_create_module, SYS_get_kernel_syms,
				    SYS_query_module,  SYS_nfsservctl,	  SYS_getpmsg,
				    SYS_putpmsg,       SYS_afs_syscall,	  SYS_tuxcall,
				    SYS_security,      SYS_vserver,	  SYS_epoll_ctl_old,
				    SYS_epoll_wait_old };

	for (size_t i = 0; i < ARRAY_LEN(gone); i++) {
		errno = 0;
		if (syscall(gone[i], 0, 0, 0, 0) != -1 || errno != ENOSYS)
			ABI_FAIL("call %d: expected ENOSYS, got %s", gone[i], abi_errname(errno));
	}
}

TEST(personality)
{
	CHECK_EQ(syscall(SYS_personality, 0xffffffff), 0);
	CHECK_EQ(syscall(SYS_personality, 0x0040000), 0); /* ADDR_NO_RANDOMIZE */
	CHECK_EQ(syscall(SYS_personality, 0), 0x0040000);
	CHECK_EQ(syscall(SYS_personality, 0xffffffff), 0);
}
