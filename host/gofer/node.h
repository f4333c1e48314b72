/*
 * node.h - the files that a connection's fids stand for.
 *
 * A node is a name below a parent node, and the identity (device, inode, birth time) of what was
 * found there. Fids hold references to nodes, nodes to their parents; so a rename through us moves
 * a whole subtree by changing one node. A node's O_PATH descriptor is a cache, the least recently
 * used are closed when the connection reaches its share of descriptors, and reopened by a walk from
 * the nearest ancestor that has one; if something else is found there, the file is stale (ESTALE).
 *
 * A file that must be opened for data is opened again by its parent's descriptor and its name, and
 * the result compared with the node's identity: there is no /proc in our root and none is wanted in
 * it, and openat2 cannot reopen an O_PATH descriptor of a regular file by itself. A directory is
 * opened as "." of its own descriptor.
 *
 * All state belongs to one connection and its one thread; no locks.
 */
#ifndef MOAT_GOFER_NODE_H
#define MOAT_GOFER_NODE_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/stat.h>

struct conn;
struct gofer_export;

struct node {
	struct node *parent; /* a reference; NULL: an export's root */
	const struct gofer_export *export;
	struct node *hash_next;
	struct node *lru_prev, *lru_next; /* in the list while hashed and fd >= 0 */
	char *name;
	unsigned refs;
	bool hashed;   /* found by (parent, name); an unlinked node is not, and keeps its fd */
	int fd;	       /* O_PATH, or -1 */
	uint32_t type; /* S_IFMT part of the mode: it never changes */
	uint64_t dev, ino, btime;
};

#define NODE_BUCKETS 2048

struct node_table {
	struct node *bucket[NODE_BUCKETS];
	struct node *lru_head, *lru_tail; /* head: most recent */
	struct node **roots;		  /* one for each export */
	unsigned lru_len;
	unsigned count;
	unsigned fds; /* descriptors of nodes and open fids */
	unsigned max_fds;
};

/* Nodes of one connection; more is refused with ENFILE. */
#define NODE_MAX 131072

int node_table_init(struct conn *c, unsigned max_fds);
void node_table_destroy(struct conn *c);

struct node *node_ref(struct node *n);
void node_unref(struct conn *c, struct node *n);

/* The child of that name, examined: *out gets a reference, *st its attributes. 0 or -errno. */
int node_walk(struct conn *c, struct node *dir, const char *name, struct node **out,
	      struct statx *st);

/*
 * The attributes of a child that nobody needs a node of: half the cost of a walk. The parent's
 * descriptor, or -errno; -EAGAIN where it takes a walk to see whether the child is on another
 * mount.
 */
int node_peek(struct conn *c, struct node *dir, const char *name, struct statx *st);

/*
 * The node's O_PATH descriptor or -errno. Those of the last few nodes that were asked for stay
 * open.
 */
int node_fd(struct conn *c, struct node *n);

/* Descriptors of two nodes, both valid together. 0 or -errno. */
int node_fd2(struct conn *c, struct node *a, struct node *b, int *fda, int *fdb);

/*
 * Open for data with O_* flags of open(2): a regular file or a directory, else -ENXIO or -ELOOP. A
 * new descriptor.
 */
int node_open(struct conn *c, struct node *n, int flags);

/*
 * Make a regular file that did not exist, and open it: a new descriptor or -errno (-EEXIST).
 * node_adopt then makes the node of something that the caller made and examined.
 */
int node_create(struct conn *c, struct node *dir, const char *name, int flags, mode_t mode);
int node_adopt(struct conn *c, struct node *dir, const char *name, const struct statx *st,
	       struct node **out);

/*
 * The node's parent and name still lead to it: the parent's descriptor, or -errno (-ENOENT,
 * -ESTALE, -EBUSY: root).
 */
int node_locate(struct conn *c, struct node *n);

/* Before a name is taken away: have the descriptor of the node that is there, if we know one. */
void node_pin(struct conn *c, struct node *dir, const char *name);
/* The name is gone or means something new. */
void node_forget(struct conn *c, struct node *dir, const char *name);
/* The name was moved, over a forgotten one if there was any; or the two were exchanged. */
void node_moved(struct conn *c, struct node *from, const char *old, struct node *to,
		const char *name);
void node_exchanged(struct conn *c, struct node *from, const char *old, struct node *to,
		    const char *name);

/* Is the name one of the hidden ones? */
bool node_hidden(struct conn *c, const struct node *dir, const char *name);

/* Count a descriptor that a fid holds; reserve makes room first: 0 or -EMFILE. */
int node_fd_reserve(struct conn *c);
void node_fd_release(struct conn *c);

#endif
