/*
 * xattrs.h - extended attributes kept in memory with an inode. The inode's mutex guards them.
 */
#ifndef MOAT_FS_XATTRS_H
#define MOAT_FS_XATTRS_H

#include "fs/vfs.h"

struct xattr_node;
struct xattrs {
	struct xattr_node *first;
};

/* size 0: only the length. -ENODATA, -ERANGE. */
s64 xattrs_get(const struct xattrs *x, const char *name, void *buf, size_t size);
/* value NULL: remove. flags XATTR_CREATE, XATTR_REPLACE. -EEXIST, -ENODATA, -ENOMEM. */
int xattrs_set(struct xattrs *x, const char *name, const void *value, size_t n, int flags);
s64 xattrs_list(const struct xattrs *x, char *buf, size_t size);
void xattrs_free(struct xattrs *x);

#endif
