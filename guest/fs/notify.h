/*
 * notify.h - telling watchers what happens to files: the hooks of the VFS, and what inotify(7) builds on them.
 *
 * While nothing in the sandbox is watched a hook costs one load and one branch. Events of a name go to the watches of
 * its directory, with the name, and to those of the object itself. Changes that a host makes below a shared 9P root are
 * not seen: only what the sandbox does itself.
 */
#ifndef MOAT_FS_NOTIFY_H
#define MOAT_FS_NOTIFY_H

#include "fs/dentry.h"

#define IN_ACCESS	 0x1u
#define IN_MODIFY	 0x2u
#define IN_ATTRIB	 0x4u
#define IN_CLOSE_WRITE	 0x8u
#define IN_CLOSE_NOWRITE 0x10u
#define IN_OPEN		 0x20u
#define IN_MOVED_FROM	 0x40u
#define IN_MOVED_TO	 0x80u
#define IN_CREATE	 0x100u
#define IN_DELETE	 0x200u
#define IN_DELETE_SELF	 0x400u
#define IN_MOVE_SELF	 0x800u
#define IN_ALL_EVENTS	 0xfffu
#define IN_UNMOUNT	 0x2000u
#define IN_Q_OVERFLOW	 0x4000u
#define IN_IGNORED	 0x8000u
#define IN_ONLYDIR	 0x01000000u
#define IN_DONT_FOLLOW	 0x02000000u
#define IN_EXCL_UNLINK	 0x04000000u
#define IN_MASK_CREATE	 0x10000000u
#define IN_MASK_ADD	 0x20000000u
#define IN_ISDIR	 0x40000000u
#define IN_ONESHOT	 0x80000000u

/* ---- hooks ---- */

extern u32 notify_watches; /* in the sandbox */

static inline bool notify_on(void)
{
	return unlikely(READ_ONCE(notify_watches) != 0);
}

void notify_dentry_slow(struct dentry *d, u32 mask);
/* Something happened to the object that d names. */
static inline void notify_dentry(struct dentry *d, u32 mask)
{
	if (notify_on())
		notify_dentry_slow(d, mask);
}

static inline void notify_file(struct file *f, u32 mask)
{
	if (notify_on() && f->path && !(f->mode & FMODE_PATH))
		notify_dentry_slow(f->path->dentry, mask);
}

/* Only to the directory's watches: a name of it came or went. i: what it named. */
void notify_name_slow(struct inode *dir, const char *name, unsigned len, u32 mask, u32 cookie,
		      const struct inode *i);
static inline void notify_name(struct inode *dir, const char *name, unsigned len, u32 mask,
			       const struct inode *i)
{
	if (notify_on())
		notify_name_slow(dir, name, len, mask, 0, i);
}

/* Only to the object's own watches. */
void notify_inode_slow(struct inode *i, u32 mask);
static inline void notify_inode(struct inode *i, u32 mask)
{
	if (notify_on())
		notify_inode_slow(i, mask);
}

u32 notify_cookie(void); /* a new one, for the two halves of a rename */
/* The last name of an object whose link count is 0 is gone. */
void notify_gone(struct inode *i);
/* The file system goes away. */
void notify_unmount(struct super_block *sb);

/* ---- inotify.c, inotify_file.c ---- */

struct file *inotify_create(u32 flags); /* O_NONBLOCK; ERR_PTR(-EMFILE, -ENOMEM) */
bool inotify_is(const struct file *f);
int inotify_add(struct file *f, struct inode *i, u32 mask); /* wd, -EEXIST, -ENOSPC, -ENOMEM */
int inotify_remove(struct file *f, int wd);		    /* -EINVAL */

/* Limits of /proc/sys/fs/inotify */
extern u32 inotify_max_events, inotify_max_instances, inotify_max_watches;

struct inotify_watch;
/* Give all watches of i the event; name NULL: about i itself. unlinked: the name is gone already. */
void inotify_send(struct inode *i, u32 mask, u32 cookie, const char *name, unsigned len,
		  bool unlinked);
/* The same, and the watches end: for i, or for all objects of sb. */
void inotify_end(struct inode *i, u32 mask);
void inotify_end_all(struct super_block *sb, u32 mask);

#endif
