/*
 * handle.h - file handles: name_to_handle_at(2) and open_by_handle_at(2), the object side.
 *
 * A handle holds the inode's number and birth time, and leads to the inode while that is in memory: for tmpfs and the memory
 * layer of an overlay as long as the file exists, for files of the host as long as they are cached. After that -ESTALE.
 * Differs from Linux in that, and in that an overlay has handles.
 */
#ifndef MOAT_FS_HANDLE_H
#define MOAT_FS_HANDLE_H

#include "fs/vfs.h"

#define HANDLE_MAX 128u /* MAX_HANDLE_SZ */

struct file_handle {
	u32 bytes;
	s32 type;
	u32 data[HANDLE_MAX / 4];
};

/*
 * The handle of what p names; h->bytes: room on entry, length on return. fid: only to be compared, so that every file system has
 * one. -EOVERFLOW (h->bytes is what it needs), -EOPNOTSUPP, -ENOMEM.
 */
int handle_of_path(const struct path_ref *p, struct file_handle *h, bool fid);
/* Where h leads in the file system of mnt, with references; -ESTALE. */
int handle_to_path(struct mount *mnt, const struct file_handle *h, struct path_ref *out);
/* inode.c: i is about to be freed. */
void handle_forget(struct inode *i);

#endif
