/* User and group ids: the set*id family, groups, what an id change does to capabilities, setuid files. */
#include "abi.h"
#include <sys/fsuid.h>
#include <sys/statfs.h>

static void ids_are(uid_t r, uid_t e, uid_t s)
{
	uid_t a, b, c;

	CHECK_OK(getresuid(&a, &b, &c));
	CHECK_EQ(a, r);
	CHECK_EQ(b, e);
	CHECK_EQ(c, s);
}

static void gids_are(gid_t r, gid_t e, gid_t s)
{
	gid_t a, b, c;

	CHECK_OK(getresgid(&a, &b, &c));
	CHECK_EQ(a, r);
	CHECK_EQ(b, e);
	CHECK_EQ(c, s);
}

/* Raw calls: glibc's wrappers would signal other threads. */
static int set_uid(uid_t u)
{
	return syscall(SYS_setuid, u);
}

static int set_reuid(uid_t r, uid_t e)
{
	return syscall(SYS_setreuid, r, e);
}

static int set_resuid(uid_t r, uid_t e, uid_t s)
{
	return syscall(SYS_setresuid, r, e, s);
}

TEST_FORK(setuid_as_root)
{
	NEED_ROOT();
	IN_CHILD
	{
		CHECK_OK(set_uid(1000));
		ids_are(1000, 1000, 1000);
		CHECK_ERRNO(set_uid(0), EPERM);
		CHECK_OK(set_uid(1000));
		CHECK_EQ(abi_cap(0), 0);
	}
	IN_CHILD
	{
		CHECK_OK(set_resuid(1000, 2000, 3000));
		ids_are(1000, 2000, 3000);
		CHECK_ERRNO(set_uid(4000), EPERM);
		CHECK_OK(set_uid(3000)); /* effective alone */
		ids_are(1000, 3000, 3000);
		CHECK_OK(set_uid(1000));
		ids_are(1000, 1000, 3000);
	}
	CHECK_ERRNO(set_uid(-1), EINVAL);
}

TEST_FORK(seteuid_and_back)
{
	NEED_ROOT();
	CHECK_EQ(abi_cap(0), 1);
	CHECK_OK(set_resuid(-1, 1000, -1));
	ids_are(0, 1000, 0);
	CHECK_EQ(abi_cap(0), 0); /* effective capabilities go with euid 0 ... */
	CHECK_OK(set_resuid(-1, 0, -1));
	CHECK_EQ(abi_cap(0), 1); /* ... and come back from the permitted ones */
	CHECK_OK(set_resuid(1000, 1000, 1000));
	CHECK_ERRNO(set_resuid(-1, 0, -1), EPERM);
}

TEST_FORK(setreuid_rules)
{
	NEED_ROOT();
	IN_CHILD
	{
		CHECK_OK(set_reuid(1000, 2000));
		ids_are(1000, 2000, 2000);	 /* ruid was set: the saved id follows */
		CHECK_OK(set_reuid(2000, 1000)); /* swap */
		ids_are(2000, 1000, 1000);
		CHECK_ERRNO(set_reuid(-1, 3000), EPERM);
		CHECK_ERRNO(set_reuid(3000, -1), EPERM);
	}
	IN_CHILD
	{
		CHECK_OK(set_resuid(1000, 1000, 2000));
		CHECK_ERRNO(set_reuid(2000, -1), EPERM); /* ruid from the saved id: no */
		CHECK_OK(set_reuid(-1, 2000));		 /* euid from it: yes */
		ids_are(1000, 2000, 2000);
	}
}

TEST_FORK(group_ids)
{
	NEED_ROOT();
	CHECK_OK(syscall(SYS_setresgid, 100, 200, 300));
	gids_are(100, 200, 300);
	CHECK_EQ(getgid(), 100);
	CHECK_EQ(getegid(), 200);
	CHECK_OK(syscall(SYS_setgid, 500)); /* with CAP_SETGID: all three */
	gids_are(500, 500, 500);
	CHECK_OK(syscall(SYS_setregid, 100, 200));
	gids_are(100, 200, 200);
	CHECK_ERRNO(syscall(SYS_setgid, -1), EINVAL);
	CHECK_OK(set_uid(1000));
	CHECK_ERRNO(syscall(SYS_setresgid, 300, -1, -1), EPERM);
	CHECK_OK(syscall(SYS_setresgid, 200, 100, -1));
	gids_are(200, 100, 200);
	CHECK_ERRNO(syscall(SYS_setgid, 0), EPERM);
}

TEST_FORK(errors)
{
	gid_t g[4];

	CHECK_ERRNO(syscall(SYS_getresuid, bad_ptr(), NULL, NULL), EFAULT);
	CHECK_ERRNO(syscall(SYS_getresgid, bad_ptr(), NULL, NULL), EFAULT);
	CHECK_ERRNO(syscall(SYS_getgroups, -1, g), EINVAL);
	if (getgroups(0, NULL) > 0)
		CHECK_ERRNO(syscall(SYS_getgroups, 65536, bad_ptr()), EFAULT);
	IN_CHILD_AS(NOBODY)
	{
		CHECK_ERRNO(syscall(SYS_setgroups, 0, NULL), EPERM);
		CHECK_ERRNO(set_uid(0), EPERM);
		CHECK_ERRNO(set_resuid(0, -1, -1), EPERM);
		CHECK_ERRNO(syscall(SYS_setgid, 0), EPERM);
		CHECK_OK(set_resuid(-1, -1, -1));
	}
}

TEST_FORK(groups)
{
	gid_t in[40], out[40];

	NEED_ROOT();
	for (int i = 0; i < 40; i++)
		in[i] = 5000 - i;
	CHECK_OK(syscall(SYS_setgroups, 40, in));
	CHECK_EQ(getgroups(0, NULL), 40);
	CHECK_EQ(getgroups(40, out), 40);
	CHECK_ERRNO(getgroups(39, out), EINVAL);
	for (int i = 0; i < 40; i++)
		CHECK_EQ(out[i], 4961 + i); /* Linux sorts them */
	CHECK_ERRNO(syscall(SYS_setgroups, 65537, in), EINVAL);
	CHECK_ERRNO(syscall(SYS_setgroups, 1, bad_ptr()), EFAULT);
	CHECK_ERRNO(syscall(SYS_setgroups, 1, &(gid_t){ -1 }), EINVAL);
	CHECK_OK(syscall(SYS_setgroups, 0, NULL));
	CHECK_EQ(getgroups(0, NULL), 0);
	/* a group opens files */
	abi_tmpdir();
	int fd = abi_file("g", "x", 0640);
	CHECK_OK(fchown(fd, 0, 4999));
	close(fd);
	IN_CHILD
	{
		CHECK_OK(syscall(SYS_setgroups, 40, in));
		CHECK_OK(set_resuid(1000, 1000, 1000));
		CHECK_OK(close(CHECK_OK(open("g", O_RDONLY))));
		CHECK_ERRNO(open("g", O_WRONLY), EACCES);
	}
	IN_CHILD
	{
		CHECK_OK(set_resuid(1000, 1000, 1000));
		CHECK_ERRNO(open("g", O_RDONLY), EACCES);
	}
}

TEST_FORK(fsuid)
{
	int fd;
	struct stat st;

	NEED_ROOT();
	CHECK_EQ(setfsuid(1234), 0); /* answers the old one, never fails */
	CHECK_EQ(setfsuid(-1), 1234);
	CHECK_EQ(setfsgid(1235), getegid());
	CHECK_EQ(setfsgid(-1), 1235);
	setfsuid(0);
	abi_tmpdir();
	CHECK_OK(chmod(".", 0777));
	setfsuid(1234);
	fd = CHECK_OK(open("f", O_CREAT | O_WRONLY, 0600));
	CHECK_OK(fstat(fd, &st));
	CHECK_EQ(st.st_uid, 1234);
	CHECK_EQ(st.st_gid, 1235);
	close(fd);
	setfsuid(0);
	setfsgid(0);
	CHECK_OK(set_resuid(1000, 1000, 1000));
	CHECK_EQ(setfsuid(0), 1000);
	CHECK_EQ(setfsuid(-1), 1000); /* was refused */
}

HELPER(ids)
{
	/* arguments: expected euid and egid */
	uid_t r, e, s;
	gid_t rg, eg, sg;

	getresuid(&r, &e, &s);
	getresgid(&rg, &eg, &sg);
	return e == (uid_t)atoi(argv[0]) && s == e && r == NOBODY && eg == (gid_t)atoi(argv[1]) &&
			       sg == eg && rg == NOBODY
		       ? 7
		       : 1;
}

static int run(char *path, char *a, char *b)
{
	pid_t p = abi_fork();

	if (p == 0) {
		execve(path, (char *[]){ path, "@ids", a, b, NULL }, environ);
		_exit(100 + errno);
	}
	return WEXITSTATUS(abi_wait(p));
}

TEST_FORK(setuid_files)
{
	struct statfs fs;
	char b[65536];
	int in, out;
	ssize_t n;

	NEED_ROOT();
	abi_tmpdir();
	if (statfs(".", &fs) == 0 && (fs.f_flags & 2))
		SKIP("the file system is mounted nosuid");
	in = open(abi_self, O_RDONLY);
	out = open("suid", O_CREAT | O_WRONLY, 0755);
	while ((n = read(in, b, sizeof(b))) > 0)
		CHECK_EQ(write(out, b, n), n);
	CHECK_OK(fchown(out, 1000, 2000));
	close(in), close(out);
	IN_CHILD_AS(NOBODY)
	{
		CHECK_EQ(run("./suid", "65534", "65534"), 7);
	}
	CHECK_OK(chmod("suid", 06755));
	IN_CHILD_AS(NOBODY)
	{
		CHECK_EQ(run("./suid", "1000", "2000"), 7);
	}
	CHECK_OK(chmod("suid", 04755));
	IN_CHILD_AS(NOBODY)
	{
		CHECK_EQ(run("./suid", "1000", "65534"), 7);
		CHECK_OK(prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0));
		CHECK_EQ(run("./suid", "65534", "65534"), 7);
	}
	CHECK_OK(chmod("suid", 02745)); /* set-group-ID counts only with group execute */
	IN_CHILD_AS(NOBODY)
	{
		CHECK_EQ(run("./suid", "65534", "65534"), 7);
	}
}
