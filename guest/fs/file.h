/*
 * file.h - open files, their operations, descriptor tables, and the one place where reads and writes block.
 *
 * Object, open file and number are three things: struct inode (vfs.h) or a private object; struct file (an open file
 * description, shared by dup and fork); a slot of struct fdtable.
 *
 * File operations NEVER block for readiness: they return -EAGAIN and, when things change, call
 * waitq_wake_all(their wait queue, POLL bits). file_read and its kin hold the only wait loop: O_NONBLOCK, signals and
 * timeouts are handled there. (Regular files may sleep for disk I/O inside their ops, as on Linux.)
 */
#ifndef MOAT_FS_FILE_H
#define MOAT_FS_FILE_H

#include "lib/atomic.h"
#include "lib/err.h"
#include "lib/types.h"
#include "task/wait.h"

struct file;
struct inode;
struct path_ref;
struct stat_info;
struct dir_context;
struct pagecache;
struct poll_table;
struct cred;
struct seq;

/* A source or destination of bytes: kernel memory or the current task's user memory. Advances as it is used. */
struct iov_seg {
	u64 base; /* user address, or kernel pointer */
	u64 len;
};
struct iov {
	struct iov_seg *seg;
	unsigned n, i; /* segments, current one */
	size_t off;    /* into the current one */
	size_t left;   /* bytes in all */
	bool user;
	bool nonblock; /* O_NONBLOCK, RWF_NOWAIT, MSG_DONTWAIT: filled by the caller of the op */
	bool append;   /* RWF_APPEND */
};
void iov_kernel(struct iov *v, struct iov_seg *one, void *buf, size_t n);
void iov_user(struct iov *v, struct iov_seg *one, uaddr_t buf, size_t n);
/* Move bytes; return how many were moved (short only on a fault). Never under a lock that mm_fault may need. */
size_t iov_to(struct iov *v, const void *src, size_t n); /* kernel memory -> iov */
size_t iov_from(struct iov *v, void *dst, size_t n);	 /* iov -> kernel memory */
size_t iov_zero(struct iov *v, size_t n);
/* The next contiguous piece of at most max bytes (0: none left), and moving past it. */
size_t iov_piece(struct iov *v, u64 *addr, size_t max);
void iov_advance(struct iov *v, size_t n);
void iov_rewind(struct iov *v,
		size_t n); /* undo the last n bytes of moving: the op returns -EAGAIN after all */

/* POLL bits are Linux's (POLLIN 1, POLLPRI 2, POLLOUT 4, POLLERR 8, POLLHUP 16, POLLRDHUP 0x2000 ...). */

/* What a file tells mm when it is mapped: fill one of them. */
struct mmap_request {
	u64 len, off;
	int prot, flags;
	struct pagecache *pc; /* pages come from here */
	bool zero;	      /* anonymous memory (mmap of /dev/zero) */
	bool never_write;     /* mprotect must not give write access later (sealed files) */
};

struct file_ops {
	const char *name; /* "pipe", "[eventfd]": for /proc/PID/fd of files without a path */
	/* pos: in/out file position, or NULL for streams. Bytes or -errno; 0 is end of file. */
	s64 (*read)(struct file *f, struct iov *to, u64 *pos);
	s64 (*write)(struct file *f, struct iov *from, u64 *pos);
	/* Instead of file_read's wait loop, where the file may block: sockets have timeouts and whole messages. */
	s64 (*wait_rw)(struct file *f, struct iov *v, bool write);
	s64 (*seek)(struct file *f, s64 off, int whence);
	/* Ready events now; if pt, register on the wait queues that will announce a change (poll_wait). */
	u32 (*poll)(struct file *f, struct poll_table *pt);
	s64 (*ioctl)(struct file *f, unsigned cmd, u64 arg);
	int (*mmap)(struct file *f, struct mmap_request *req);
	int (*readdir)(struct file *f, struct dir_context *ctx);
	int (*fsync)(struct file *f, u64 off, u64 len, bool datasync);
	int (*fallocate)(struct file *f, int mode, u64 off, u64 len);
	int (*flush)(struct file *f);		 /* each close(2) */
	void (*release)(struct file *f);	 /* last reference */
	int (*setfl)(struct file *f, u32 flags); /* F_SETFL may refuse */
	void (*show_fdinfo)(struct file *f, struct seq *s);
	/* An area of some address space maps it (1) or does no more (-1). Perhaps under mm->lock: spinlocks only. */
	void (*map_count)(struct file *f, int change);
};

struct file {
	struct ref ref;
	u32 flags; /* O_* as fcntl(F_GETFL) shows them; changed under lock */
	u32 mode;  /* FMODE_*, fs/abi.h */
	const struct file_ops *ops;
	void *priv;	       /* the object */
	struct path_ref *path; /* dentry + mount (vfs.h), or NULL for pipes, eventfds ... */
	struct inode *inode;   /* NULL only for anonymous objects without one */
	struct mutex pos_lock; /* guards pos where two tasks share it */
	u64 pos;
	struct cred *cred;  /* of the opener */
	struct file_owner { /* F_SETOWN, O_ASYNC; owner.h */
		int pid, type, sig;
		int fd;	       /* that O_ASYNC was set on */
		u32 uid, euid; /* of who chose it */
	} owner;
	void *async;	     /* its watcher (fs/async.c) */
	void *epoll;	     /* list of epoll items that watch it (fs/anon/epoll.c) */
	struct waitq *waitq; /* default wait queue for file_read/file_write's loop; may be NULL */
	u64 dir_cookie;	     /* directories: the file system's, for readdir */
	void *dir_state;     /* likewise, and generated text (pseudo.c); freed by release */
};

/* One reference, flags and ops set; priv, inode, path by the caller. ERR_PTR(-ENFILE/-ENOMEM). */
struct file *file_alloc(const struct file_ops *ops, u32 flags, void *priv);
/* Give it a path (takes a reference of its own on it); the inode stays the caller's to set. */
void file_set_path(struct file *f, const struct path_ref *p);
/* An anonymous-inode file, as eventfd and epoll use: as file_alloc, with an anonymous inode for fstat. */
struct file *file_alloc_anon(const struct file_ops *ops, u32 flags, void *priv);
void file_get(struct file *f);
unsigned file_count(void); /* open file descriptions in all */
extern u64 file_max;	   /* how many there may be, but for CAP_SYS_ADMIN */
#define FILE_MAX 0x7fffffffffffffffULL
void file_put(struct file *f);
/* f does not count any more among those that keep its file from being executed. */
void file_end_writing(struct file *f);

/* The blocking forms (the wait loop). pos NULL: use and advance f->pos. */
s64 file_read(struct file *f, struct iov *to, u64 *pos);
s64 file_write(struct file *f, struct iov *from, u64 *pos);
/* Wait until file_poll shows one of the events (POLLERR and POLLHUP count). 0, or -ERESTARTSYS. */
int file_wait(struct file *f, u32 events);
/* Kernel-memory convenience for exec, coredumps, tests. */
s64 file_read_kernel(struct file *f, void *buf, size_t n, u64 pos);

/* ---- poll ---- */

/* Who waits: poll(2), select(2), epoll, or file_read's loop. queue() is called once per wait queue. */
struct poll_table {
	void (*queue)(struct poll_table *pt, struct file *f, struct waitq *q);
	u32 events;
};
static inline void poll_wait(struct file *f, struct waitq *q, struct poll_table *pt)
{
	if (pt && pt->queue)
		pt->queue(pt, f, q);
}
u32 file_poll(struct file *f, struct poll_table *pt);
/* Wake pollers and blocked readers or writers of an object. */
#define poll_wake(q, events) waitq_wake_all((q), (events))

/* ---- descriptor tables ---- */

struct fdtable; /* refcounted, shared by CLONE_FILES; its lock is a spinlock */

struct fdtable *fdtable_create(void);
struct fdtable *fdtable_clone(struct fdtable *t);
void fdtable_get(struct fdtable *t);
/* t's, with a reference; NULL: it has none any more. */
struct fdtable *fdtable_of(struct task *t);
void fdtable_put(struct fdtable *t);
bool fdtable_shared(struct fdtable *t); /* CLONE_FILES: somebody else uses it too */
void fdtable_exec(struct fdtable *t);	/* close FD_CLOEXEC */
/* Referenced file, or ERR_PTR(-EBADF). O_PATH files only if path_ok. */
struct file *fd_get(int fd);
struct file *fd_get_path(int fd);
/* Lowest free slot >= min and below RLIMIT_NOFILE; takes over the caller's reference on success only. -EMFILE. */
int fd_install(struct file *f, int min, bool cloexec);
/* A descriptor for a file just made, or its error passed on; the reference is dropped where none is left over. */
int fd_install_new(struct file *f, bool cloexec);
/*
 * In two steps, for what must not be done without a free number (open(2), accept(2)) and for numbers that go to user
 * memory, which may fail: reserve the lowest free one (-EMFILE), then either commit a file to it, whose reference it takes
 * over, or cancel. Between the two it is open for nobody. fd_finish: commit, or cancel if f is an error, which it returns.
 */
int fd_reserve(bool cloexec);
void fd_commit(int fd, struct file *f);
void fd_cancel(int fd);
int fd_finish(int fd, struct file *f);
/* dup2: closes what was there. -EBUSY: a call in another thread has reserved the number. */
int fd_install_at(struct file *f, int fd, bool cloexec);
int fd_close(int fd);
int fd_close_range(unsigned first, unsigned last, unsigned flags);
int fd_get_cloexec(int fd);
int fd_set_cloexec(int fd, bool on);
/* For /proc/PID/fd: next open number >= fd, or -1; and a reference to a file of any table. */
int fdtable_next(struct fdtable *t, int fd);
struct file *fdtable_file(struct fdtable *t, int fd);

#endif
