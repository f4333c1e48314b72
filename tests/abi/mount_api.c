/* The mount calls on descriptors: fsopen, fsconfig, fsmount, fspick, open_tree, move_mount, mount_setattr, statmount, listmount. */
#include "own_ns.h"
#include <sys/statfs.h>
#include <sys/statvfs.h>

#ifndef SYS_open_tree
#define SYS_open_tree  428
#define SYS_move_mount 429
#define SYS_fsopen     430
#define SYS_fsconfig   431
#define SYS_fsmount    432
#define SYS_fspick     433
#endif
#ifndef SYS_mount_setattr
#define SYS_mount_setattr 442
#endif
#define NR_STATMOUNT 457
#define NR_LISTMOUNT 458

enum { FLAG, STRING, BINARY, PATH, PATH_EMPTY, FD, CREATE, RECONFIGURE };
enum { CLONE = 1, RECURSIVE = 0x8000, F_EMPTY = 4, T_EMPTY = 0x40 };
enum {
	RDONLY = 1,
	NOSUID = 2,
	NODEV = 4,
	NOEXEC = 8,
	NOATIME = 0x10,
	STRICTATIME = 0x20,
	ATIMES = 0x70
};

struct attr {
	u_int64_t set, clr, propagation, userns_fd;
};

static int fsopen_(const char *name, unsigned flags)
{
	return (int)syscall(SYS_fsopen, name, flags);
}

static int config(int fd, unsigned cmd, const char *key, const char *value, int aux)
{
	return (int)syscall(SYS_fsconfig, fd, cmd, key, value, aux);
}

static int setattr_(const char *path, unsigned flags, u_int64_t set, u_int64_t clr)
{
	struct attr a = { set, clr, 0, 0 };

	return (int)syscall(SYS_mount_setattr, AT_FDCWD, path, flags, &a, sizeof(a));
}

static int move_(int from, const char *name, const char *to, unsigned flags)
{
	return (int)syscall(SYS_move_mount, from, name, AT_FDCWD, to, flags);
}

#define SETUP()                             \
	do {                                \
		OWN_MOUNTS();               \
		CHECK_OK(mkdir("m", 0755)); \
		CHECK_OK(mkdir("n", 0755)); \
	} while (0)

/* A tmpfs by steps; the descriptor of its tree. */
static int make(unsigned attr)
{
	int fs = fsopen_("tmpfs", 1), m;

	CHECK_OK(fs);
	CHECK_OK(config(fs, STRING, "source", "here", 0));
	CHECK_OK(config(fs, STRING, "size", "64k", 0));
	CHECK_OK(config(fs, STRING, "mode", "711", 0));
	CHECK_OK(config(fs, CREATE, NULL, NULL, 0));
	m = (int)syscall(SYS_fsmount, fs, 1, attr);
	CHECK_OK(m);
	close(fs);
	return m;
}

TEST_FORK(from_fsopen_to_place)
{
	struct statfs s;
	struct stat st;
	int m;

	SETUP();
	m = make(NODEV | NOSUID);
	/* It is a tree already, before it has a place. */
	CHECK_OK(mkdirat(m, "early", 0755));
	CHECK_OK(move_(m, "", "m", F_EMPTY));
	CHECK_OK(access("m/early", F_OK));
	CHECK_OK(stat("m", &st));
	CHECK_EQ(st.st_mode & 07777, 0711);
	CHECK_OK(statfs("m", &s));
	CHECK_EQ(s.f_type, 0x01021994);
	CHECK_EQ((u_int64_t)s.f_blocks * (u_int64_t)s.f_bsize, 65536);
	CHECK_EQ(s.f_flags & (ST_NODEV | ST_NOSUID | ST_NOEXEC | ST_RDONLY), ST_NODEV | ST_NOSUID);
	close(m);
	CHECK_OK(access("m/early", F_OK)); /* it stays */
	/* And on to another place, by name. */
	CHECK_OK(move_(AT_FDCWD, "m", "n", 0));
	CHECK_OK(access("n/early", F_OK));
	CHECK_ERRNO(access("m/early", F_OK), ENOENT);
	CHECK_ERRNO(move_(AT_FDCWD, "m", "n", 0), EINVAL); /* no mount */
	CHECK_OK(mkdir("n/in", 0755));
	CHECK_ERRNO(move_(AT_FDCWD, "n", "n/in", 0), ELOOP);
	CHECK_OK(umount2("n", 0));
}

TEST_FORK(contexts)
{
	char text[64];
	int fs;

	SETUP();
	CHECK_ERRNO(fsopen_("no such file system", 0), ENODEV);
	CHECK_ERRNO(fsopen_("tmpfs", 2), EINVAL);
	CHECK_ERRNO(fsopen_(NULL, 0), EFAULT);
	fs = fsopen_("tmpfs", 0);
	CHECK_OK(fs);
	CHECK_ERRNO(read(fs, text, sizeof(text)), ENODATA);
	CHECK_ERRNO(config(-1, FLAG, "ro", NULL, 0), EINVAL);
	CHECK_ERRNO(config(999, FLAG, "ro", NULL, 0), EBADF);
	CHECK_ERRNO(config(0, FLAG, "ro", NULL, 0), EINVAL);
	CHECK_ERRNO(config(fs, FLAG, NULL, NULL, 0), EINVAL);
	CHECK_ERRNO(config(fs, FLAG, "ro", "x", 0), EINVAL);
	CHECK_ERRNO(config(fs, STRING, "size", NULL, 0), EINVAL);
	CHECK_ERRNO(config(fs, STRING, "size", "1", 1), EINVAL);
	CHECK_ERRNO(config(fs, BINARY, "x", "y", 0), EINVAL);
	CHECK_ERRNO(config(fs, PATH, "x", "y", -5), EINVAL);
	CHECK_ERRNO(config(fs, FD, "x", NULL, -1), EINVAL);
	CHECK_ERRNO(config(fs, CREATE, "x", NULL, 0), EINVAL);
	CHECK_ERRNO(config(fs, 77, NULL, NULL, 0), EOPNOTSUPP);
	CHECK_ERRNO(config(fs, RECONFIGURE, NULL, NULL, 0), EBUSY);
	CHECK_ERRNO(syscall(SYS_fsmount, fs, 0, 0), EINVAL); /* not made yet */
	CHECK_ERRNO(syscall(SYS_fsmount, fs, 2, 0), EINVAL);
	CHECK_ERRNO(syscall(SYS_fsmount, fs, 0, 0x30), EINVAL);
	CHECK_ERRNO(syscall(SYS_fsmount, 999, 0, 0), EBADF);
	CHECK_ERRNO(syscall(SYS_fsmount, 0, 0, 0), EINVAL);
	CHECK_OK(config(fs, STRING, "source", "a", 0));
	CHECK_ERRNO(config(fs, STRING, "source", "b", 0), EINVAL);
	CHECK_OK(config(fs, FLAG, "ro", NULL, 0));
	CHECK_OK(config(fs, CREATE, NULL, NULL, 0));
	CHECK_ERRNO(config(fs, CREATE, NULL, NULL, 0), EBUSY);
	CHECK_ERRNO(config(fs, STRING, "size", "1m", 0), EBUSY);
	close(fs);
}

TEST_FORK(goes_with_its_descriptor)
{
	int m, d;

	SETUP();
	m = make(0);
	CHECK_OK(mkdirat(m, "d", 0755));
	d = openat(m, "d", O_RDONLY | O_DIRECTORY);
	close(m);
	CHECK_OK(faccessat(d, ".", F_OK, 0)); /* open files hold it */
	CHECK_ERRNO(move_(d, "", "m", F_EMPTY), EINVAL);
	close(d);
	/* Its root, too, is not anybody's any more. */
	m = make(0);
	d = openat(m, ".", O_PATH | O_DIRECTORY);
	close(m);
	CHECK_ERRNO(move_(d, "", "m", F_EMPTY), EINVAL);
	close(d);
	/* What cannot be moved stays where it is. */
	CHECK_OK(mkdir("gone", 0755));
	d = open("gone", O_PATH | O_DIRECTORY);
	CHECK_OK(rmdir("gone"));
	m = make(0);
	CHECK_ERRNO(syscall(SYS_move_mount, m, "", d, "", F_EMPTY | T_EMPTY), ENOENT);
	CHECK_OK(faccessat(m, ".", F_OK, 0));
	CHECK_OK(move_(m, "", "m", F_EMPTY));
	CHECK_OK(umount2("m", MNT_DETACH));
	close(m);
	close(d);
	m = (int)syscall(SYS_open_tree, AT_FDCWD, "/proc", CLONE | O_CLOEXEC);
	CHECK_OK(m);
	CHECK_OK(faccessat(m, "self", F_OK, 0));
	close(m);
	CHECK_OK(access("/proc/self", F_OK));
}

TEST_FORK(open_tree)
{
	int m;

	SETUP();
	CHECK_OK(mount("none", "m", "tmpfs", 0, NULL));
	CHECK_OK(mkdir("m/in", 0755));
	CHECK_OK(mount("none", "m/in", "tmpfs", 0, NULL));
	CHECK_OK(mkdir("m/in/deep", 0755));
	CHECK_ERRNO(syscall(SYS_open_tree, AT_FDCWD, "m", RECURSIVE), EINVAL);
	CHECK_ERRNO(syscall(SYS_open_tree, AT_FDCWD, "m", 2), EINVAL);
	CHECK_ERRNO(syscall(SYS_open_tree, AT_FDCWD, "none", CLONE), ENOENT);
	m = (int)syscall(SYS_open_tree, AT_FDCWD, "m", 0);
	CHECK_OK(m);
	CHECK_EQ(fcntl(m, F_GETFL) & O_PATH, O_PATH);
	CHECK_EQ(fcntl(m, F_GETFD), 0);
	close(m);
	/* A copy without and with what is mounted below. */
	m = (int)syscall(SYS_open_tree, AT_FDCWD, "m", CLONE | O_CLOEXEC);
	CHECK_OK(m);
	CHECK_EQ(fcntl(m, F_GETFD), FD_CLOEXEC);
	CHECK_ERRNO(faccessat(m, "in/deep", F_OK, 0), ENOENT);
	close(m);
	m = (int)syscall(SYS_open_tree, AT_FDCWD, "m", CLONE | RECURSIVE);
	CHECK_OK(faccessat(m, "in/deep", F_OK, 0));
	CHECK_OK(move_(m, "", "n", F_EMPTY));
	close(m);
	CHECK_OK(access("n/in/deep", F_OK));
	CHECK_OK(umount2("n", MNT_DETACH));
	CHECK_OK(access("m/in/deep", F_OK));
	/* A file on a file, not on a directory. */
	close(abi_file("f", "1", 0644));
	close(abi_file("g", "2", 0644));
	m = (int)syscall(SYS_open_tree, AT_FDCWD, "f", CLONE);
	CHECK_OK(m);
	CHECK_ERRNO(move_(m, "", "n", F_EMPTY), EINVAL);
	CHECK_OK(move_(m, "", "g", F_EMPTY));
	close(m);
	CHECK_OK(umount2("g", 0));
	CHECK_ERRNO(move_(AT_FDCWD, "m", "n", 0x400), EINVAL);
	CHECK_OK(umount2("m", MNT_DETACH));
}

TEST_FORK(attributes)
{
	struct attr a = { 0 };
	struct statvfs s;
	char long_attr[64] = "";
	int fd;

	SETUP();
	CHECK_OK(mount("none", "m", "tmpfs", 0, NULL));
	CHECK_OK(mkdir("m/in", 0755));
	CHECK_OK(mount("none", "m/in", "tmpfs", 0, NULL));
	CHECK_OK(setattr_("m", 0, RDONLY | NODEV, 0));
	CHECK_ERRNO(mkdir("m/x", 0755), EROFS);
	CHECK_OK(mkdir("m/in/x", 0755));
	CHECK_OK(setattr_("m", RECURSIVE, RDONLY | NOEXEC, 0));
	CHECK_ERRNO(mkdir("m/in/y", 0755), EROFS);
	CHECK_OK(setattr_("m", RECURSIVE, 0, RDONLY | NODEV));
	CHECK_OK(statvfs("m", &s));
	CHECK_EQ(s.f_flag & (ST_RDONLY | ST_NODEV | ST_NOEXEC), ST_NOEXEC);
	CHECK_OK(setattr_("m", 0, NOATIME, ATIMES));
	CHECK_OK(statvfs("m", &s));
	CHECK_EQ(s.f_flag & (ST_NOATIME | ST_RELATIME), ST_NOATIME);
	CHECK_OK(setattr_("m", 0, 0, ATIMES));
	CHECK_OK(statvfs("m", &s));
	CHECK_EQ(s.f_flag & (ST_NOATIME | ST_RELATIME), ST_RELATIME);
	/* All or none: one below has a writer. */
	fd = open("m/in/f", O_CREAT | O_RDWR, 0644);
	CHECK_OK(fd);
	CHECK_ERRNO(setattr_("m", RECURSIVE, RDONLY, 0), EBUSY);
	CHECK_OK(mkdir("m/y", 0755));
	close(fd);
	CHECK_ERRNO(setattr_("m", 0, NOATIME, 0), EINVAL);
	CHECK_ERRNO(setattr_("m", 0, NOATIME | STRICTATIME, ATIMES), EINVAL);
	CHECK_ERRNO(setattr_("m", 0, 0, NOATIME), EINVAL);
	CHECK_ERRNO(setattr_("m", 0, 1ULL << 40, 0), EINVAL);
	CHECK_ERRNO(setattr_("m/y", 0, RDONLY, 0), EINVAL);
	CHECK_ERRNO(setattr_("none", 0, RDONLY, 0), ENOENT);
	CHECK_ERRNO(setattr_("m", 1, RDONLY, 0), EINVAL);
	CHECK_OK(setattr_("none", 0, 0, 0)); /* nothing to do */
	CHECK_ERRNO(syscall(SYS_mount_setattr, AT_FDCWD, "m", 0, &a, 31), EINVAL);
	CHECK_ERRNO(syscall(SYS_mount_setattr, AT_FDCWD, "m", 0, &a, 5000), E2BIG);
	CHECK_ERRNO(syscall(SYS_mount_setattr, AT_FDCWD, "m", 0, NULL, sizeof(a)), EFAULT);
	long_attr[40] = 1;
	CHECK_ERRNO(syscall(SYS_mount_setattr, AT_FDCWD, "m", 0, long_attr, sizeof(long_attr)),
		    E2BIG);
	a.propagation = MS_SHARED | MS_PRIVATE;
	CHECK_ERRNO(syscall(SYS_mount_setattr, AT_FDCWD, "m", 0, &a, sizeof(a)), EINVAL);
	a.propagation = MS_PRIVATE;
	CHECK_OK(syscall(SYS_mount_setattr, AT_FDCWD, "m", RECURSIVE, &a, sizeof(a)));
	CHECK_OK(umount2("m", MNT_DETACH));
}

TEST_FORK(reconfigure)
{
	int fs;

	SETUP();
	CHECK_OK(mount("none", "m", "tmpfs", 0, "size=64k"));
	fs = (int)syscall(SYS_fspick, AT_FDCWD, "m", 1);
	CHECK_OK(fs);
	CHECK_OK(config(fs, FLAG, "ro", NULL, 0));
	CHECK_OK(config(fs, RECONFIGURE, NULL, NULL, 0));
	CHECK_ERRNO(mkdir("m/x", 0755), EROFS);
	CHECK_OK(config(fs, FLAG, "rw", NULL, 0));
	CHECK_OK(config(fs, RECONFIGURE, NULL, NULL, 0));
	CHECK_OK(mkdir("m/x", 0755));
	CHECK_ERRNO(config(fs, CREATE, NULL, NULL, 0), EBUSY);
	close(fs);
	CHECK_ERRNO(syscall(SYS_fspick, AT_FDCWD, "m/x", 0), EINVAL);
	CHECK_ERRNO(syscall(SYS_fspick, AT_FDCWD, "m", 16), EINVAL);
	CHECK_OK(umount2("m", 0));
}

struct id_req {
	u_int32_t size, spare;
	u_int64_t id, param;
};

static u_int64_t id_of(const char *path)
{
	struct statx x = { 0 };

	CHECK_OK(statx(AT_FDCWD, path, 0, 0x4000 /* STATX_MNT_ID_UNIQUE */, &x));
	CHECK(x.stx_mask & 0x4000);
	return *(u_int64_t *)((char *)&x + 0x90);
}

TEST_FORK(list_and_tell)
{
	struct {
		u_int32_t size, opts;
		u_int64_t mask;
		u_int32_t dev_major, dev_minor;
		u_int64_t magic;
		u_int32_t sb_flags, type;
		u_int64_t id, parent;
		u_int32_t id_old, parent_old;
		u_int64_t attr, propagation, rest[3];
		u_int32_t root, point;
		u_int64_t more[50];
		char text[3000];
	} s = { 0 };
	struct id_req r = { sizeof(r), 0, 0, 0 };
	u_int64_t m, in, ids[4];
	char where[PATH_MAX + 16];

	SETUP();
	CHECK_OK(mount("none", "m", "tmpfs", MS_NODEV, NULL));
	CHECK_OK(mkdir("m/in", 0755));
	CHECK_OK(mkdir("m/other", 0755));
	CHECK_OK(mount("none", "m/in", "tmpfs", 0, NULL));
	CHECK_OK(mount("m/other", "m/other", NULL, MS_BIND, NULL));
	m = id_of("m");
	in = id_of("m/in");
	CHECK(in > m);
	r.id = m;
	CHECK_EQ(syscall(NR_LISTMOUNT, &r, ids, 4, 0), 2);
	CHECK_EQ(ids[0], in);
	CHECK_EQ(ids[1], id_of("m/other"));
	CHECK_EQ(syscall(NR_LISTMOUNT, &r, ids, 1, 0), 1);
	r.param = ids[0];
	CHECK_EQ(syscall(NR_LISTMOUNT, &r, ids, 4, 0), 1);
	CHECK_EQ(ids[0], id_of("m/other"));
	r = (struct id_req){ sizeof(r), 0, ~0ULL, 0 };
	CHECK(syscall(NR_LISTMOUNT, &r, ids, 4, 0) == 4);

	r.id = ids[0];
	r.id = m;
	r.param = 0x3b; /* all but where changes come from */
	CHECK_OK(syscall(NR_STATMOUNT, &r, &s, sizeof(s), 0));
	CHECK_EQ(s.mask, 0x3b);
	CHECK_EQ(s.magic, 0x01021994);
	CHECK_EQ(s.id, m);
	CHECK_EQ(s.attr & 0xf, NODEV);
	CHECK_EQ(s.propagation, MS_PRIVATE);
	CHECK(!strcmp(s.text + s.type, "tmpfs"));
	CHECK(!strcmp(s.text + s.root, "/"));
	CHECK(getcwd(where, PATH_MAX) != NULL);
	strcat(where, "/m");
	CHECK(!strcmp(s.text + s.point, where));
	r.id = id_of("m/other");
	CHECK_OK(syscall(NR_STATMOUNT, &r, &s, sizeof(s), 0));
	CHECK_EQ(s.parent, m);
	CHECK(!strcmp(s.text + s.root, "/other"));

	CHECK_ERRNO(syscall(NR_STATMOUNT, &r, &s, 514, 0), EOVERFLOW);
	CHECK_ERRNO(syscall(NR_STATMOUNT, &r, &s, sizeof(s), 0x100), EINVAL);
	CHECK_ERRNO(syscall(NR_STATMOUNT, NULL, &s, sizeof(s), 0), EFAULT);
	r.id = 5;
	CHECK_ERRNO(syscall(NR_STATMOUNT, &r, &s, sizeof(s), 0), EINVAL);
	r.id = 1ULL << 60;
	CHECK_ERRNO(syscall(NR_STATMOUNT, &r, &s, sizeof(s), 0), ENOENT);
	CHECK_ERRNO(syscall(NR_LISTMOUNT, &r, ids, 2000000, 0), EOVERFLOW);
	r.param = 0;
	CHECK_ERRNO(syscall(NR_LISTMOUNT, &r, ids, 4, 0), ENOENT);
	r.size = 8;
	CHECK_ERRNO(syscall(NR_LISTMOUNT, &r, ids, 4, 0), EINVAL);
	r.size = 5000;
	CHECK_ERRNO(syscall(NR_LISTMOUNT, &r, ids, 4, 0), E2BIG);
	CHECK_OK(umount2("m", MNT_DETACH));
}

/* Behind a chroot only what is mounted in it. */
TEST_FORK(list_in_a_chroot)
{
	struct {
		u_int32_t size, spare;
		u_int64_t id, param;
	} r = { 24, 0, ~0ULL, 0 };
	u_int64_t ids[8];

	abi_tmpdir();
	if (!abi_cap(18))
		SKIP("needs CAP_SYS_CHROOT");
	if (syscall(NR_LISTMOUNT, &r, ids, 8, 0) < 0 && errno == ENOSYS)
		SKIP("no listmount");
	CHECK_OK(mkdir("jail", 0755));
	CHECK_OK(chroot("jail"));
	CHECK_EQ(syscall(NR_LISTMOUNT, &r, ids, 8, 0), 0);
	CHECK_OK(chroot("."));
}

TEST_FORK(not_for_everyone)
{
	abi_tmpdir();
	if (geteuid() == 0)
		CHECK_OK(setresuid(NOBODY, NOBODY, NOBODY));
	CHECK_ERRNO(fsopen_("tmpfs", 0), EPERM);
	CHECK_ERRNO(syscall(SYS_fspick, AT_FDCWD, "/", 0), EPERM);
	CHECK_ERRNO(syscall(SYS_fsmount, 0, 0, 0), EPERM);
	CHECK_ERRNO(syscall(SYS_open_tree, AT_FDCWD, "/", CLONE), EPERM);
	CHECK_ERRNO(move_(AT_FDCWD, "/proc", "/", 0), EPERM);
	CHECK_ERRNO(setattr_("/", 0, RDONLY, 0), EPERM);
}
