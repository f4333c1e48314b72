/*
 * overlay_dir.c - see overlay_dir.h. The directory holds a file that says what it is, `upper` and `work` (guest/fs/overlay/stack.h).
 *
 * What lies below upper came from a sandbox: nothing there is followed, and names are only handed back to the kernel. The
 * lock is flock(2)'s, so it goes with the launcher, however that ends.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "host/error.h"
#include "host/overlay_dir.h"

#define MARK "moat-overlay"
static const char mark_text[] = "moat overlay 1\n";

/* Call one(dirfd, name, arg) for each name until it fails. 0, or -1 with errno. */
static int each_name(int dirfd, int (*one)(int dirfd, const char *name, void *arg), void *arg)
{
	int fd = openat(dirfd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC), ret = 0;
	DIR *dir = fd < 0 ? NULL : fdopendir(fd);
	struct dirent *e;

	if (!dir) {
		if (fd >= 0)
			close(fd);
		return -1;
	}
	while (!ret && (e = readdir(dir)) != NULL)
		if (strcmp(e->d_name, ".") != 0 && strcmp(e->d_name, "..") != 0)
			ret = one(fd, e->d_name, arg);
	closedir(dir);
	return ret;
}

/* The same inside of a directory; what is none is left alone. */
static int each_below(int dirfd, const char *name,
		      int (*one)(int dirfd, const char *name, void *arg), void *arg)
{
	int fd = openat(dirfd, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC), ret;

	if (fd < 0)
		return -1;
	ret = each_name(fd, one, arg);
	close(fd);
	return ret;
}

/* What a sandbox that was killed left in work: files, and directories that hold whiteouts. */
static int remove_one(int dirfd, const char *name, void *arg)
{
	if (unlinkat(dirfd, name, 0) == 0)
		return 0;
	if (errno != EISDIR && errno != EPERM)
		return -1;
	if (each_below(dirfd, name, remove_one, arg) < 0)
		return -1;
	return unlinkat(dirfd, name, AT_REMOVEDIR);
}

static int count_one(int dirfd, const char *name, void *arg)
{
	uint64_t *used = arg;
	struct stat st;

	if (fstatat(dirfd, name, &st, AT_SYMLINK_NOFOLLOW) < 0)
		return -1;
	if (S_ISREG(st.st_mode)) /* each of its names has its part */
		*used += (((uint64_t)st.st_size + 4095) / 4096 + 1) * 4096 / st.st_nlink;
	else if (!S_ISCHR(st.st_mode))
		*used += 4096;
	return S_ISDIR(st.st_mode) ? each_below(dirfd, name, count_one, arg) : 0;
}

static int found_one(int dirfd, const char *name, void *arg)
{
	(void)dirfd;
	(void)name;
	*(bool *)arg = true;
	return 0;
}

/* Is it ours, or empty and becomes it? */
static int check_mark(int dir, struct error *err)
{
	char text[sizeof(mark_text)] = "";
	bool any = false;
	int fd = openat(dir, MARK, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
	ssize_t n;

	if (fd >= 0) {
		n = read(fd, text, sizeof(text));
		close(fd);
		if (n != sizeof(mark_text) - 1 || memcmp(text, mark_text, sizeof(mark_text) - 1))
			return error_set(err, EINVAL, "made by another version of moat");
		return 0;
	}
	if (errno != ENOENT || each_name(dir, found_one, &any) < 0)
		return error_errno(err, "cannot read it");
	if (any)
		return error_set(
			err, ENOTEMPTY,
			"holds other files; give an empty directory, or one that was used for this before");
	fd = openat(dir, MARK, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0644);
	n = fd < 0 ? -1 : write(fd, mark_text, sizeof(mark_text) - 1);
	if (fd >= 0)
		close(fd);
	if (n == sizeof(mark_text) - 1)
		return 0;
	if (fd >= 0)
		unlinkat(dir, MARK, 0);
	return error_errno(err, "cannot make a file in it");
}

/* The layer's root looks as the root does. Owners are kept where we may give files away. */
static int make_upper(int dir, int root_fd)
{
	struct stat st;

	if (mkdirat(dir, "upper", 0700) < 0)
		return errno == EEXIST ? 0 : -1;
	if (fstat(root_fd, &st) < 0)
		return -1;
	if (fchownat(dir, "upper", st.st_uid, st.st_gid, AT_SYMLINK_NOFOLLOW) < 0 && errno != EPERM)
		return -1;
	return fchmodat(dir, "upper", st.st_mode & 07777, 0);
}

static int make_layer(int dir, int root_fd, struct error *err)
{
	int work;

	if (make_upper(dir, root_fd) < 0 || (mkdirat(dir, "work", 0700) < 0 && errno != EEXIST))
		return error_errno(err, "cannot make a directory in it");
	work = openat(dir, "work", O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (work < 0 || each_name(work, remove_one, NULL) < 0) {
		error_errno(err, "cannot clear its directory 'work'");
	} else if (mknodat(work, "w", S_IFCHR, 0) < 0 || unlinkat(work, "w", 0) < 0) {
		error_errno(err, "its file system keeps no whiteouts (character device 0:0)");
	} else {
		close(work);
		return 0;
	}
	if (work >= 0)
		close(work);
	return -1;
}

static int check(struct overlay_dir *d, int root_fd, bool count, struct error *err)
{
	if (faccessat(d->fd, ".", R_OK | W_OK | X_OK, AT_EACCESS) < 0)
		return error_errno(err, "cannot be written to");
	if (flock(d->fd, LOCK_EX | LOCK_NB) < 0) {
		if (errno == EWOULDBLOCK)
			return error_set(err, EBUSY, "in use by another sandbox");
		return error_errno(err, "cannot be locked");
	}
	if (check_mark(d->fd, err) < 0 || make_layer(d->fd, root_fd, err) < 0)
		return -1;
	if (count && each_below(d->fd, "upper", count_one, &d->used) < 0)
		return error_errno(err, "cannot look through it");
	return 0;
}

int overlay_dir_open(struct overlay_dir *d, const char *path, int root_fd, bool count,
		     struct error *err)
{
	d->used = 0;
	d->fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (d->fd < 0)
		return errno == ENOENT
			       ? error_set(err, ENOENT, "is not there; make an empty directory")
			       : error_errno(err, "cannot be opened");
	if (check(d, root_fd, count, err) == 0)
		return 0;
	close(d->fd);
	return -1;
}
