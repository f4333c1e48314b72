/* capget and capset, the bounding and ambient sets, securebits, and capabilities across exec. */
#include "abi.h"
#include <linux/capability.h>
#include <linux/securebits.h>

struct caps {
	struct __user_cap_header_struct h;
	struct __user_cap_data_struct d[2];
};

static int cap_get(struct caps *c, int pid)
{
	c->h.version = _LINUX_CAPABILITY_VERSION_3;
	c->h.pid = pid;
	return syscall(SYS_capget, &c->h, c->d);
}

static int cap_set(struct caps *c)
{
	c->h.version = _LINUX_CAPABILITY_VERSION_3;
	c->h.pid = 0;
	return syscall(SYS_capset, &c->h, c->d);
}

TEST(capget_versions)
{
	struct caps c = { 0 };

	c.h.version = 0x1234;
	CHECK_ERRNO(syscall(SYS_capget, &c.h, c.d), EINVAL);
	CHECK_EQ(c.h.version, _LINUX_CAPABILITY_VERSION_3); /* the kernel's own is written back */
	c.h.version = 0;
	CHECK_OK(syscall(SYS_capget, &c.h, NULL)); /* asking for the version alone */
	CHECK_EQ(c.h.version, _LINUX_CAPABILITY_VERSION_3);
	CHECK_OK(cap_get(&c, 0));
	CHECK_OK(cap_get(&c, getpid()));
	CHECK_ERRNO(cap_get(&c, -1), EINVAL);
	CHECK_ERRNO(cap_get(&c, 0x3ffffffe), ESRCH);
	CHECK_ERRNO(syscall(SYS_capget, bad_ptr(), c.d), EFAULT);
	c.h.pid = 0;
	CHECK_ERRNO(syscall(SYS_capget, &c.h, bad_ptr()), EFAULT);
}

TEST_FORK(capset_rules)
{
	struct caps c, had;

	CHECK_OK(cap_get(&had, 0));
	CHECK_OK(cap_set(&had)); /* no change */
	c = had;
	c.d[0].effective = c.d[0].permitted = had.d[0].permitted & ~(1u << CAP_CHOWN);
	CHECK_OK(cap_set(&c));
	CHECK_OK(cap_get(&c, 0));
	CHECK_EQ(c.d[0].effective & 1, 0);
	if (had.d[0].permitted & 1)
		CHECK_ERRNO(cap_set(&had), EPERM); /* what is gone is gone */
	c.d[0].effective = 0;
	CHECK_OK(cap_set(&c));
	c.d[0].effective = c.d[0].permitted; /* permitted may be raised to effective */
	CHECK_OK(cap_set(&c));
	c.d[0].effective = 1u << CAP_CHOWN; /* but nothing beyond */
	CHECK_ERRNO(cap_set(&c), EPERM);
	CHECK_OK(cap_get(&c, 0));
	c.h.version = _LINUX_CAPABILITY_VERSION_3;
	c.h.pid = getppid();
	CHECK_ERRNO(syscall(SYS_capset, &c.h, c.d), EPERM);
	c.h.pid = 0;
	CHECK_ERRNO(syscall(SYS_capset, &c.h, bad_ptr()), EFAULT);
	c.h.version = 7;
	CHECK_ERRNO(syscall(SYS_capset, &c.h, c.d), EINVAL);
}

TEST_FORK(dropped_capability_bites)
{
	struct caps c;

	NEED_ROOT();
	NEED_CAP(CAP_DAC_OVERRIDE);
	abi_tmpdir();
	close(abi_file("f", "x", 0));
	CHECK_OK(close(CHECK_OK(open("f", O_RDWR))));
	CHECK_OK(cap_get(&c, 0));
	c.d[0].effective &= ~(1u << CAP_DAC_OVERRIDE | 1u << CAP_DAC_READ_SEARCH);
	CHECK_OK(cap_set(&c));
	CHECK_ERRNO(open("f", O_RDONLY), EACCES);
	c.d[0].effective |= 1u << CAP_DAC_READ_SEARCH;
	CHECK_OK(cap_set(&c));
	CHECK_OK(close(CHECK_OK(open("f", O_RDONLY))));
	CHECK_ERRNO(open("f", O_WRONLY), EACCES);
	c.d[0].effective &= ~(1u << CAP_SETUID);
	CHECK_OK(cap_set(&c));
	CHECK_ERRNO(syscall(SYS_setuid, 1000) == 0 && getuid() == 1000 ? 0 : (errno = EPERM, -1),
		    EPERM);
}

TEST_FORK(bounding_set)
{
	CHECK_ERRNO(prctl(PR_CAPBSET_READ, 99), EINVAL);
	CHECK_ERRNO(prctl(PR_CAPBSET_DROP, 99), abi_cap(CAP_SETPCAP) ? EINVAL : EPERM);
	if (!abi_cap(CAP_SETPCAP)) {
		CHECK_ERRNO(prctl(PR_CAPBSET_DROP, CAP_SYS_TIME), EPERM);
		return;
	}
	CHECK_EQ(prctl(PR_CAPBSET_READ, CAP_CHOWN), 1);
	CHECK_OK(prctl(PR_CAPBSET_DROP, CAP_CHOWN));
	CHECK_EQ(prctl(PR_CAPBSET_READ, CAP_CHOWN), 0);
	CHECK_EQ(abi_cap(CAP_CHOWN), 1); /* what we hold stays, exec would take it */
	IN_CHILD
	{
		CHECK_EQ(prctl(PR_CAPBSET_READ, CAP_CHOWN), 0);
	}
}

HELPER(has)
{
	/* argument: capability number; exit status 7 if effective */
	return abi_cap(atoi(argv[0])) ? 7 : 8;
}

static int run_has(int cap)
{
	char n[8];
	pid_t p = abi_fork();

	snprintf(n, sizeof(n), "%d", cap);
	if (p == 0) {
		execve(abi_self, (char *[]){ abi_self, "@has", n, NULL }, environ);
		_exit(1);
	}
	return WEXITSTATUS(abi_wait(p));
}

TEST_FORK(across_exec)
{
	NEED_ROOT();
	NEED_CAP(CAP_SETPCAP);
	CHECK_EQ(run_has(CAP_CHOWN), 7);
	CHECK_OK(prctl(PR_CAPBSET_DROP, CAP_CHOWN));
	CHECK_EQ(run_has(CAP_CHOWN), 8); /* root gets all within the bound */
	CHECK_EQ(run_has(CAP_FOWNER), 7);
	IN_CHILD
	{
		CHECK_OK(syscall(SYS_setresuid, 1000, 1000, 1000));
		CHECK_EQ(run_has(CAP_FOWNER), 8);
	}
}

TEST_FORK(keepcaps_and_ambient)
{
	struct caps c;

	NEED_ROOT();
	NEED_CAP(CAP_NET_BIND_SERVICE);
	CHECK_ERRNO(prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE, CAP_NET_BIND_SERVICE, 0, 0), EPERM);
	CHECK_OK(prctl(PR_SET_KEEPCAPS, 1));
	CHECK_EQ(prctl(PR_GET_KEEPCAPS), 1);
	CHECK_OK(syscall(SYS_setresuid, 1000, 1000, 1000));
	CHECK_OK(cap_get(&c, 0));
	CHECK_EQ(c.d[0].effective, 0);
	CHECK(c.d[0].permitted >> CAP_NET_BIND_SERVICE & 1); /* kept */
	c.d[0].inheritable = c.d[0].effective = 1u << CAP_NET_BIND_SERVICE;
	CHECK_OK(cap_set(&c));
	CHECK_EQ(run_has(CAP_NET_BIND_SERVICE), 8); /* not through exec without ambient */
	CHECK_OK(prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE, CAP_NET_BIND_SERVICE, 0, 0));
	CHECK_EQ(prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_IS_SET, CAP_NET_BIND_SERVICE, 0, 0), 1);
	CHECK_EQ(run_has(CAP_NET_BIND_SERVICE), 7);
	CHECK_OK(prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_LOWER, CAP_NET_BIND_SERVICE, 0, 0));
	CHECK_EQ(prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_IS_SET, CAP_NET_BIND_SERVICE, 0, 0), 0);
	CHECK_OK(prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0));
	CHECK_ERRNO(prctl(PR_CAP_AMBIENT, 99, 0, 0, 0), EINVAL);
	CHECK_ERRNO(prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE, 99, 0, 0), EINVAL);
}

TEST_FORK(securebits)
{
	CHECK_EQ(prctl(PR_GET_SECUREBITS), 0);
	if (!abi_cap(CAP_SETPCAP)) {
		CHECK_ERRNO(prctl(PR_SET_SECUREBITS, SECBIT_NOROOT), EPERM);
		return;
	}
	NEED_ROOT();
	CHECK_OK(prctl(PR_SET_SECUREBITS, SECBIT_NOROOT | SECBIT_NO_SETUID_FIXUP));
	CHECK_EQ(run_has(CAP_CHOWN), 8); /* uid 0 means nothing to exec now */
	CHECK_OK(syscall(SYS_setresuid, -1, 1000, -1));
	CHECK_EQ(abi_cap(CAP_CHOWN), 1); /* nor to set*uid */
	CHECK_OK(prctl(PR_SET_SECUREBITS, SECBIT_NOROOT | SECBIT_NOROOT_LOCKED));
	CHECK_ERRNO(prctl(PR_SET_SECUREBITS, 0), EPERM);
}
