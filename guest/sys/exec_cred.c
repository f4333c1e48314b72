/*
 * exec_cred.c - who a program runs as: set-id bits and the capability rules of capabilities(7), "Transformation of
 * capabilities during execve()". File capabilities (security.capability) are not read: such a file has none.
 */
#include "fs/mount/mount.h"
#include "fs/vfs.h"
#include "lib/err.h"
#include "sys/exec.h"
#include "task/ptrace/ptrace.h"
#include "task/seccomp/seccomp.h"
#include "task/ns/userns.h"

#define S_ISUID_BIT   04000
#define S_ISGID_BIT   02010 /* set-gid means something only with group execute */
#define ALL_CAPS      0x1ffffffffffULL
#define SECBIT_NOROOT (1u << 0)

int exec_cred(struct exec *x)
{
	const struct cred *old = task_current()->cred;
	struct cred *c = cred_dup(old);
	u64 file_permitted = 0, file_effective = 0;
	struct inode *i = x->file->inode;
	u32 root = kuid_here(0); /* of the caller's user namespace */
	bool setid = false;

	if (!c)
		return -ENOMEM;
	if (i && x->file->path && !(x->file->path->mnt->flags & MNT_NOSUID) && !old->no_new_privs &&
	    !seccomp_no_new_privs(task_current()) && !ptrace_unsafe_exec()) {
		bool named = show_uid(i->uid) != OVERFLOW_ID && show_gid(i->gid) != OVERFLOW_ID;

		if (!old->user_ns)
			named = true;
		if (named && i->mode & S_ISUID_BIT) {
			c->euid = i->uid;
			setid = true;
		}
		if (named && (i->mode & S_ISGID_BIT) == S_ISGID_BIT) {
			c->egid = i->gid;
			setid = true;
		}
	}
	c->suid = c->fsuid = c->euid;
	c->sgid = c->fsgid = c->egid;
	if (!(old->securebits & SECBIT_NOROOT) && (c->euid == root || c->uid == root)) {
		file_permitted = ALL_CAPS;
		file_effective = c->euid == root;
	}
	if (setid && (c->euid != old->euid || c->egid != old->egid))
		c->cap_ambient = 0;
	c->cap_permitted = (c->cap_inheritable & (file_permitted ? ALL_CAPS : 0)) |
			   (file_permitted & c->cap_bounding) | c->cap_ambient;
	c->cap_effective = file_effective ? c->cap_permitted : c->cap_ambient;
	c->securebits &= ~(1u << 4); /* SECBIT_KEEP_CAPS */
	x->secure = c->euid != c->uid || c->egid != c->gid ||
		    (c->uid != root && c->cap_permitted & ~c->cap_ambient);
	x->cred = c;
	return 0;
}
