/*
 * fs_handle.c - name_to_handle_at(2), open_by_handle_at(2).
 */
#include <linux/capability.h>

#include "fs/handle.h"
#include "fs/mount/mount.h"
#include "sys/fs_sys.h"

#define AT_HANDLE_FID		0x200u
#define AT_HANDLE_MNT_ID_UNIQUE 1u
#define HEADER			8u /* struct file_handle without its data */

static s64 give_handle(const struct path_ref *p, uaddr_t to, uaddr_t mnt_id, u32 flags)
{
	struct file_handle h = { 0 };
	u64 id = p->mnt->id;
	u32 len = HEADER;
	int err, no_room = 0;

	if (!p->mnt->sb->fs->handles && !(flags & AT_HANDLE_FID))
		return -EOPNOTSUPP;
	if (user_read(&h, to, HEADER))
		return -EFAULT;
	if (h.bytes > HANDLE_MAX)
		return -EINVAL;
	err = handle_of_path(p, &h, flags & AT_HANDLE_FID);
	if (err == -EOVERFLOW)
		no_room = err;
	else if (err)
		return err;
	else
		len += h.bytes;
	/* Little-endian: an int is the low half. */
	if (flags & AT_HANDLE_MNT_ID_UNIQUE)
		id += MOUNT_UNIQUE_BASE;
	if (user_write(mnt_id, &id, flags & AT_HANDLE_MNT_ID_UNIQUE ? sizeof(u64) : sizeof(u32)) ||
	    user_write(to, &h, len))
		return -EFAULT;
	return no_room;
}

s64 sys_name_to_handle_at(fd_a dfd, path_a path, uptr_a handle, uptr_a mnt_id, flags_a flags)
{
	struct path_ref p;
	s64 err;

	if (flags & ~(AT_SYMLINK_FOLLOW | AT_EMPTY_PATH | AT_HANDLE_FID | AT_HANDLE_MNT_ID_UNIQUE))
		return -EINVAL;
	err = path_lookup_user(dfd, path,
			       (flags & AT_SYMLINK_FOLLOW ? LOOKUP_FOLLOW : 0) |
				       (flags & AT_EMPTY_PATH ? LOOKUP_EMPTY : 0),
			       &p);
	if (err)
		return err;
	err = give_handle(&p, handle, mnt_id, flags);
	path_put(&p);
	return err;
}

/* Any place of the file system that is meant. */
static int place_of_fd(int fd, struct path_ref *out)
{
	struct file *f;

	if (fd == AT_FDCWD) {
		fs_context_cwd(out);
		return 0;
	}
	f = fd_get_path(fd);
	if (IS_ERR(f))
		return (int)PTR_ERR(f);
	*out = (struct path_ref){ 0 };
	if (f->path) {
		*out = *f->path;
		path_get(out);
	}
	file_put(f);
	return out->mnt ? 0 : -ESTALE;
}

static s64 open_handle(struct mount *mnt, uaddr_t from, u32 flags)
{
	struct file_handle h = { 0 };
	struct path_ref p;
	struct file *f;
	int err;

	if (user_read(&h, from, HEADER))
		return -EFAULT;
	if (!h.bytes || h.bytes > HANDLE_MAX)
		return -EINVAL;
	if (user_read(h.data, from + HEADER, h.bytes))
		return -EFAULT;
	err = handle_to_path(mnt, &h, &p);
	if (err)
		return err;
	f = vfs_open_path(&p, flags & ~(u32)(O_CREAT | O_EXCL));
	path_put(&p);
	return IS_ERR(f) ? PTR_ERR(f) : fd_install_new(f, flags & O_CLOEXEC);
}

s64 sys_open_by_handle_at(fd_a mount_fd, uptr_a handle, oflags_a flags)
{
	struct path_ref place;
	s64 ret = place_of_fd(mount_fd, &place);

	if (ret)
		return ret;
	ret = capable(CAP_DAC_READ_SEARCH) ? open_handle(place.mnt, handle, (u32)flags) : -EPERM;
	path_put(&place);
	return ret;
}
