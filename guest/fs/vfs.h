/*
 * vfs.h - the virtual file system: inodes, dentries, mounts, file systems, and path lookup.
 *
 * A file system gives inodes with ops. Dentries are a pure cache (name -> inode, negative ones too) that the VFS owns:
 * a file system never sees one, so it can be stacked (overlay/memory.c, stack.c) without a second dentry tree. Open files are
 * file.h, generated text is seq.h, file systems made of it pseudo.h, and a container's tree boot.h.
 *
 * Locks, outermost first (docs/locks.md): vfs_mounts_mutex (the trees of mounts), vfs_rename_lock (renames between
 * directories), inode->mutex (directory: its entries; regular file: size and writes; held around user copies, so the fault
 * path and file_ops.mmap never take it), dcache_lock (a spinlock). "dir locked" below means that the VFS holds dir->mutex.
 */
#ifndef MOAT_FS_VFS_H
#define MOAT_FS_VFS_H

#include "fs/abi.h"
#include "fs/file.h"
#include "fs/fs_time.h"
#include "lib/atomic.h"
#include "lib/err.h"
#include "lib/list.h"
#include "lib/spinlock.h"
#include "lib/types.h"
#include "task/wait.h"

struct acl;
struct cred;
struct dentry;
struct file_locks;
struct inode;
struct mount;
struct mount_ns;
struct super_block;
struct task;

/* What stat, statx and the file systems exchange. */
struct stat_info {
	u64 ino, size, blocks; /* blocks of 512 bytes */
	u32 dev, rdev;	       /* DEV(major, minor) */
	u32 mode, nlink, uid, gid, blksize;
	bool has_btime;
	u64 attributes, attributes_mask; /* STATX_ATTR_* */
	u64 mnt_id;
	struct fs_time atime, mtime, ctime, btime;
};

/* Device numbers as the kernel keeps them: 12 bits of major, 20 of minor. */
#define DEV(major, minor) (((u32)(major) << 20) | ((u32)(minor)&0xfffff))
#define DEV_MAJOR(d)	  ((u32)(d) >> 20)
#define DEV_MINOR(d)	  ((u32)(d)&0xfffff)
u64 dev_encode(u32 dev); /* as struct stat and mknod(2) have it */
u32 dev_decode(u64 enc);

struct setattr {
	u32 valid; /* ATTR_* */
	u32 mode, uid, gid;
	u64 size;
	struct fs_time atime, mtime, ctime;
};
#define ATTR_MODE      1
#define ATTR_UID       2
#define ATTR_GID       4
#define ATTR_SIZE      8
#define ATTR_ATIME     0x10
#define ATTR_MTIME     0x20
#define ATTR_CTIME     0x40
#define ATTR_ATIME_NOW 0x80 /* atime holds now; the caller did not name it */
#define ATTR_MTIME_NOW 0x100

/* What make() makes: everything but an open file. Modes have umask and setgid rules applied by the VFS. */
struct make_args {
	u32 mode; /* with the type */
	u32 uid, gid;
	u32 rdev;
	const char *target; /* S_IFLNK */
};

/*
 * Inode operations. NULL means what the comment says. Names are not terminated by NUL at len, are 1..255 bytes, never
 * "." or "..". Returned inodes carry a reference.
 */
struct inode_ops {
	/* -- directories; dir locked -- */
	struct inode *(*lookup)(struct inode *dir, const char *name,
				unsigned len); /* ERR_PTR(-ENOENT) */
	/* The same for a name that is opened next, perhaps, for `want`: MAY_READ, MAY_WRITE. NULL: lookup. */
	struct inode *(*lookup_open)(struct inode *dir, const char *name, unsigned len,
				     unsigned want);
	struct inode *(*make)(struct inode *dir, const char *name, unsigned len,
			      const struct make_args *a); /* NULL: -EPERM */
	struct inode *(*tmpfile)(struct inode *dir,
				 const struct make_args *a); /* NULL: -EOPNOTSUPP */
	int (*link)(struct inode *dir, const char *name, unsigned len,
		    struct inode *target); /* -EPERM */
	int (*unlink)(struct inode *dir, const char *name, unsigned len, struct inode *victim);
	int (*rmdir)(struct inode *dir, const char *name, unsigned len, struct inode *victim);
	/* Both directories locked. flags: RENAME_NOREPLACE (checked already), RENAME_EXCHANGE, RENAME_WHITEOUT. */
	int (*rename)(struct inode *odir, const char *oname, unsigned olen, struct inode *src,
		      struct inode *ndir, const char *nname, unsigned nlen, struct inode *victim,
		      unsigned flags);
	/* Is a cached name still right? Called without locks at each use; false drops it. NULL: always right. */
	bool (*revalidate)(struct inode *dir, const char *name, unsigned len, struct inode *i);

	/* -- symbolic links -- */
	/* Copy the target to buf (size bytes), with a NUL; its length or -errno. inode->link set: not called. */
	int (*readlink)(struct inode *i, char *buf, size_t size);
	/* Magic links of /proc: where the walk jumps to. Fills *out with references. */
	int (*get_link_path)(struct inode *i, struct path_ref *out);

	/* -- attributes -- */
	int (*getattr)(struct inode *i, struct stat_info *st); /* NULL: inode_getattr */
	int (*setattr)(struct inode *i,
		       const struct setattr *a); /* i locked; rights were checked. NULL: -EPERM */
	int (*permission)(struct inode *i, int mask); /* MAY_*; NULL: inode_permission_generic */
	/* size 0: only the length. -ENODATA, -ERANGE. Values of a name with its prefix ("user.x"). NULL: -EOPNOTSUPP */
	s64 (*getxattr)(struct inode *i, const char *name, void *buf, size_t size);
	int (*setxattr)(struct inode *i, const char *name, const void *v, size_t n,
			int flags);				   /* v NULL: remove */
	s64 (*listxattr)(struct inode *i, char *buf, size_t size); /* names with their NULs */
	int (*update_atime)(struct inode *i);			   /* NULL: in memory only */
	/* acl.h, access list or default one: with a reference, or NULL. Any context. */
	struct acl *(*get_acl)(struct inode *i, bool def);
	/* a NULL: none. The mode that goes with it. i locked. NULL: there are no such lists. 0, -ENOMEM. */
	int (*set_acl)(struct inode *i, bool def, struct acl *a, u32 mode);

	/* -- use -- */
	/* Prepare f (f->inode, f->path, f->flags set; f->ops is ops->fops and may be replaced). NULL: nothing to do. */
	int (*open)(struct inode *i, struct file *f);
	/* Regular files whose pc is NULL until it is needed: make it. i is not locked; open does it. NULL: it is there. */
	int (*need_pc)(struct inode *i);
	/*
	 * pagefile_write, inode locked. write_begin: room for *n bytes at pos (may reduce it). write_part: of a write of
	 * [start, end) all up to `at` is in the page cache; returns where to be called next, a page's start, or end;
	 * first with at = start; may be NULL. write_end: n bytes are in the page cache; how many of them are where they
	 * belong, or -errno; those behind, and the page cache's size, it has taken back.
	 */
	int (*write_begin)(struct inode *i, u64 pos, u64 *n);
	u64 (*write_part)(struct inode *i, u64 start, u64 at, u64 end);
	s64 (*write_end)(struct inode *i, u64 pos, u64 n);
	int (*get_seals)(struct inode *i); /* F_GET_SEALS; NULL: -EINVAL */
	int (*add_seals)(struct inode *i, unsigned seals);
	int (*get_flags)(struct inode *i, u32 *flags); /* FS_IOC_GETFLAGS; NULL: -ENOTTY */
	int (*set_flags)(struct inode *i, u32 flags);
	/* The last reference is gone: free what hangs on it; the VFS frees the inode (or calls free_inode). */
	void (*evict)(struct inode *i);
	const struct file_ops *fops; /* of its open files */
};

/* inode->flags: set before others see the inode, or with the directory locked that it is in */
#define INODE_NOATIME	 1 /* never update atime */
#define INODE_NOCACHE	 2 /* names that lead here are not cached as dentries once unused */
#define INODE_DEAD	 4 /* removed directory: nothing may be made in it */
#define INODE_IMMUTABLE	 8
#define INODE_APPEND	 16
#define INODE_ACL	 32  /* the mode is not all: get_acl. Changed with the inode locked */
#define INODE_ANON	 64  /* pipes, sockets, eventfds: no path */
#define INODE_UNLINKABLE 128 /* O_TMPFILE | O_EXCL: link(2) may not give it a name */

/* inode->marks: inode_mark, inode_unmark */
#define INODE_COMPLETE 1 /* directories: each name in it has a dentry. Cleared under dcache_lock */
#define INODE_HANDLES  2 /* handle.c knows it */
#define INODE_LOCKS    4 /* flock, POSIX, OFD: lock.c has a list of them */
#define INODE_WATCHED  8 /* inotify.c has watches of it */
#define INODE_FS_MARKS 0x10 /* from here on the file system's own */

/*
 * A cached name keeps one of these, so it has only what most need: who watches, locks or asked for a handle is in tables
 * of those who serve that. Times are packed: fs_time_pack.
 */
struct inode {
	struct ref ref;
	u16 mode;
	u8 flags, marks;
	u32 uid, gid;
	u32 nlink;
	s32 writecount;	      /* > 0 open for writing; < 0 being executed. atomic */
	struct spinlock lock; /* attributes */
	struct mutex mutex;   /* a directory's entries; a regular file's size and writes */
	u64 ino;
	u64 size; /* regular files with a page cache: equal to pc->size, under mutex */
	union {
		u64 blocks;
		u32 rdev; /* devices: inode_rdev */
	};
	union {
		u64 atime;
		struct inode *evict_next; /* once no reference is left: inode_put */
	};
	u64 mtime, ctime, btime; /* packed, as atime; under lock */
	const struct inode_ops *ops;
	struct super_block *sb;
	union {			      /* by type */
		struct pagecache *pc; /* regular files; owned by the file system. See inode_pc */
		/* Symbolic links: the target if it is at hand; lets the walk follow it without a call. */
		const char *link;
		/* directories: the one dentry, borrowed; under dcache_lock */
		struct dentry *dir_dentry;
		/* FIFO: its pipe; socket: its endpoint. Whoever sets it keeps its lifetime. */
		void *special;
	};
	struct inode *table_next; /* struct itable: a file system's inodes by number */
	void *priv;		  /* the file system's */
};

static inline void inode_mark(struct inode *i, u8 mark)
{
	atomic_or(&i->marks, mark);
}
static inline void inode_unmark(struct inode *i, u8 mark)
{
	atomic_and(&i->marks, (u8)~mark);
}
static inline bool inode_marked(const struct inode *i, u8 mark)
{
	return READ_ONCE(i->marks) & mark;
}

static inline bool inode_is_device(const struct inode *i)
{
	return S_ISCHR(i->mode) || S_ISBLK(i->mode);
}
static inline u32 inode_rdev(const struct inode *i)
{
	return inode_is_device(i) ? i->rdev : 0;
}

/* The page cache of a regular file, or NULL, whatever i is; also NULL before the file is opened. */
static inline struct pagecache *inode_pc(const struct inode *i)
{
	return S_ISREG(i->mode) ? i->pc : NULL;
}
/* See that i has it, if it is a regular file. 0 or -ENOMEM. */
static inline int inode_need_pc(struct inode *i)
{
	return S_ISREG(i->mode) && i->ops->need_pc ? i->ops->need_pc(i) : 0;
}

/* ---- inode.c ---- */
/* Zeroed, one reference, nlink 1, times now, ino from the super block's counter. NULL: out of memory. */
struct inode *inode_alloc(struct super_block *sb, u32 mode);
/* The same for a struct of the file system that starts with struct inode. */
struct inode *inode_alloc_size(struct super_block *sb, u32 mode, size_t size);
void inode_get(struct inode *i);
void inode_put(struct inode *i);
void inode_getattr(struct inode *i, struct stat_info *st);
/* What a file system without a store of its own does at setattr (not the page cache's truncation). */
void inode_setattr(struct inode *i, const struct setattr *a);
void inode_touch(struct inode *i, unsigned attr); /* ATTR_ATIME | ATTR_MTIME | ATTR_CTIME := now */
/* Of memory-only inodes without a super block's mount: pipes, sockets, eventfds. NULL: out of memory. */
struct inode *inode_anon(u32 mode);

/* ---- permission.c ---- */
#define MAY_EXEC  1
#define MAY_WRITE 2
#define MAY_READ  4
/* With the current task's fsuid, fsgid, groups and capabilities. 0, -EACCES, -EROFS (not checked here), -EPERM. */
int inode_permission(struct inode *i, int mask);
int inode_permission_generic(struct inode *i, int mask);
/* The same with the rights of somebody else: who opened a file. */
int inode_permission_cred(const struct cred *c, struct inode *i, int mask);
bool cred_in_group(const struct cred *c, u32 gid);
bool inode_owner_or_capable(const struct inode *i);
/* May the caller remove or replace victim in dir (sticky bit)? 0, -EPERM, -EACCES ... */
int may_delete(struct inode *dir, struct inode *victim, bool isdir);
int may_create(struct inode *dir);
bool capable_wrt(const struct inode *i, int cap);

/* ---- super blocks and file systems ---- */

struct super_ops {
	int (*statfs)(struct super_block *sb,
		      struct statfs_info *st); /* NULL: zeros and the magic */
	int (*sync)(struct super_block *sb);
	/* inodes that are part of a larger struct; NULL: kfree */
	void (*free_inode)(struct inode *i);
	void (*shutdown)(struct super_block *sb); /* last mount gone; all dentries were dropped */
	void (*show_options)(struct super_block *sb,
			     struct seq *s); /* ",size=1k" for /proc/mounts */
	int (*remount)(struct super_block *sb, u32 flags, const char *data);
	bool (*dead)(struct super_block *sb); /* its server is gone for good; NULL: never */
	void (*free)(struct super_block *sb); /* nothing refers to it any more: what priv is */
	/* A layer of ours over one that is dead: names that cannot be looked up any more may be made anew. */
	bool (*lower_dead)(struct super_block *sb);
};

struct super_block {
	struct ref ref;
	const struct file_system *fs;
	const struct super_ops *ops;
	u32 magic, dev;
	u32 flags; /* SB_RDONLY ... = MS_* */
	u32 blksize;
	u64 max_bytes;
	u64 next_ino;
	struct inode *root; /* its reference passes to root_dentry at the first mount */
	struct dentry *root_dentry;
	u32 mounts;  /* struct mount that show it */
	u32 writers; /* files open for writing; atomic */
	bool kept; /* made once and shown by all mounts of its kind: stays when the last of them goes */
	/* of its maker's mount namespace, with a reference; NULL: the first one */
	struct user_ns *owner;
	void *priv;
};

struct mount_args {
	u32 flags;	    /* MS_* */
	const char *source; /* may be NULL */
	const char *data;   /* option string or NULL */
	void *boot;	    /* file system's own parameters, at boot */
};

#define HANDLES_NUMBER 1
#define HANDLES_KERNFS 2 /* as Linux's kernfs: the number is all */

/* Adding a file system: one of these, and its row in filesystems.c. */
struct file_system {
	const char *name;
	bool nodev;	   /* /proc/filesystems says so */
	bool user_mount;   /* mount(2) may use it */
	u8 handles;	   /* HANDLES_*: inodes can be found again by their numbers (handle.h) */
	bool userns_mount; /* also whoever administers a mount namespace without being root of all */
	/* Make or find the super block. Returns it with a reference and sb->root set, or ERR_PTR. */
	struct super_block *(*mount)(const struct file_system *fs, const struct mount_args *a);
	/* What of it the current task's mounts show, with a reference, or ERR_PTR. NULL: all, sb->root_dentry. */
	struct dentry *(*subtree)(struct super_block *sb);
};
/* One reference, a device number of its own (major 0), flags from args. NULL: out of memory. */
struct super_block *super_alloc(const struct file_system *fs, const struct super_ops *ops,
				u32 magic, u32 flags);
void super_get(struct super_block *sb);
void super_put(struct super_block *sb);
const struct file_system *fs_find(const char *name);
void fs_register(const struct file_system *fs); /* at boot, before the first mount */
void fs_show_filesystems(struct seq *s);	/* /proc/filesystems */

/* ---- paths ---- */

struct path_ref {
	struct mount *mnt;
	struct dentry *dentry;
};
void path_get(const struct path_ref *p);
void path_put(struct path_ref *p);		    /* and clears it; harmless on an empty one */
struct inode *path_inode(const struct path_ref *p); /* borrowed */
/*
 * The path as the current task sees it, at the end of buf; "/x (deleted)". Points into buf or ERR_PTR(-ENAMETOOLONG).
 * "(unreachable)/x" when it is not below the task's root and `reach` is false; else ERR_PTR(-ENOENT).
 */
char *path_name(const struct path_ref *p, char *buf, size_t size);
char *path_name_from(const struct path_ref *p, const struct path_ref *root, char *buf, size_t size,
		     bool *reachable);
/* As /proc/PID/fd shows it: path_name, or "pipe:[123]", "anon_inode:[eventfd]". */
char *file_name(struct file *f, char *buf, size_t size);

#define LOOKUP_FOLLOW	     1	  /* a symbolic link in the last place is followed */
#define LOOKUP_DIRECTORY     2	  /* -ENOTDIR if it is none */
#define LOOKUP_EMPTY	     4	  /* AT_EMPTY_PATH: "" is dirfd itself */
#define LOOKUP_NO_SYMLINKS   0x10 /* openat2's RESOLVE_* */
#define LOOKUP_NO_MAGICLINKS 0x20
#define LOOKUP_NO_XDEV	     0x40
#define LOOKUP_BENEATH	     0x80
#define LOOKUP_IN_ROOT	     0x100
#define LOOKUP_CACHED	     0x200
#define LOOKUP_OPEN_READ     0x400 /* what is found will be opened */
#define LOOKUP_OPEN_WRITE    0x800

/* Walk name from dirfd (AT_FDCWD: the working directory). References in *out on success. */
int path_lookup(int dirfd, const char *name, unsigned flags, struct path_ref *out);
/* The same from a given start, for the Sentry's own use (boot, file systems). */
int path_lookup_from(const struct path_ref *start, const char *name, unsigned flags,
		     struct path_ref *out);
/* With the name in user memory: -EFAULT, -ENAMETOOLONG. */
int path_lookup_user(int dirfd, uaddr_t name, unsigned flags, struct path_ref *out);
/* A page with the string, from user memory; ERR_PTR. empty_ok: else "" is -ENOENT. Free by name_free. */
char *name_from_user(uaddr_t name, bool empty_ok);
void name_free(char *name);

/* ---- fs_context: root, cwd, umask (CLONE_FS shares it) ---- */

struct fs_context {
	struct ref ref;
	struct spinlock lock;
	u32 umask;
	struct path_ref root, cwd;
	struct mount_ns *ns; /* a reference; mount/ns.c */
};
struct fs_context *fs_context_clone(struct fs_context *c); /* ERR_PTR; NULL: an empty one */
struct user_ns;
struct ns_common;
/* CLONE_NEWNS: into a copy of its mount namespace, for owner to administer; c is not shared. 0, -ENOMEM. */
int fs_context_new_ns(struct fs_context *c, struct user_ns *owner);
struct ns_common *fs_context_ns(struct fs_context *c); /* borrowed; NULL: it has none */
/* setns(2): a copy of c whose root and working directory are n's root. ERR_PTR(-EINVAL): c is shared; -ENOMEM. */
struct fs_context *fs_context_enter_ns(struct fs_context *c, struct ns_common *n);
void mount_ns_init(void); /* at boot, after task_init */
void fs_context_get(struct fs_context *c);
void fs_context_put(struct fs_context *c);
void fs_context_root(struct path_ref *out); /* the current task's, with references */
void fs_context_cwd(struct path_ref *out);
void fs_context_set_root(struct fs_context *c,
			 const struct path_ref *p); /* take references of their own */
void fs_context_set_cwd(struct fs_context *c, const struct path_ref *p);

/* ---- opening ---- */

/* open(2) with a kernel path: the file with one reference or ERR_PTR. mode has no umask applied yet. */
struct file *vfs_open(int dirfd, const char *name, u32 flags, u32 mode);
/* With openat2's resolve bits as LOOKUP_*. */
struct file *vfs_open_resolve(int dirfd, const char *name, u32 flags, u32 mode, unsigned lookup);
/* Open what a path_ref names (rights are checked). */
struct file *vfs_open_path(const struct path_ref *p, u32 flags);
/*
 * For execve(2): regular, executable by the caller, not on a noexec mount; while the file lives, opening it for writing
 * is -ETXTBSY (and executing what is open for writing is, too). at_flags: AT_EMPTY_PATH, AT_SYMLINK_NOFOLLOW.
 */
struct file *vfs_open_exec(int dirfd, const char *name, int at_flags);

/* Who opens FIFOs, devices and sockets in file systems; boot registers them. They set f->ops and f->priv. NULL: -ENXIO. */
struct special_open {
	int (*fifo)(struct inode *i, struct file *f);
	int (*chr)(struct inode *i, struct file *f);
	int (*blk)(struct inode *i, struct file *f);
};
void vfs_set_special(const struct special_open *s);

/* Object layer of the system calls, kernel pointers only. */
int vfs_stat(const struct path_ref *p, struct stat_info *st);
int vfs_stat_file(struct file *f, struct stat_info *st);
int vfs_setattr(const struct path_ref *p,
		struct setattr *a); /* write access to the mount, rights, then the op */
int inode_set(struct inode *i, struct setattr *a); /* for objects without a path: pipes, sockets */
/* May the file become that large? 0 or -EFBIG, above RLIMIT_FSIZE with SIGXFSZ. */
int inode_may_grow(const struct inode *i, u64 size);
int vfs_truncate(struct inode *i, u64 size, struct file *f);
/* The same where f, or the caller, need not have it open for writing. Also -ETXTBSY: it is being executed. */
int vfs_truncate_unopened(struct inode *i, u64 size, struct file *f);
s64 vfs_readlink(const struct path_ref *p, char *buf, size_t size);
int vfs_mkdir(int dirfd, const char *name, u32 mode);
int vfs_mknod(int dirfd, const char *name, u32 mode, u32 rdev);
/* bind(2) of a local socket: make its node and hand out where it is, with references. -EEXIST and what mknod says. */
int vfs_make_socket(const char *name, u32 mode, struct path_ref *out);
int vfs_symlink(const char *target, int dirfd, const char *name);
int vfs_link(int olddir, const char *old, int newdir, const char *new, int flags);
int vfs_unlink(int dirfd, const char *name);
int vfs_rmdir(int dirfd, const char *name);
int vfs_rename(int olddir, const char *old, int newdir, const char *new, unsigned flags);
int vfs_permission(const struct path_ref *p,
		   int mask); /* with read-only and noexec mounts considered */
/* Regular files over inode->pc (pagefile.c): what tmpfs, overlay and 9P use for read, write, mmap, seek. */
s64 pagefile_read(struct file *f, struct iov *to, u64 *pos);
s64 pagefile_write(struct file *f, struct iov *from, u64 *pos);
int pagefile_mmap(struct file *f, struct mmap_request *req);
s64 pagefile_seek(struct file *f, s64 off, int whence);
void file_accessed(struct file *f); /* atime, as the mount's options say */

/* ---- mounts ---- */

/* added to a mount's number where one is wanted that is never used again */
#define MOUNT_UNIQUE_BASE 0x80000000ULL

int vfs_mount(const char *source, const char *target, const char *type, u64 flags,
	      const char *data);
int vfs_umount(const char *target, int flags);
/* A mount of fs that is in no tree, for boot and for internal use. */
struct mount *mount_create(const struct file_system *fs, const struct mount_args *a); /* ERR_PTR */
void mount_put(struct mount *m);
/* The mounts that fs reaches. style: 0: /proc/mounts, 1: mountinfo, 2: mountstats. */
void mounts_show(struct seq *s, struct fs_context *fs, int style);
#define MOUNTS_MOUNTS	 0
#define MOUNTS_MOUNTINFO 1
#define MOUNTS_STATS	 2

/* ---- directories ---- */

/*
 * readdir gives entries from ctx->pos on: emit returns false when the buffer is full, and then the entry was not taken.
 * `next` is the position behind the entry (never 0).
 */
struct dir_context {
	u64 pos;
	bool (*emit)(struct dir_context *ctx, const char *name, unsigned len, u64 next, u64 ino,
		     unsigned type); /* DT_* */
};
/* Emits and moves ctx->pos. */
bool dir_emit(struct dir_context *ctx, const char *name, unsigned len, u64 next, u64 ino,
	      unsigned type);
/* "." and "..", at positions 0 and 1; true if both are out; entries then start at position 2. */
bool dir_emit_dots(struct file *f, struct dir_context *ctx);
#define DT_OF_MODE(mode) (((mode)&S_IFMT) >> 12)

/* Forget the cached name (and what is below it): a pseudo file system removed an entry by itself. dir not locked. */
void dcache_drop(struct inode *dir, const char *name, unsigned len);
u64 dcache_reclaim(u64 n); /* drop up to n unused dentries; for mm's reclaim hook */

/* Common file_ops members for directories and streams. */
s64 dir_seek(struct file *f, s64 off, int whence);
s64 dir_read(struct file *f, struct iov *to, u64 *pos); /* -EISDIR */
s64 generic_seek(struct file *f, s64 off, int whence);	/* by inode->size and page cache */
s64 stream_seek(struct file *f, s64 off, int whence);	/* -ESPIPE */

#endif
