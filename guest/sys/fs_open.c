/*
 * fs_open.c - open(2), openat2(2), close(2), dup(2) and their kin, memfd_create(2).
 */
#include <linux/close_range.h>
#include <linux/memfd.h>
#include <string.h>

#include "fs/anon/memfd.h"
#include "sys/fs_sys.h"

#ifndef MFD_NOEXEC_SEAL
#define MFD_NOEXEC_SEAL 8
#define MFD_EXEC	16
#endif

#define O_KNOWN                                                                            \
	(O_RDONLY | O_WRONLY | O_RDWR | O_CREAT | O_EXCL | O_NOCTTY | O_TRUNC | O_APPEND | \
	 O_NDELAY | O_NONBLOCK | __O_SYNC | O_DSYNC | FASYNC | O_DIRECT | O_LARGEFILE |    \
	 O_DIRECTORY | O_NOFOLLOW | O_NOATIME | O_CLOEXEC | O_PATH | __O_TMPFILE)

static unsigned lookup_of_resolve(u64 r)
{
	return (r & RESOLVE_NO_XDEV ? LOOKUP_NO_XDEV : 0) |
	       (r & RESOLVE_NO_MAGICLINKS ? LOOKUP_NO_MAGICLINKS : 0) |
	       (r & RESOLVE_NO_SYMLINKS ? LOOKUP_NO_SYMLINKS | LOOKUP_NO_MAGICLINKS : 0) |
	       (r & RESOLVE_BENEATH ? LOOKUP_BENEATH : 0) |
	       (r & RESOLVE_IN_ROOT ? LOOKUP_IN_ROOT : 0) |
	       (r & RESOLVE_CACHED ? LOOKUP_CACHED : 0);
}

static int check_how(const struct open_how *h)
{
	u64 known = O_KNOWN;

	if (h->flags & ~known || h->resolve & ~0x3fULL)
		return -EINVAL;
	if ((h->resolve & RESOLVE_BENEATH) && (h->resolve & RESOLVE_IN_ROOT))
		return -EINVAL;
	if (h->flags & (O_CREAT | __O_TMPFILE) ? h->mode & ~07777ULL : h->mode)
		return -EINVAL;
	if ((h->flags & O_PATH) &&
	    (h->flags & ~(u64)(O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC)))
		return -EINVAL;
	if ((h->resolve & RESOLVE_CACHED) && (h->flags & (O_TRUNC | O_CREAT | __O_TMPFILE)))
		return -EAGAIN;
	return 0;
}

static u64 large(u64 flags)
{
	return flags & O_PATH ? flags : flags | O_LARGEFILE;
}

struct open_how open_how_of(u32 flags, u32 mode)
{
	return (struct open_how){ .flags = large(flags & O_KNOWN), .mode = mode & 07777 };
}

int open_how_read(struct open_how *h, uaddr_t how, size_t size)
{
	int err;

	memset(h, 0, sizeof(*h));
	if (size < sizeof(*h))
		return -EINVAL;
	err = user_read_struct(h, sizeof(*h), how, size);
	if (!err)
		err = check_how(h);
	h->flags = large(h->flags);
	return err;
}

struct file *open_how(int dfd, const char *name, const struct open_how *h)
{
	struct file *f = vfs_open_resolve(dfd, name, (u32)h->flags, (u32)h->mode,
					  lookup_of_resolve(h->resolve));

	if (unlikely(f == ERR_PTR(-ENOENT)))
		unsupported_path(name);
	else if (unlikely(READ_ONCE(task_current()->process->unsupported)) && !IS_ERR(f))
		unsupported_got_on();
	return f;
}

static s64 do_open(int dfd, uaddr_t path, const struct open_how *h)
{
	int fd;
	USER_NAME(name, path);

	fd = fd_reserve(h->flags & O_CLOEXEC); /* before anything is made, emptied or waited for */
	if (fd >= 0)
		fd = fd_finish(fd, open_how(dfd, name, h));
	name_free(name);
	return fd;
}

s64 sys_openat(fd_a dfd, path_a path, oflags_a flags, mode_a mode)
{
	struct open_how h = open_how_of((u32)flags, mode);

	return do_open(dfd, path, &h);
}

s64 sys_open(path_a path, oflags_a flags, mode_a mode)
{
	return sys_openat(AT_FDCWD, path, flags, mode);
}

s64 sys_creat(path_a path, mode_a mode)
{
	return sys_openat(AT_FDCWD, path, O_CREAT | O_WRONLY | O_TRUNC, mode);
}

s64 sys_openat2(fd_a dfd, path_a path, uptr_a how, size_a size)
{
	struct open_how h;
	int err = open_how_read(&h, how, size);

	return err ? err : do_open(dfd, path, &h);
}

s64 sys_close(fd_a fd)
{
	return fd_close(fd);
}

s64 sys_close_range(uint_a first, uint_a last, flags_a flags)
{
	int err = 0;

	if (flags & ~(CLOSE_RANGE_UNSHARE | CLOSE_RANGE_CLOEXEC))
		return -EINVAL;
	if (first > last)
		return -EINVAL;
	if (flags & CLOSE_RANGE_UNSHARE)
		err = task_unshare_files();
	return err ? err : fd_close_range(first, last, flags);
}

s64 sys_dup(fd_a fd)
{
	struct file *f = fd_get_path(fd);
	int n;

	if (IS_ERR(f))
		return PTR_ERR(f);
	n = fd_install(f, 0, false);
	if (n < 0)
		file_put(f);
	return n;
}

s64 sys_dup3(fd_a old, fd_a new, oflags_a flags)
{
	struct file *f;
	int n;

	if (flags & ~O_CLOEXEC)
		return -EINVAL;
	if (old == new)
		return -EINVAL;
	f = fd_get_path(old);
	if (IS_ERR(f))
		return PTR_ERR(f);
	n = fd_install_at(f, new, flags & O_CLOEXEC);
	if (n < 0)
		file_put(f);
	return n;
}

s64 sys_dup2(fd_a old, fd_a new)
{
	struct file *f;

	if (old != new)
		return sys_dup3(old, new, 0);
	f = fd_get_path(old);
	if (IS_ERR(f))
		return PTR_ERR(f);
	file_put(f);
	return new;
}

s64 sys_memfd_create(uptr_a name, flags_a flags)
{
	char buf[250];
	long n;

	if (flags & ~(u32)(MFD_CLOEXEC | MFD_ALLOW_SEALING | MFD_NOEXEC_SEAL | MFD_EXEC))
		return -EINVAL;
	if ((flags & MFD_EXEC) && (flags & MFD_NOEXEC_SEAL))
		return -EINVAL;
	n = user_string(buf, name, sizeof(buf));
	if (n < 0)
		return n == -ENAMETOOLONG ? -EINVAL : n;
	return fd_install_new(memfd_create(buf, flags), flags & MFD_CLOEXEC);
}
