// add_key(2), request_key(2), keyctl(2).
#include "abi.h"
#include <linux/keyctl.h>

static long add_key(const char *type, const char *desc, const void *data, size_t n, int ring)
{
	return syscall(SYS_add_key, type, desc, data, n, ring);
}

static long ctl(int op, long a, long b, long c, long d)
{
	return syscall(SYS_keyctl, op, a, b, c, d);
}

#define CTL(op, a, b, c, d) ctl(op, (long)(a), (long)(b), (long)(c), (long)(d))

/* A session of its own, so that nothing stays behind. */
static int session(void)
{
	return CTL(KEYCTL_JOIN_SESSION_KEYRING, NULL, 0, 0, 0) > 0;
}

#define NEED_KEYS()                                 \
	if (!session()) {                           \
		CHECK_EQ(errno, ENOSYS);            \
		SKIP("no keyrings in this kernel"); \
	}

TEST_FORK(add_and_read)
{
	char buf[64] = "";
	long k, k2;

	NEED_KEYS();
	k = CHECK_OK(add_key("user", "abi:one", "secret", 6, KEY_SPEC_SESSION_KEYRING));
	CHECK_EQ(CTL(KEYCTL_READ, k, buf, sizeof(buf), 0), 6);
	CHECK_STR(buf, "secret");
	CHECK_EQ(CTL(KEYCTL_READ, k, NULL, 0, 0), 6);
	CHECK_EQ(add_key("user", "abi:one", "new", 3, KEY_SPEC_SESSION_KEYRING), k);
	CHECK_EQ(CTL(KEYCTL_READ, k, buf, sizeof(buf), 0), 3);
	CHECK_OK(CTL(KEYCTL_UPDATE, k, "third", 5, 0));
	CHECK_EQ(CTL(KEYCTL_READ, k, buf, sizeof(buf), 0), 5);
	k2 = CHECK_OK(add_key("user", "abi:two", "x", 1, KEY_SPEC_SESSION_KEYRING));
	CHECK(k2 != k);
	CHECK_EQ(syscall(SYS_request_key, "user", "abi:one", NULL, 0), k);
	CHECK_EQ(CTL(KEYCTL_SEARCH, KEY_SPEC_SESSION_KEYRING, "user", "abi:two", 0), k2);
	CHECK_ERRNO(syscall(SYS_request_key, "user", "abi:none", NULL, 0), ENOKEY);
	CHECK_ERRNO(CTL(KEYCTL_SEARCH, KEY_SPEC_SESSION_KEYRING, "user", "abi:none", 0), ENOKEY);
}

TEST_FORK(describe)
{
	char buf[128], want[128];
	long k;

	NEED_KEYS();
	k = CHECK_OK(add_key("user", "abi:described", "x", 1, KEY_SPEC_SESSION_KEYRING));
	snprintf(want, sizeof(want), "user;%d;%d;3f010000;abi:described", geteuid(), getegid());
	CHECK_EQ(CTL(KEYCTL_DESCRIBE, k, buf, sizeof(buf), 0), strlen(want) + 1);
	CHECK_STR(buf, want);
	CHECK_EQ(CTL(KEYCTL_DESCRIBE, k, NULL, 0, 0), strlen(want) + 1);
	CHECK_OK(CTL(KEYCTL_SETPERM, k, 0x3f3f0000, 0, 0));
	CHECK_OK(CTL(KEYCTL_DESCRIBE, k, buf, sizeof(buf), 0));
	CHECK(strstr(buf, ";3f3f0000;") != NULL);
	CHECK_ERRNO(CTL(KEYCTL_SETPERM, k, -1, 0, 0), EINVAL);
	CHECK(CTL(KEYCTL_GET_SECURITY, k, buf, sizeof(buf), 0) >= 1 || errno == EOPNOTSUPP);
}

TEST_FORK(rings)
{
	int list[8];
	long ring, inner, k;

	NEED_KEYS();
	ring = CHECK_OK(add_key("keyring", "abi-ring", NULL, 0, KEY_SPEC_SESSION_KEYRING));
	inner = CHECK_OK(add_key("keyring", "abi-inner", NULL, 0, ring));
	k = CHECK_OK(add_key("user", "abi:deep", "x", 1, inner));
	CHECK_EQ(syscall(SYS_request_key, "user", "abi:deep", NULL, 0), k);
	CHECK_EQ(CTL(KEYCTL_READ, ring, list, sizeof(list), 0), 4);
	CHECK_EQ(list[0], inner);
	CHECK_ERRNO(CTL(KEYCTL_LINK, ring, inner, 0, 0), EDEADLK);
	CHECK_ERRNO(CTL(KEYCTL_LINK, k, k, 0, 0), ENOTDIR);
	CHECK_OK(CTL(KEYCTL_LINK, k, ring, 0, 0));
	CHECK_EQ(CTL(KEYCTL_READ, ring, list, sizeof(list), 0), 8);
	CHECK_OK(CTL(KEYCTL_UNLINK, k, inner, 0, 0));
	CHECK_ERRNO(CTL(KEYCTL_UNLINK, k, inner, 0, 0), ENOENT);
	CHECK_ERRNO(CTL(KEYCTL_UNLINK, k, k, 0, 0), ENOTDIR);
	CHECK_OK(CTL(KEYCTL_CLEAR, ring, 0, 0, 0));
	CHECK_ERRNO(syscall(SYS_request_key, "user", "abi:deep", NULL, 0), ENOKEY);
	CHECK_ERRNO(add_key("user", "abi:x", "x", 1, 0x7ffffff0), ENOKEY);
}

TEST_FORK(special_rings)
{
	long s, t, p, u, us;

	NEED_KEYS();
	CHECK_ERRNO(CTL(KEYCTL_GET_KEYRING_ID, KEY_SPEC_THREAD_KEYRING, 0, 0, 0), ENOKEY);
	t = CHECK_OK(CTL(KEYCTL_GET_KEYRING_ID, KEY_SPEC_THREAD_KEYRING, 1, 0, 0));
	p = CHECK_OK(CTL(KEYCTL_GET_KEYRING_ID, KEY_SPEC_PROCESS_KEYRING, 1, 0, 0));
	s = CHECK_OK(CTL(KEYCTL_GET_KEYRING_ID, KEY_SPEC_SESSION_KEYRING, 0, 0, 0));
	u = CHECK_OK(CTL(KEYCTL_GET_KEYRING_ID, KEY_SPEC_USER_KEYRING, 0, 0, 0));
	us = CHECK_OK(CTL(KEYCTL_GET_KEYRING_ID, KEY_SPEC_USER_SESSION_KEYRING, 0, 0, 0));
	CHECK(t != p && p != s && s != u && u != us);
	CHECK_EQ(CTL(KEYCTL_GET_KEYRING_ID, KEY_SPEC_PROCESS_KEYRING, 0, 0, 0), p);
	CHECK_ERRNO(CTL(KEYCTL_GET_KEYRING_ID, -6, 0, 0, 0), EINVAL);
	CHECK_ERRNO(CTL(KEYCTL_GET_KEYRING_ID, 0, 0, 0, 0), EINVAL);
	IN_CHILD
	{
		CHECK_ERRNO(CTL(KEYCTL_GET_KEYRING_ID, KEY_SPEC_PROCESS_KEYRING, 0, 0, 0), ENOKEY);
		CHECK_EQ(CTL(KEYCTL_GET_KEYRING_ID, KEY_SPEC_SESSION_KEYRING, 0, 0, 0), s);
		CHECK(session());
		CHECK(CTL(KEYCTL_GET_KEYRING_ID, KEY_SPEC_SESSION_KEYRING, 0, 0, 0) != s);
	}
	CHECK_EQ(CTL(KEYCTL_GET_KEYRING_ID, KEY_SPEC_SESSION_KEYRING, 0, 0, 0), s);
}

HELPER(session_is)
{
	return CTL(KEYCTL_GET_KEYRING_ID, KEY_SPEC_SESSION_KEYRING, 0, 0, 0) != atol(argv[0]);
}

TEST_FORK(session_survives_exec)
{
	char num[16];
	pid_t pid;

	NEED_KEYS();
	snprintf(num, sizeof(num), "%ld",
		 CTL(KEYCTL_GET_KEYRING_ID, KEY_SPEC_SESSION_KEYRING, 0, 0, 0));
	pid = abi_fork();
	if (!pid) {
		execl(abi_self, abi_self, "@session_is", num, NULL);
		_exit(3);
	}
	CHECK_EQ(abi_wait(pid), 0);
}

TEST_FORK(states)
{
	char buf[8];
	long k, t;

	NEED_KEYS();
	k = CHECK_OK(add_key("user", "abi:gone", "x", 1, KEY_SPEC_SESSION_KEYRING));
	CHECK_OK(CTL(KEYCTL_REVOKE, k, 0, 0, 0));
	CHECK_ERRNO(CTL(KEYCTL_READ, k, buf, 8, 0), EKEYREVOKED);
	CHECK_ERRNO(CTL(KEYCTL_UPDATE, k, "x", 1, 0), EKEYREVOKED);
	CHECK_ERRNO(syscall(SYS_request_key, "user", "abi:gone", NULL, 0), EKEYREVOKED);
	t = CHECK_OK(add_key("user", "abi:timed", "x", 1, KEY_SPEC_SESSION_KEYRING));
	CHECK_OK(CTL(KEYCTL_SET_TIMEOUT, t, 1, 0, 0));
	CHECK_EQ(CTL(KEYCTL_READ, t, buf, 8, 0), 1);
	WAIT_UNTIL(CTL(KEYCTL_READ, t, buf, 8, 0) < 0);
	CHECK_ERRNO(CTL(KEYCTL_READ, t, buf, 8, 0), EKEYEXPIRED);
	k = CHECK_OK(add_key("user", "abi:inv", "x", 1, KEY_SPEC_SESSION_KEYRING));
	CHECK_OK(CTL(KEYCTL_INVALIDATE, k, 0, 0, 0));
	/* EACCES until Linux has collected it */
	CHECK(CTL(KEYCTL_READ, k, buf, 8, 0) == -1 && (errno == ENOKEY || errno == EACCES));
	CHECK_ERRNO(CTL(KEYCTL_DESCRIBE, 0x7ffffff0, NULL, 0, 0), ENOKEY);
}

TEST_FORK(logon)
{
	char buf[8];
	long k;

	NEED_KEYS();
	CHECK_ERRNO(add_key("logon", "noprefix", "x", 1, KEY_SPEC_SESSION_KEYRING), EINVAL);
	k = CHECK_OK(add_key("logon", "abi:pw", "x", 1, KEY_SPEC_SESSION_KEYRING));
	CHECK(CTL(KEYCTL_READ, k, buf, 8, 0) == -1 && (errno == EOPNOTSUPP || errno == EACCES));
}

TEST_FORK(errors)
{
	char lng[40];

	NEED_KEYS();
	memset(lng, 't', sizeof(lng));
	lng[39] = 0;
	CHECK_ERRNO(add_key("abi-no-type", "d", "x", 1, KEY_SPEC_SESSION_KEYRING), ENODEV);
	CHECK_ERRNO(add_key(".type", "d", "x", 1, KEY_SPEC_SESSION_KEYRING), EPERM);
	CHECK_ERRNO(add_key(lng, "d", "x", 1, KEY_SPEC_SESSION_KEYRING), EINVAL);
	CHECK_ERRNO(add_key(bad_ptr(), "d", "x", 1, KEY_SPEC_SESSION_KEYRING), EFAULT);
	CHECK_ERRNO(add_key("user", bad_ptr(), "x", 1, KEY_SPEC_SESSION_KEYRING), EFAULT);
	CHECK_ERRNO(add_key("user", "d", bad_ptr(), 1, KEY_SPEC_SESSION_KEYRING), EFAULT);
	CHECK_ERRNO(add_key("user", "d", "", 0, KEY_SPEC_SESSION_KEYRING), EINVAL);
	CHECK_ERRNO(add_key("user", "d", "x", 1 << 20, KEY_SPEC_SESSION_KEYRING), EINVAL);
	CHECK_ERRNO(add_key("user", "", "x", 1, KEY_SPEC_SESSION_KEYRING), EINVAL);
	CHECK_ERRNO(add_key("keyring", ".d", NULL, 0, KEY_SPEC_SESSION_KEYRING), EPERM);
	CHECK_ERRNO(add_key("keyring", "d", "x", 1, KEY_SPEC_SESSION_KEYRING), EINVAL);
	CHECK_ERRNO(CTL(9999, 0, 0, 0, 0), EOPNOTSUPP);
	CHECK_ERRNO(CTL(KEYCTL_JOIN_SESSION_KEYRING, ".x", 0, 0, 0), EPERM);
	CHECK_ERRNO(syscall(SYS_request_key, ".x", "d", NULL, 0), EPERM);
	CHECK_ERRNO(syscall(SYS_request_key, bad_ptr(), "d", NULL, 0), EFAULT);
}

TEST_FORK(rights)
{
	long k;

	NEED_ROOT();
	NEED_KEYS();
	k = CHECK_OK(add_key("user", "abi:given", "x", 1, KEY_SPEC_SESSION_KEYRING));
	CHECK_OK(CTL(KEYCTL_CHOWN, k, NOBODY, -1, 0));
	k = CHECK_OK(add_key("user", "abi:root", "x", 1, KEY_SPEC_SESSION_KEYRING));
	IN_CHILD_AS(NOBODY)
	{
		char buf[8];

		CHECK(session()); /* gives up possession */
		CHECK_ERRNO(CTL(KEYCTL_READ, k, buf, 8, 0), EACCES);
		CHECK_ERRNO(CTL(KEYCTL_DESCRIBE, k, buf, 8, 0), EACCES);
		CHECK_ERRNO(CTL(KEYCTL_REVOKE, k, 0, 0, 0), EACCES);
		CHECK_ERRNO(CTL(KEYCTL_SETPERM, k, 0, 0, 0), EACCES);
		CHECK_ERRNO(CTL(KEYCTL_UPDATE, k, "x", 1, 0), EACCES);
		CHECK_ERRNO(CTL(KEYCTL_LINK, k, KEY_SPEC_SESSION_KEYRING, 0, 0), EACCES);
		for (int i = 0;; i++) { /* 200 keys are an ordinary user's */
			snprintf(buf, sizeof(buf), "k%d", i);
			if (add_key("user", buf, "x", 1, KEY_SPEC_SESSION_KEYRING) < 0)
				break;
			if (i > 2000)
				break;
		}
		CHECK_EQ(errno, EDQUOT);
	}
}
