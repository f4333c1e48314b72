/*
 * p9.h - the 9P2000.L client. For fs/p9/, fs/boot.c, mount/table.c and unit tests.
 *
 * Five layers, a file each: wire.c (numbers and strings), req.c (tags, waiting), a transport (ring.c, or a test's),
 * session.c (version, attach, fid numbers, messages), and the file system: fs.c, its inodes and open files.
 *
 * The server may lie: every length, count and string in a reply is checked against the bytes that came. If the
 * transport breaks (the gofer is gone), every request ends with -EIO, now and later.
 */
#ifndef MOAT_FS_P9_H
#define MOAT_FS_P9_H

#include "abi/p9.h"
#include "fs/itable.h"
#include "fs/vfs.h"
#include "mm/pagecache.h"
#include "ring/ring.h"

struct p9_client;
struct p9_req;

/* How messages travel. A transport completes each request it accepted by p9_req_done, once, from any context. */
struct p9_transport {
	/* Send req->bufs. 0, -EIO, or -ENOSPC: wait until p9_room was called. */
	int (*submit)(struct p9_client *c, struct p9_req *req);
	/* All NULL where submit waits for the answer. Somebody sleeps, or not any more, until an answer comes by itself. */
	void (*want)(struct p9_client *c, bool on);
	bool (*ready)(struct p9_client *c); /* reap would find an answer */
	void (*reap)(struct p9_client *c);  /* complete what was answered */
};

#define P9_REQS	  32   /* requests in flight, one tag each */
#define P9_T_ROOM 8192 /* of a T-message without data */
#define P9_R_ROOM 8192 /* of an R-message without data */
#define P9_BUFS	  68   /* header, 64 pages, header */
#define P9_PAGES  64   /* data pages of one request */

/* A cursor over a message. err is sticky: -EOVERFLOW (writing), -EPROTO (reading beyond the end). */
struct p9_buf {
	u8 *p;
	size_t n, cap;
	bool bad;
};

struct p9_req {
	struct ring_request ring;
	struct p9_client *c;
	u16 tag;
	bool busy, done;
	bool posted;	   /* nobody waits for it */
	u32 clunked;	   /* the fid of a Tclunk */
	int err;	   /* the transport's */
	s32 got;	   /* size of the R-message */
	u8 type;	   /* T */
	u8 *t, *r;	   /* arena memory, P9_T_ROOM and P9_R_ROOM; made at first use */
	struct p9_buf out; /* T-message being written */
	struct p9_buf in;  /* R-message being read, behind its header */
	struct ring_buf bufs[P9_BUFS];
	unsigned nout, nin;
	struct waitq q;
};

/* One connection; super blocks that attach to different exports of one server share it. */
struct p9_client {
	u32 refs;	/* under p9_clients */
	unsigned queue; /* of the ring; 0: a transport of its own */
	const struct p9_transport *ops;
	void *priv;
	u32 msize;
	bool moat;	       /* extensions are on */
	bool no_map;	       /* the server has no windows to give (p9/map.c) */
	struct mutex map_lock; /* one window is made after the other */
	bool dead;
	bool careful; /* a change that was taken for granted failed: wait for each */
	int late_err; /* its error, until somebody is told */
	u32 posted;   /* changes that nobody waits for and that are not answered yet; atomic */
	struct spinlock lock; /* reqs, fid numbers */
	struct p9_req reqs[P9_REQS];
	u32 poll_missed;   /* times in a row that polling for an answer was in vain */
	u32 unpolled;	   /* answers since that does not pay */
	u32 streams;	   /* long writes at work (p9/write.c); atomic */
	struct waitq room; /* a tag or ring space became free */
	u32 next_fid, nfree;
	u32 *free_fids;
	u32 free_cap;
};

/* ---- p9/wire.c ---- */
void p9_put8(struct p9_buf *b, u8 v);
void p9_put16(struct p9_buf *b, u16 v);
void p9_put32(struct p9_buf *b, u32 v);
void p9_put64(struct p9_buf *b, u64 v);
void p9_putstr(struct p9_buf *b, const char *s, size_t n);
void p9_putmem(struct p9_buf *b, const void *p, size_t n);
u8 p9_get8(struct p9_buf *b);
u16 p9_get16(struct p9_buf *b);
u32 p9_get32(struct p9_buf *b);
u64 p9_get64(struct p9_buf *b);
void p9_getmem(struct p9_buf *b, void *p, size_t n);
/* The string's bytes inside the message (no NUL), its length; NULL if bad. */
const char *p9_getstr(struct p9_buf *b, u16 *len);

/* ---- p9/req.c ---- */
void p9_reqs_init(struct p9_client *c);
void p9_reqs_destroy(struct p9_client *c);
/* A request with its T header begun; waits for a free tag. ERR_PTR(-EIO, -ENOMEM). */
struct p9_req *p9_begin(struct p9_client *c, u8 type);
/* Data behind the T- or R-message: n bytes of arena memory. Call after the fixed part was written. */
void p9_data_out(struct p9_req *r, void *ptr, u32 len);
void p9_data_in(struct p9_req *r, void *ptr, u32 len);
/*
 * Send and wait. 0: r->in stands behind the R header; else the server's -errno or -EIO, -EPROTO. A fatal signal sends a
 * Tflush and still waits for the request to come back, since its memory is in the server's hands.
 */
int p9_call(struct p9_req *r);
/* Its halves, for who has more to send before the answer comes. last: nothing more. 0, -ENAMETOOLONG, -EIO. */
int p9_send(struct p9_req *r, bool last);
int p9_await(struct p9_req *r);
/* Does the server work while we do? So the last answers looked: else there is no CPU for it. */
bool p9_parallel(const struct p9_client *c);
/* Send and do not wait; r is not the caller's any more. 0, -ENAMETOOLONG, -EIO. */
int p9_post(struct p9_req *r);
/* Wait for all changes that were posted so far. */
void p9_wait_posted(struct p9_client *c);
/* The same. 0, or what one of them failed with since the last call. */
int p9_settle(struct p9_client *c);
void p9_end(struct p9_req *r); /* harmless on ERR_PTR */
void p9_req_done(struct p9_req *r, s32 got);
void p9_room(struct p9_client *c);

/* ---- p9/session.c ---- */
/* The first message of a connection. Tries P9_VERSION_MOAT, takes what the server gives. */
int p9_version(struct p9_client *c);
/* fid becomes the root of the export of that name. -ENOENT: there is none. */
int p9_attach(struct p9_client *c, const char *aname, u32 fid, struct p9_qid *root);
u32 p9_fid_new(struct p9_client *c);
void p9_fid_free(struct p9_client *c, u32 fid);
void p9_clunk(struct p9_client *c, u32 fid); /* and frees the number; does not wait */
struct p9_name {
	const char *s;
	unsigned len;
};
/* Walk n names (at most P9_MAXWELEM) to a new fid. 0: *last is the object's qid. -ENOENT where a name is missing. */
int p9_walk(struct p9_client *c, u32 fid, u32 newfid, const struct p9_name *names, unsigned n,
	    struct p9_qid *last);
/* The same and open it, in one message: moat1 only. flags as Tlopen's. */
int p9_walk_open(struct p9_client *c, u32 fid, u32 newfid, const struct p9_name *names, unsigned n,
		 u32 flags, struct p9_qid *last);
int p9_getattr(struct p9_client *c, u32 fid, struct p9_attr *a);
/* Attributes out of a message, checked: -EPROTO. */
int p9_get_attr(struct p9_buf *b, struct p9_attr *a);
int p9_setattr(struct p9_client *c, u32 fid, const struct p9_setattr *a);
int p9_setattr_post(struct p9_client *c, u32 fid, const struct p9_setattr *a); /* by p9_post */
int p9_lopen(struct p9_client *c, u32 fid, u32 flags);
/* Attributes of one entry of a directory, and a link's target (size bytes, with NUL; may be NULL). No fid is kept. */
int p9_lookup(struct p9_client *c, u32 dfid, const struct p9_name *name, struct p9_attr *a,
	      char *target, size_t size);
/* moat1: and open it, if it is there and the server can: *fid, else P9_NOFID. */
int p9_lookup_open(struct p9_client *c, u32 dfid, const struct p9_name *name, struct p9_attr *a,
		   char *target, size_t size, u32 flags, u32 *fid);
/* Read to or write from page frames of the arena. Bytes or -errno; short at end of file. */
s64 p9_read_frames(struct p9_client *c, u32 fid, u64 off, const paddr_t *frames, unsigned n);
s64 p9_write_frames(struct p9_client *c, u32 fid, u64 off, const paddr_t *frames, size_t len);
/*
 * Its halves: moat1 only, len at most P9_PAGES pages. series: behind a part of it that the server could not write whole
 * it refuses the others, -ECANCELED. last: of the series. ERR_PTR. p9_write_result ends the request.
 */
struct p9_req *p9_write_part(struct p9_client *c, u32 fid, u64 off, const paddr_t *frames,
			     size_t len, u32 series, bool last);
s64 p9_write_result(struct p9_req *r, size_t len);
/* Small transfers through a bounce page in the arena: xattrs. */
s64 p9_read_small(struct p9_client *c, u32 fid, u64 off, void *buf, size_t n);
s64 p9_write_small(struct p9_client *c, u32 fid, u64 off, const void *buf, size_t n);
/* Messages of (fid, name) that answer nothing of interest. */
int p9_unlinkat(struct p9_client *c, u32 dfid, const struct p9_name *name, u32 flags);
int p9_unlinkat_post(struct p9_client *c, u32 dfid, const struct p9_name *name); /* by p9_post */
int p9_link(struct p9_client *c, u32 dfid, u32 fid, const struct p9_name *name);
int p9_renameat(struct p9_client *c, u32 odfid, const struct p9_name *old, u32 ndfid,
		const struct p9_name *new, u32 flags);
int p9_fsync(struct p9_client *c, u32 fid, bool datasync);
int p9_allocate(struct p9_client *c, u32 fid, u32 mode, u64 off, u64 len);
int p9_statfs(struct p9_client *c, u32 fid, struct statfs_info *st);
/*
 * Make an object; dfid stays. Its attributes, and a fid of it if it is a regular file, open O_RDWR: *fid, P9_NOFID for
 * anything else. moat1 only.
 */
int p9_make(struct p9_client *c, u32 dfid, const struct p9_name *name, const struct make_args *a,
	    struct p9_attr *attr, u32 *fid);
/* The same in 9P2000.L, with nothing but success or failure. */
int p9_make_plain(struct p9_client *c, u32 dfid, const struct p9_name *name,
		  const struct make_args *a);

/* ---- the file system ---- */

enum p9_fid_kind { P9_FID_WALK, P9_FID_READ, P9_FID_WRITE, P9_FID_KINDS };

/* Marks of an inode. */
#define P9_STALE     INODE_FS_MARKS /* the server changed attributes that we have not read since */
#define P9_GONE	     (2 * INODE_FS_MARKS) /* its last name was removed: only fids lead to it */
#define P9_NO_MAP    (4 * INODE_FS_MARKS) /* the server refused it a window */
#define P9_LONG_NAME (8 * INODE_FS_MARKS) /* its name has no room inside */

struct p9_inode {
	struct inode i; /* priv: struct p9_fids, made with the first fid; stays */
	/* How it was found, with a reference (NULL: the root), and by what name. Under sb->fid_lock. */
	struct p9_inode *parent;
	u8 lookups;   /* of names in it that the server was asked for and had, for a while */
	bool made;    /* by this sandbox, and not found */
	bool removes; /* a directory: a file was removed from it since its attributes changed */
	union {
		char name[8]; /* as long as was allocated: p9_inode_bytes */
		struct {
			char *s;
		} __attribute__((packed)) far; /* P9_LONG_NAME */
	};
};

struct p9_fids { /* under sb->fid_lock */
	struct p9_inode *pi;
	struct list lru;       /* in sb->fids while it has any */
	u32 fid[P9_FID_KINDS]; /* number + 1, 0: none */
	u32 users[P9_FID_KINDS];
};

/* A regular file's, from its first use on: inode->pc points to the first member. */
struct p9_pages {
	struct pagecache pc;
	u64 srv_size; /* where the server's file ends, for all we know; under inode->lock */
	struct p9_stream *stream; /* of the write(2) at work, if it is long; under inode->mutex */
};

#define P9_RECENT 32

struct p9_sb {
	struct super_block *sb;
	struct p9_client *c; /* a reference */
	u32 root_fid;
	struct itable inodes;	  /* by qid.path */
	struct mutex fid_lock;	  /* fids, parents and names of all inodes */
	struct list fids;	  /* inodes with fids, least recently used first */
	unsigned nfids, max_fids; /* max: P9_FIDS_MAX, or less where the server says EMFILE */
	bool readonly;		  /* and nobody else changes it */
	bool shared;		  /* p9_boot */
	struct { /* listings that were read last, unless the tree is shared; under fid_lock */
		struct p9_inode *dir;
		struct p9_listing *l;
		size_t bytes;
	} recent[P9_RECENT];
	unsigned next_recent;
	size_t recent_bytes;
	u64 changes; /* of names and attributes, by us; atomic */
	u32 obeyed;  /* P9_SETATTR_* that the server has done to files made here; atomic */
};

#define P9_FIDS_MAX 1024

static inline struct p9_inode *p9_i(struct inode *i)
{
	return container_of(i, struct p9_inode, i);
}
/* What an inode takes with a name of that length inside: whole steps of the heap's classes. */
static inline size_t p9_inode_bytes(size_t len)
{
	return ALIGN_UP(MAX(offsetof(struct p9_inode, name) + len + 1, sizeof(struct p9_inode)),
			16UL);
}
static inline struct p9_fids *p9_fids(const struct p9_inode *pi)
{
	return pi->i.priv;
}
static inline const char *p9_inode_name(const struct p9_inode *pi)
{
	return inode_marked(&pi->i, P9_LONG_NAME) ? pi->far.s : pi->name;
}
static inline struct p9_pages *p9_pages(struct inode *i)
{
	return container_of(i->pc, struct p9_pages, pc);
}
static inline struct p9_sb *p9_s(struct inode *i)
{
	return i->sb->priv;
}

/* p9/fid.c: a fid of that kind, in use until p9_fid_put. 0 or -errno. */
int p9_fid_get(struct p9_inode *pi, enum p9_fid_kind kind, u32 *fid);
/* Any fid at all (attributes of an unlinked file). */
int p9_fid_any(struct p9_inode *pi, enum p9_fid_kind *kind, u32 *fid);
void p9_fid_put(struct p9_inode *pi, enum p9_fid_kind kind);
bool p9_fid_has(const struct p9_inode *pi, enum p9_fid_kind kind); /* at this moment */
int p9_fid_root(struct p9_inode *pi, u32 fid); /* the tree's root keeps fid. 0, -ENOMEM */
void p9_fid_drop(struct p9_inode *pi);	       /* the inode goes away */
void p9_fid_flush(struct p9_sb *s);	       /* give every idle fid back */
/* fid, just made, is pi's from here on; clunked if pi has one of the kind. */
void p9_fid_adopt(struct p9_inode *pi, enum p9_fid_kind kind, u32 fid);
/* How it is found from now on. 0 or -ENOMEM. */
int p9_fid_moved(struct p9_inode *pi, struct p9_inode *parent, const char *name, unsigned len);
/* That name of it went away: if it is the one that it is found by, only its fids lead to it now. */
void p9_fid_name_gone(struct p9_inode *pi, struct p9_inode *parent, const char *name, unsigned len);

/* p9/inode.c */
/* The server has other attributes of it by now. */
void p9_changed(struct p9_inode *pi);
struct inode *p9_inode_get(struct super_block *sb, struct p9_inode *parent,
			   const struct p9_name *name, const struct p9_attr *a, const char *target);
/* Does a describe what i stands for? Then what is cached of it becomes what a says. */
bool p9_still(struct inode *i, const struct p9_attr *a);
int p9_op_getattr(struct inode *i, struct stat_info *st);
s64 p9_op_getxattr(struct inode *i, const char *name, void *buf, size_t size);
int p9_op_setxattr(struct inode *i, const char *name, const void *v, size_t n, int flags);
s64 p9_op_listxattr(struct inode *i, char *buf, size_t size);
void p9_op_evict(struct inode *i);
int p9_op_open(struct inode *i, struct file *f);

/* p9/setattr.c */
int p9_op_setattr(struct inode *i, const struct setattr *a);
/* Nobody need wait for the answer to the removal of victim's name from dir. */
bool p9_removal_is_certain(struct p9_inode *dir, struct p9_inode *victim);
void p9_set_end(struct inode *i, u64 size);
/*
 * After a change of i's content: the server's kernel takes set-user-ID and set-group-ID away where the server is not
 * all-powerful; whether the one who writes here keeps them has been decided before (write_prepare, ATTR_MODE).
 */
void p9_keep_setid(struct inode *i, u32 fid);

extern const struct inode_ops p9_dir_ops, p9_shared_dir_ops, p9_file_ops;

/* p9/write.c */
struct p9_stream;
int p9_write_pages(struct pagecache *pc, u64 index, const paddr_t *frames, unsigned n);
u64 p9_op_write_part(struct inode *i, u64 start, u64 at, u64 end);
s64 p9_op_write_end(struct inode *i, u64 start, u64 n);
/* The server's file reaches at least to end now. */
void p9_grown(struct inode *i, u64 end);

/* p9/map.c: when the file is about to be mapped; when it is about to change. No lock of mm held. */
void p9_open_window(struct pagecache *pc);
void p9_close_window(struct inode *i);

/* p9/entries.c */
/* bytes of one listing; more is -ENOMEM, also from a server that never ends */
#define P9_LIST_MAX (64UL << 20)

struct p9_entries { /* all zero: empty */
	struct p9_chunk *first, *last;
	size_t bytes;		/* memory, but for the index */
	u32 nplus, mask;	/* entries with attributes; size of the index - 1 */
	struct p9_place *index; /* places of entries by the hash of their names; NULL: not made */
};
struct p9_place { /* of the next entry; all zero: the first */
	const struct p9_chunk *chunk;
	u32 off;
};
struct p9_entry {
	u64 ino;
	const char *name; /* no NUL */
	const u8 *attr;	  /* a struct p9_attr, not aligned, or NULL */
	u8 len, type;
};
/* 0 or -ENOMEM. The number is a->qid.path; all of a is kept only with plus. */
int p9_entries_add(struct p9_entries *l, const struct p9_attr *a, bool plus, u8 type,
		   const char *name, u16 len);
bool p9_entries_next(const struct p9_entries *l, struct p9_place *at, struct p9_entry *out);
/* The entry of that name, if it has attributes; *at stands behind it. False: there is none, or no memory. */
bool p9_entries_find(struct p9_entries *l, const char *name, size_t len, struct p9_place *at,
		     struct p9_entry *out);
void p9_entries_free(struct p9_entries *l);

/* p9/readdir.c */
int p9_readdir(struct file *f, struct dir_context *ctx);
void p9_dir_release(struct file *f);

/* p9/listing.c */
struct p9_listing;
/* All of the directory, as of now; a reference. ERR_PTR. Its entries stay as they are. */
struct p9_listing *p9_listing_get(struct p9_inode *dir);
void p9_listing_put(struct p9_sb *s, struct p9_listing *l);
const struct p9_entries *p9_listing_entries(const struct p9_listing *l);
/* Names of dir are looked up one after the other: read some of what is next there. dir->i.mutex held. */
void p9_listing_ahead(struct p9_inode *dir);
/* Attributes that a recent listing of the directory brought. Never of symbolic links. */
bool p9_listing_find(struct p9_inode *dir, const struct p9_name *name, struct p9_attr *a);
void p9_listing_forget(struct p9_sb *s, struct p9_inode *dir); /* NULL: all */
/* We made, removed or renamed something there: who reads the directory next asks the server. */
void p9_listing_names_changed(struct p9_inode *dir);
/* We changed what pi's entry tells of it, or the name that it was found by is gone. */
void p9_listing_drop(struct p9_inode *pi);

/* p9/ring.c */
int p9_ring_connect(struct p9_client *c, unsigned queue);

/* p9/clients.c: the connection with its version agreed on, made if there is none to share; a reference. ERR_PTR. */
struct p9_boot;
struct p9_client *p9_client_get(const struct p9_boot *b);
void p9_client_put(struct p9_client *c);

/* args->boot of mount: a transport, or RING_Q_9P + n by p9_boot.queue when ops is NULL */
struct p9_boot {
	const struct p9_transport *ops;
	void *priv;
	unsigned queue;
	const char *aname;
	bool shared; /* others change the tree: what is cached is looked at again at each use */
};

#endif
