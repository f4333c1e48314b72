/*
 * node_table.h - what node.c needs of node_table.c; for others node.h is the interface.
 */
#ifndef MOAT_GOFER_NODE_TABLE_H
#define MOAT_GOFER_NODE_TABLE_H

#include "host/gofer/node.h"

/*
 * The most recently used descriptors are never closed behind the back of the request that got them.
 */
#define NODE_KEEP 8

/* Close the least recently used descriptor. False: none can go. */
bool node_evict(struct conn *c);
/* Evict until one more descriptor fits into the connection's share. 0 or -EMFILE. */
int node_make_room(struct conn *c);
/* Give a node without descriptor one. */
void node_cache_fd(struct conn *c, struct node *n, int fd);
/* It was used just now. */
void node_touch(struct conn *c, struct node *n);

struct node *node_find(struct conn *c, const struct node *dir, const char *name);
void node_insert(struct conn *c, struct node *n);
/* Out of the table; the descriptor, if there is one, then stays until the node dies. */
void node_unhash(struct conn *c, struct node *n);

/*
 * A node with one reference, not hashed, for what st describes; NULL if there are too many. Takes
 * fd (O_PATH, or -1), also on failure.
 */
struct node *node_new(struct conn *c, struct node *parent, const char *name, int fd,
		      const struct statx *st);
/* Is st the file that the node stands for? */
bool node_same(const struct node *n, const struct statx *st);

#endif
