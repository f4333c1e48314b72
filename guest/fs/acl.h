/*
 * acl.h - POSIX access control lists (acl(5)) of file systems whose inode_ops have get_acl and set_acl.
 *
 * A list never changes once an inode has it, and is counted. An inode that has one is flagged INODE_ACL.
 */
#ifndef MOAT_FS_ACL_H
#define MOAT_FS_ACL_H

#include "fs/vfs.h"

struct acl;

void acl_get(struct acl *a);
void acl_put(struct acl *a); /* NULL: nothing */

/*
 * The value of system.posix_acl_access or _default, with ids as the current task's user namespace names them. *out NULL: the
 * value has no entries. -EINVAL, -EOPNOTSUPP, -ENOMEM.
 */
int acl_parse(const void *value, size_t size, struct acl **out);
/* The other way; size 0: only the length. -ERANGE. */
s64 acl_format(const struct acl *a, void *value, size_t size);

/* What setxattr(2) does with a list, or with NULL; i is locked. 0, -EACCES, -EPERM, -EOPNOTSUPP, -ENOMEM. */
int acl_set(struct inode *i, bool def, struct acl *a);
/* May the current task, which does not own i, by i's list? 0, -EACCES, -EAGAIN: it has none. */
int acl_permission(struct inode *i, int mask);
/* Does what is made in dir get its rights from dir's default list, rather than the umask? */
bool acl_inherits(struct inode *dir);
/* A new inode, which nobody sees yet, gets them. 0, -ENOMEM. */
int acl_inherit(struct inode *dir, struct inode *i);
/* chmod(2): i's list, if it has one, follows the mode; i is locked. 0, -ENOMEM. */
int acl_chmod(struct inode *i, u32 mode);

#endif
