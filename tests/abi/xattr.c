/* Extended attributes: set, get, list, remove, by path, link and descriptor; flags; name spaces. */
#include "abi.h"
#include <sys/xattr.h>

static int supported(void)
{
	int fd;

	abi_tmpdir();
	fd = abi_file("probe", "", 0644);
	int ok = fsetxattr(fd, "user.probe", "x", 1, 0) == 0;
	close(fd);
	unlink("probe");
	return ok;
}

#define NEED_XATTR()                                                 \
	do {                                                         \
		if (!supported())                                    \
			SKIP("file system without user attributes"); \
	} while (0)

TEST(set_and_get)
{
	char b[64] = "";
	int fd;

	NEED_XATTR();
	fd = abi_file("f", "", 0644);
	CHECK_OK(setxattr("f", "user.one", "value", 5, 0));
	CHECK_EQ(getxattr("f", "user.one", b, sizeof(b)), 5);
	CHECK(!memcmp(b, "value", 5));
	CHECK_EQ(getxattr("f", "user.one", NULL, 0), 5); /* its size */
	CHECK_ERRNO(getxattr("f", "user.one", b, 3), ERANGE);
	CHECK_EQ(fgetxattr(fd, "user.one", b, sizeof(b)), 5);
	CHECK_OK(fsetxattr(fd, "user.one", "", 0, XATTR_REPLACE));
	CHECK_EQ(getxattr("f", "user.one", b, sizeof(b)), 0);
	CHECK_ERRNO(setxattr("f", "user.one", "x", 1, XATTR_CREATE), EEXIST);
	CHECK_ERRNO(setxattr("f", "user.two", "x", 1, XATTR_REPLACE), ENODATA);
	CHECK_ERRNO(getxattr("f", "user.none", b, sizeof(b)), ENODATA);
	CHECK_ERRNO(removexattr("f", "user.none"), ENODATA);
	CHECK_OK(fremovexattr(fd, "user.one"));
	CHECK_ERRNO(getxattr("f", "user.one", b, sizeof(b)), ENODATA);
	close(fd);
	unlink("f");
}

TEST(list)
{
	char b[256];
	ssize_t n;
	int seen = 0;

	NEED_XATTR();
	close(abi_file("f", "", 0644));
	CHECK_OK(setxattr("f", "user.a", "1", 1, 0));
	CHECK_OK(setxattr("f", "user.bb", "2", 1, 0));
	n = CHECK_OK(listxattr("f", NULL, 0));
	CHECK(n >= 15);
	CHECK_ERRNO(listxattr("f", b, 3), ERANGE);
	n = CHECK_OK(listxattr("f", b, sizeof(b)));
	for (char *p = b; p < b + n; p += strlen(p) + 1)
		seen += !strcmp(p, "user.a") || !strcmp(p, "user.bb");
	CHECK_EQ(seen, 2);
	unlink("f");
}

TEST(errors)
{
	char b[8], name[300];
	static char big[70000];

	NEED_XATTR();
	close(abi_file("f", "", 0644));
	memset(name, 'x', sizeof(name));
	memcpy(name, "user.", 5);
	name[299] = 0;
	CHECK_ERRNO(setxattr("f", name, "x", 1, 0), ERANGE); /* longer than 255 */
	CHECK_ERRNO(setxattr("f", "", "x", 1, 0), ERANGE);
	CHECK_ERRNO(setxattr("f", "user.", "x", 1, 0), EINVAL);
	CHECK_ERRNO(setxattr("f", "nosuch.name", "x", 1, 0), EOPNOTSUPP);
	CHECK_ERRNO(setxattr("f", "plain", "x", 1, 0), EOPNOTSUPP);
	CHECK_ERRNO(setxattr("f", "user.big", big, 65537, 0), E2BIG);
	CHECK_ERRNO(setxattr("f", "user.x", "x", 1, 4), EINVAL);
	CHECK_ERRNO(setxattr("none", "user.x", "x", 1, 0), ENOENT);
	CHECK_ERRNO(fsetxattr(-1, "user.x", "x", 1, 0), EBADF);
	CHECK_ERRNO(syscall(SYS_setxattr, "f", "user.x", bad_ptr(), 1, 0), EFAULT);
	CHECK_ERRNO(syscall(SYS_setxattr, "f", bad_ptr(), "x", 1, 0), EFAULT);
	CHECK_ERRNO(getxattr("none", "user.x", b, 8), ENOENT);
	CHECK_OK(symlink("f", "l"));
	CHECK_ERRNO(lsetxattr("l", "user.x", "x", 1, 0), EPERM); /* not on links */
	CHECK_OK(setxattr("l", "user.x", "x", 1, 0));
	CHECK_EQ(getxattr("f", "user.x", b, 8), 1);
	unlink("f"), unlink("l");
}

TEST(permissions)
{
	char b[8];

	NEED_XATTR();
	close(abi_file("f", "", 0600));
	CHECK_OK(setxattr("f", "user.x", "1", 1, 0));
	if (geteuid() == 0) {
		IN_CHILD_AS(NOBODY)
		{
			CHECK_ERRNO(getxattr("f", "user.x", b, 8), EACCES);
			CHECK_ERRNO(setxattr("f", "user.x", "2", 1, 0), EACCES);
		}
		CHECK_OK(setxattr("f", "trusted.x", "1", 1, 0));
		CHECK_EQ(getxattr("f", "trusted.x", b, 8), 1);
		CHECK_OK(chmod("f", 0666));
		IN_CHILD_AS(NOBODY)
		{
			CHECK_ERRNO(setxattr("f", "trusted.y", "1", 1, 0), EPERM);
			CHECK_ERRNO(getxattr("f", "trusted.x", b, 8), ENODATA); /* hidden */
		}
	}
	unlink("f");
}
