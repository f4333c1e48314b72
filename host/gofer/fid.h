/*
 * fid.h - the fid table of a connection: the client's numbers for files that it walked to, opened,
 * or whose extended attributes it is reading or writing. One thread; no locks.
 */
#ifndef MOAT_GOFER_FID_H
#define MOAT_GOFER_FID_H

#include <stddef.h>
#include <stdint.h>

struct conn;
struct node;

enum fid_kind {
	FID_PATH,	/* walked to, not open */
	FID_OPEN,	/* fd is open for data */
	FID_XATTR_READ, /* a value or a list of names in xattr */
	FID_XATTR_WRITE /* a value that is set when the fid is clunked */
};

struct fid_xattr {
	size_t size; /* of data; for a write: promised */
	size_t filled;
	int flags;
	char name[256];
	char data[];
};

struct fid {
	struct fid *next;
	uint32_t num;
	uint32_t uid; /* of the attach: owner of what is made through this fid */
	enum fid_kind kind;
	struct node *node; /* a reference */
	int fd;		   /* FID_OPEN */
	uint32_t ended;	   /* the series of writes that came to nothing further, or 0 */
	uint64_t dir_pos;  /* where fd's directory cursor stands, or FID_POS_UNKNOWN */
	struct fid_xattr *xattr;
};

#define FID_BUCKETS	1024
#define FID_MAX		65536 /* per connection; more is refused with ENFILE */
#define FID_POS_UNKNOWN UINT64_MAX

struct fid_table {
	struct fid *bucket[FID_BUCKETS];
	unsigned count;
};

/* NULL if there is none. */
struct fid *fid_find(struct conn *c, uint32_t num);

/*
 * A fid that is not in the table yet, taking over the caller's reference to node (also on failure).
 * 0 or -errno.
 */
int fid_new(struct conn *c, uint32_t num, uint32_t uid, struct node *node, struct fid **out);

/* May num be made? 0, -EBADF (P9_NOFID), -EEXIST, -ENFILE. */
int fid_check_new(struct conn *c, uint32_t num);

/* Take it out of the table and free it with its descriptor. */
void fid_drop(struct conn *c, struct fid *f);
void fid_drop_all(struct conn *c);

/* A descriptor for calls that need no data: the open one, else the node's. Or -errno. */
int fid_fd(struct conn *c, struct fid *f);

#endif
