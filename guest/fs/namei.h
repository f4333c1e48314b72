/*
 * namei.h - the path walk in progress. Private to the VFS core.
 *
 *	walk_init(&w, dirfd, name, flags);
 *	do {
 *		err = walk_parent(&w);		up to the last component: w.path, w.last
 *		if (!err)
 *			err = walk_last(&w);	1: it was a symbolic link, now in progress: again
 *	} while (err == 1);
 *	... w.path is the result ...
 *	walk_end(&w);
 */
#ifndef MOAT_FS_NAMEI_H
#define MOAT_FS_NAMEI_H

#include "fs/mount/mount.h"

enum last_type { LAST_NORM, LAST_DOT, LAST_DOTDOT, LAST_ROOT };

struct walk_frame {
	const char *rest;   /* of the outer name, behind the link */
	struct inode *link; /* holds the inner name; or */
	char *page;	    /* the inner name */
};

struct walk {
	struct path_ref path; /* where we are; references held */
	struct path_ref root; /* the walk's "/" and its upper bound; references held */
	unsigned flags;	      /* LOOKUP_* */
	const char *name;     /* what is left */
	const char *last;
	unsigned last_len;
	enum last_type last_type;
	bool slash; /* the name ends in a slash: the object must be a directory */
	unsigned links, depth;
	struct walk_frame frame[LINK_FOLLOW_MAX];
};

int walk_init(struct walk *w, int dirfd, const char *name, unsigned flags);
int walk_parent(struct walk *w);
int walk_last(struct walk *w);
/* The child's dentry, perhaps negative, with a reference; mounts not crossed. The caller has locked the directory. */
struct dentry *walk_child_locked(struct dentry *parent, const char *name, unsigned len);
/* The same for a name that is to be made: it may be one that a dead lower layer can never show again. */
struct dentry *walk_child_new(struct dentry *parent, const char *name, unsigned len);
/* Continue inside the symbolic link d of the present directory. 0 or -errno. */
int walk_follow(struct walk *w, struct dentry *d);
void walk_end(struct walk *w);

/* Owner, umask and the setgid rule for something new in dir. */
void make_args_init(struct make_args *a, struct inode *dir, u32 mode);

/* Everything in the caches: *out with references, else -EAGAIN and nothing done (walk_fast.c). */
int walk_fast(int dirfd, const char *name, unsigned flags, struct path_ref *out);

#endif
