/*
 * conn.h - one 9P connection: its fids, its nodes, and the request in hand. Internal to host/gofer.
 *
 * A connection is served by one thread and shares nothing that changes with the others except the
 * device table of struct gofer, so that a slow disk holds up one connection only.
 */
#ifndef MOAT_GOFER_CONN_H
#define MOAT_GOFER_CONN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/stat.h>
#include <sys/uio.h>

#include "abi/p9.h"
#include "abi/ring.h"
#include "host/gofer/fid.h"
#include "host/gofer/gofer.h"
#include "host/gofer/node.h"
#include "host/gofer/wire.h"

#define GOFER_DEVS 255

/* What all connections share; constant but for devs, which only grows (attr.c). */
struct gofer {
	const struct gofer_config *cfg;
	struct gofer_export *exports; /* the root, then the configuration's */
	unsigned nexports;
	bool read_only; /* all of them */
	uint64_t devs[GOFER_DEVS];
};

/*
 * Private copies: the largest T-message but for Twrite's data, the largest R-message but for
 * Rread's.
 */
#define CONN_T_MAX 16384
#define CONN_R_MAX 65536

struct conn {
	struct gofer *g;
	uint32_t msize;
	bool versioned; /* a Tversion was answered */
	bool moat;	/* extensions are on */
	struct fid_table fids;
	struct node_table nodes;
	size_t xattr_bytes;	     /* that fids hold */
	uint8_t *tbuf, *rbuf, *dbuf; /* CONN_T_MAX, CONN_R_MAX, CONN_R_MAX (directory entries) */
};

/*
 * The request in hand. A handler reads t, then fills w, or scatters data_len bytes behind w itself.
 */
struct req {
	struct conn *c;
	struct wire_rd t;
	struct wire_wr w;
	const struct iovec *out, *in; /* the client's buffers: shared memory */
	unsigned nout, nin;
	size_t msg_len;	 /* size of the T-message */
	size_t in_room;	 /* of the R-message */
	size_t data_len; /* data that already lies behind w in the client's buffers */
};

int conn_init(struct conn *c, struct gofer *g, unsigned max_fds);
void conn_destroy(struct conn *c);

/*
 * Answer the T-message in out. Returns the size of the R-message that was put into in; 0 if not
 * even an error fitted. The buffers may be changed by the client meanwhile.
 */
size_t conn_handle(struct conn *c, const struct iovec *out, unsigned nout, size_t out_len,
		   const struct iovec *in, unsigned nin, size_t in_len);

/* ops.def: prototypes of all handlers; each returns 0 or -errno. */
#define OP(number, name, flags) int op_##name(struct req *r);
#include "host/gofer/ops.def"
#undef OP

/* attr.c */
int attr_stat(int fd, const char *name, struct statx *st);
void attr_qid(struct gofer *g, const struct statx *st, struct p9_qid *qid);
uint64_t attr_qid_path(struct gofer *g, uint64_t dev, uint64_t ino);
void attr_fill(struct gofer *g, const struct statx *st, struct p9_attr *attr);
uint64_t attr_dev(const struct statx *st);

/* open.c: flags of Tlopen to flags of open(2) for the node, or -EROFS. */
int open_flags(const struct node *n, uint32_t flags);

/*
 * open.c: make a fid an open one, by a descriptor that was reserved for it; or give such a
 * descriptor up.
 */
void open_attach(struct fid *f, int fd);
void open_drop(struct conn *c, int fd);

/* make.c */
struct make {
	const char *name;
	const char *target; /* of a symbolic link */
	uint32_t mode;	    /* with the type */
	uint64_t rdev;
	uint32_t uid, gid; /* P9_NONUID: leave alone */
};

/* Make a regular file and open it. A descriptor, or -errno; *node gets a reference. */
int make_file(struct conn *c, struct node *dir, const struct make *m, int oflags,
	      struct node **node, struct statx *st);

/* xattr.c: free a fid's attribute, if it has one. */
void xattr_free(struct conn *c, struct fid *f);

/* xattr.c: store what was written to a FID_XATTR_WRITE. 0 or -errno. */
int xattr_commit(struct conn *c, struct fid *f);

#endif
