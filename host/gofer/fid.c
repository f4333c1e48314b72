/*
 * fid.c - fid table (fid.h).
 */
#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

#include "host/gofer/conn.h"

static struct fid **bucket(struct conn *c, uint32_t num)
{
	return &c->fids.bucket[(num ^ num >> 10) % FID_BUCKETS];
}

struct fid *fid_find(struct conn *c, uint32_t num)
{
	struct fid *f = *bucket(c, num);

	while (f && f->num != num)
		f = f->next;
	return f;
}

int fid_check_new(struct conn *c, uint32_t num)
{
	if (num == P9_NOFID)
		return -EBADF;
	if (fid_find(c, num))
		return -EEXIST;
	return c->fids.count < FID_MAX ? 0 : -ENFILE;
}

int fid_new(struct conn *c, uint32_t num, uint32_t uid, struct node *node, struct fid **out)
{
	int ret = fid_check_new(c, num);
	struct fid *f = ret ? NULL : calloc(1, sizeof(*f));

	if (!f) {
		node_unref(c, node);
		return ret ? ret : -ENOMEM;
	}
	f->num = num;
	f->uid = uid;
	f->node = node;
	f->fd = -1;
	f->next = *bucket(c, num);
	*bucket(c, num) = f;
	c->fids.count++;
	*out = f;
	return 0;
}

static void destroy(struct conn *c, struct fid *f)
{
	if (f->fd >= 0)
		open_drop(c, f->fd);
	node_unref(c, f->node);
	xattr_free(c, f);
	free(f);
	c->fids.count--;
}

void fid_drop(struct conn *c, struct fid *f)
{
	struct fid **p;

	for (p = bucket(c, f->num); *p != f; p = &(*p)->next)
		;
	*p = f->next;
	destroy(c, f);
}

void fid_drop_all(struct conn *c)
{
	for (unsigned i = 0; c->fids.count && i < FID_BUCKETS; i++) {
		while (c->fids.bucket[i]) {
			struct fid *f = c->fids.bucket[i];

			c->fids.bucket[i] = f->next;
			destroy(c, f);
		}
	}
}

int fid_fd(struct conn *c, struct fid *f)
{
	return f->fd >= 0 ? f->fd : node_fd(c, f->node);
}
