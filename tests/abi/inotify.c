/* inotify: events of every kind, their order, cookies and names; watches, limits, errors, what read gives. */
#include "abi.h"
#include <poll.h>
#include <sys/inotify.h>
#include <sys/ioctl.h>
#include <sys/xattr.h>

static char buf[65536] __attribute__((aligned(8)));
static char text[8192];

/* All events that are there, as "mask:name mask:name ...", with names of masks; cookies must pair. */
static const char *events(int fd)
{
	static const struct {
		unsigned bit;
		const char *name;
	} names[] = { { IN_ACCESS, "access" },		 { IN_MODIFY, "modify" },
		      { IN_ATTRIB, "attrib" },		 { IN_CLOSE_WRITE, "close_write" },
		      { IN_CLOSE_NOWRITE, "close" },	 { IN_OPEN, "open" },
		      { IN_MOVED_FROM, "from" },	 { IN_MOVED_TO, "to" },
		      { IN_CREATE, "create" },		 { IN_DELETE, "delete" },
		      { IN_DELETE_SELF, "delete_self" }, { IN_MOVE_SELF, "move_self" },
		      { IN_UNMOUNT, "unmount" },	 { IN_Q_OVERFLOW, "overflow" },
		      { IN_IGNORED, "ignored" },	 { IN_ISDIR, "dir" } };
	unsigned cookie = 0;
	ssize_t n, off;

	text[0] = 0;
	while ((n = read(fd, buf, sizeof(buf))) > 0) {
		for (off = 0; off < n;) {
			struct inotify_event *e = (void *)(buf + off);
			char *t = text + strlen(text);

			if (t > text)
				*t++ = ' ';
			for (size_t k = 0; k < ARRAY_LEN(names); k++)
				if (e->mask & names[k].bit)
					t += sprintf(t, "%s.", names[k].name);
			t[-1] = 0;
			if (e->len)
				sprintf(t - 1, ":%s", e->name);
			CHECK_EQ(e->len % 16, 0);
			CHECK_EQ(!!e->cookie, !!(e->mask & (IN_MOVED_FROM | IN_MOVED_TO)));
			if (e->mask & IN_MOVED_FROM)
				cookie = e->cookie;
			if (e->mask & IN_MOVED_TO && cookie)
				CHECK_EQ(e->cookie, cookie);
			off += 16 + e->len;
		}
	}
	return text;
}

static void touch(const char *name)
{
	close(open(name, O_CREAT | O_WRONLY, 0600));
}

static int enter(void)
{
	abi_tmpdir();
	return abi_tmp_made;
}

static int watch_here(unsigned mask)
{
	int fd = inotify_init1(IN_NONBLOCK | IN_CLOEXEC);

	if (fd < 0 || !enter() || inotify_add_watch(fd, ".", mask) != 1)
		return -1;
	return fd;
}

TEST(files_in_a_directory)
{
	int fd = watch_here(IN_ALL_EVENTS), f;
	char b[4];

	REQUIRE(fd >= 0);
	CHECK_EQ(fcntl(fd, F_GETFD), FD_CLOEXEC);
	CHECK_STR(events(fd), "");
	f = open("a", O_CREAT | O_RDWR, 0600);
	CHECK_STR(events(fd), "create:a open:a");
	CHECK_EQ(write(f, "xyz", 3), 3);
	CHECK_EQ(write(f, "xyz", 3), 3);
	CHECK_STR(events(fd), "modify:a"); /* one like the last is dropped */
	CHECK_EQ(pread(f, b, 3, 0), 3);
	CHECK_STR(events(fd), "access:a");
	CHECK_EQ(pread(f, b, 3, 100), 0);
	CHECK_STR(events(fd), "");
	CHECK_OK(ftruncate(f, 2));
	CHECK_STR(events(fd), "modify:a");
	CHECK_OK(fchmod(f, 0640));
	CHECK_STR(events(fd), "attrib:a");
	CHECK_OK(utimensat(AT_FDCWD, "a", NULL, 0));
	CHECK_STR(events(fd), "attrib:a");
	CHECK_OK(close(f));
	CHECK_STR(events(fd), "close_write:a");
	f = open("a", O_RDONLY);
	close(f);
	CHECK_STR(events(fd), "open:a close:a");
	close(open("a", O_PATH));
	CHECK_STR(events(fd), "");
	CHECK_OK(truncate("a", 1));
	CHECK_STR(events(fd), "modify:a");
	CHECK_OK(link("a", "b"));
	CHECK_STR(events(fd), "create:b");
	CHECK_OK(unlink("b"));
	CHECK_STR(events(fd), "delete:b");
	CHECK_OK(symlink("a", "s"));
	CHECK_OK(mknod("fifo", S_IFIFO | 0600, 0));
	CHECK_STR(events(fd), "create:s create:fifo");
	CHECK_OK(unlink("s"));
	CHECK_OK(unlink("fifo"));
	CHECK_OK(unlink("a"));
	CHECK_STR(events(fd), "delete:s delete:fifo delete:a");
	close(fd);
}

TEST(directories)
{
	int fd = watch_here(IN_ALL_EVENTS), d;

	REQUIRE(fd >= 0);
	CHECK_OK(mkdir("d", 0700));
	CHECK_STR(events(fd), "create.dir:d");
	d = open("d", O_RDONLY | O_DIRECTORY);
	CHECK_OK(syscall(SYS_getdents64, d, buf, 1024));
	close(d);
	CHECK_STR(events(fd), "open.dir:d access.dir:d close.dir:d");
	touch("d/below");
	CHECK_STR(events(fd), ""); /* not of grandchildren */
	CHECK_OK(unlink("d/below"));
	CHECK_OK(rename("d", "e"));
	CHECK_STR(events(fd), "from.dir:d to.dir:e");
	CHECK_OK(rmdir("e"));
	CHECK_STR(events(fd), "delete.dir:e");
	d = open(".", O_RDONLY);
	close(d);
	CHECK_STR(events(fd), "open.dir close.dir"); /* of itself, without a name */
	close(fd);
}

TEST(renames)
{
	int fd = watch_here(IN_MOVE | IN_MOVE_SELF | IN_DELETE | IN_DELETE_SELF);
	int wd;

	REQUIRE(fd >= 0);
	touch("a");
	touch("b");
	wd = CHECK_OK(inotify_add_watch(fd, "a", IN_MOVE_SELF | IN_DELETE_SELF | IN_ATTRIB));
	CHECK_EQ(wd, 2);
	CHECK_EQ(inotify_add_watch(fd, "b", IN_DELETE_SELF | IN_ATTRIB), 3);
	CHECK_OK(rename("a", "b"));
	CHECK_STR(events(fd), "from:a to:b attrib move_self delete_self ignored");
	CHECK_OK(mkdir("d", 0700));
	CHECK_OK(rename("b", "d/b"));
	CHECK_STR(events(fd), "from:b move_self");
	CHECK_OK(rename("d/b", "c"));
	CHECK_STR(events(fd), "to:c move_self");
	CHECK_OK(unlink("c"));
	CHECK_STR(events(fd), "attrib delete_self ignored delete:c");
	CHECK_OK(rmdir("d"));
	close(fd);
}

TEST(deleted_while_open)
{
	int fd, f;

	REQUIRE(enter());
	fd = inotify_init1(IN_NONBLOCK);
	touch("a");
	f = open("a", O_RDWR);
	CHECK_EQ(inotify_add_watch(fd, "a", IN_ALL_EVENTS), 1);
	CHECK_OK(unlink("a"));
	CHECK_STR(events(fd), "attrib");
	CHECK_EQ(write(f, "x", 1), 1);
	CHECK_OK(close(f));
	CHECK_STR(events(fd), "modify close_write delete_self ignored");
	CHECK_ERRNO(inotify_rm_watch(fd, 1), EINVAL);
	CHECK_OK(mkdir("d", 0700));
	CHECK_EQ(inotify_add_watch(fd, "d", IN_DELETE_SELF), 2);
	CHECK_OK(rmdir("d"));
	CHECK_STR(events(fd), "delete_self ignored");
	close(fd);
}

TEST(excl_unlink)
{
	int fd = watch_here(IN_MODIFY | IN_EXCL_UNLINK), f;

	REQUIRE(fd >= 0);
	f = open("a", O_CREAT | O_RDWR, 0600);
	CHECK_EQ(write(f, "x", 1), 1);
	CHECK_STR(events(fd), "modify:a");
	CHECK_OK(unlink("a"));
	CHECK_EQ(write(f, "x", 1), 1);
	CHECK_STR(events(fd), "");
	close(f);
	close(fd);
}

TEST(oneshot_and_masks)
{
	int fd = watch_here(IN_CREATE | IN_ONESHOT);

	REQUIRE(fd >= 0);
	touch("a");
	touch("b");
	CHECK_STR(events(fd), "create:a ignored");
	CHECK_ERRNO(inotify_rm_watch(fd, 1), EINVAL);
	CHECK_EQ(inotify_add_watch(fd, ".", IN_CREATE), 2);
	CHECK_EQ(inotify_add_watch(fd, ".", IN_DELETE | IN_MASK_ADD), 2);
	touch("c");
	CHECK_OK(unlink("c"));
	CHECK_STR(events(fd), "create:c delete:c");
	CHECK_EQ(inotify_add_watch(fd, ".", IN_DELETE), 2);
	touch("c");
	CHECK_OK(unlink("c"));
	CHECK_STR(events(fd), "delete:c");
	CHECK_ERRNO(inotify_add_watch(fd, ".", IN_CREATE | IN_MASK_CREATE), EEXIST);
	CHECK_OK(inotify_rm_watch(fd, 2));
	CHECK_STR(events(fd), "ignored");
	touch("c");
	CHECK_STR(events(fd), "");
	CHECK_OK(unlink("a"));
	CHECK_OK(unlink("b"));
	CHECK_OK(unlink("c"));
	close(fd);
}

TEST(errors)
{
	int fd = inotify_init(), p[2];

	REQUIRE(fd >= 0 && enter() && pipe(p) == 0);
	CHECK_ERRNO(inotify_init1(1), EINVAL);
	CHECK_ERRNO(inotify_add_watch(-1, ".", IN_OPEN), EBADF);
	CHECK_ERRNO(inotify_add_watch(p[0], ".", IN_OPEN), EINVAL);
	CHECK_ERRNO(inotify_add_watch(fd, ".", 0), EINVAL);
	CHECK_ERRNO(inotify_add_watch(fd, ".", 0x1000), EINVAL);
	CHECK_ERRNO(inotify_add_watch(fd, ".", IN_OPEN | IN_MASK_ADD | IN_MASK_CREATE), EINVAL);
	CHECK_ERRNO(inotify_add_watch(fd, "nothing", IN_OPEN), ENOENT);
	CHECK_ERRNO(inotify_add_watch(fd, bad_ptr(), IN_OPEN), EFAULT);
	touch("f");
	CHECK_ERRNO(inotify_add_watch(fd, "f", IN_OPEN | IN_ONLYDIR), ENOTDIR);
	CHECK_OK(chmod("f", 0));
	if (geteuid())
		CHECK_ERRNO(inotify_add_watch(fd, "f", IN_OPEN), EACCES);
	CHECK_ERRNO(inotify_rm_watch(fd, 7), EINVAL);
	CHECK_ERRNO(inotify_rm_watch(p[0], 1), EINVAL);
	CHECK_ERRNO(inotify_rm_watch(-1, 1), EBADF);
	CHECK_ERRNO(write(fd, "x", 1), EBADF);
	CHECK_OK(symlink("nothing", "dangling"));
	CHECK_ERRNO(inotify_add_watch(fd, "dangling", IN_OPEN), ENOENT);
	CHECK_OK(inotify_add_watch(fd, "dangling", IN_OPEN | IN_DONT_FOLLOW));
	unlink("f");
	unlink("dangling");
	close(fd);
	close(p[0]);
	close(p[1]);
}

TEST(reading)
{
	int fd = watch_here(IN_CREATE), n = 0;
	struct pollfd p = { fd, POLLIN, 0 };

	REQUIRE(fd >= 0);
	CHECK_EQ(poll(&p, 1, 0), 0);
	CHECK_ERRNO(read(fd, buf, sizeof(buf)), EAGAIN);
	touch("abc");
	touch("sixteen-and-more-letters");
	CHECK_EQ(poll(&p, 1, 0), 1);
	CHECK_EQ(p.revents, POLLIN);
	CHECK_OK(ioctl(fd, FIONREAD, &n));
	CHECK_EQ(n, 32 + 48);
	CHECK_ERRNO(read(fd, buf, 31), EINVAL);
	CHECK_EQ(read(fd, buf, 60), 32);
	CHECK_EQ(((struct inotify_event *)buf)->len, 16);
	CHECK_EQ(((struct inotify_event *)buf)->wd, 1);
	CHECK_EQ(read(fd, buf, 100), 48);
	CHECK_OK(ioctl(fd, FIONREAD, &n));
	CHECK_EQ(n, 0);
	unlink("abc");
	unlink("sixteen-and-more-letters");
	close(fd);
}

TEST(blocking_read)
{
	int fd = inotify_init();
	pid_t pid;

	REQUIRE(fd >= 0 && enter());
	CHECK_EQ(inotify_add_watch(fd, ".", IN_CREATE), 1);
	pid = abi_fork();
	if (pid == 0) {
		usleep(20000);
		touch("late");
		abi_exit();
	}
	CHECK_EQ(read(fd, buf, sizeof(buf)), 32);
	abi_reap_at(__FILE__, __LINE__, pid);
	unlink("late");
	close(fd);
}

static int limit(const char *name)
{
	char path[128], b[32] = "";
	int fd;

	snprintf(path, sizeof(path), "/proc/sys/fs/inotify/%s", name);
	fd = open(path, O_RDONLY);
	if (fd < 0 || read(fd, b, sizeof(b) - 1) <= 0)
		return -1;
	close(fd);
	return atoi(b);
}

TEST(overflow)
{
	int fd = watch_here(IN_CREATE | IN_DELETE), max = limit("max_queued_events"), n = 0,
	    over = 0;
	ssize_t r, off;

	REQUIRE(fd >= 0 && max > 0);
	if (max > 20000)
		SKIP("max_queued_events is %d", max);
	for (int i = 0; i < max / 2 + 10; i++) {
		touch("f");
		unlink("f");
	}
	while ((r = read(fd, buf, sizeof(buf))) > 0) {
		for (off = 0; off < r; off += 16 + ((struct inotify_event *)(buf + off))->len) {
			struct inotify_event *e = (void *)(buf + off);

			n++;
			if (e->mask & IN_Q_OVERFLOW) {
				over++;
				CHECK_EQ(e->wd, -1);
			}
		}
	}
	CHECK_EQ(over, 1);
	CHECK_EQ(n, max + 1);
	touch("f");
	CHECK_STR(events(fd), "create:f");
	unlink("f");
	close(fd);
}

TEST_FORK(too_many_instances)
{
	int max = limit("max_user_instances"), n;

	REQUIRE(max > 0);
	if (max > 1000)
		SKIP("max_user_instances is %d", max);
	for (n = 0; n <= max; n++)
		if (inotify_init() < 0)
			break;
	CHECK_EQ(errno, EMFILE);
	CHECK(n <= max);
}

TEST(fdinfo)
{
	int fd = watch_here(IN_CREATE), info;
	char path[64], b[512] = "", want[64];
	struct stat st;

	REQUIRE(fd >= 0);
	CHECK_OK(stat(".", &st));
	snprintf(path, sizeof(path), "/proc/self/fdinfo/%d", fd);
	info = open(path, O_RDONLY);
	CHECK(read(info, b, sizeof(b) - 1) > 0);
	snprintf(want, sizeof(want), "inotify wd:1 ino:%lx sdev:", st.st_ino);
	CHECK(strstr(b, want));
	CHECK(strstr(b, "mask:100 "));
	close(info);
	close(fd);
}

TEST(extended_attributes)
{
	int fd = watch_here(IN_ATTRIB);

	REQUIRE(fd >= 0);
	touch("x");
	if (setxattr("x", "user.a", "b", 1, 0)) {
		unlink("x");
		SKIP("no user attributes here");
	}
	CHECK_STR(events(fd), "attrib:x");
	CHECK_OK(removexattr("x", "user.a"));
	CHECK_STR(events(fd), "attrib:x");
	unlink("x");
	close(fd);
}
