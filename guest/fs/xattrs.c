/*
 * xattrs.c - extended attributes in memory: a list, newest last, since files have few.
 */
#include <string.h>

#include "fs/xattrs.h"
#include "mm/slab.h"

struct xattr_node {
	struct xattr_node *next;
	u32 size, name_len;
	char data[]; /* name, NUL, value */
};

static struct xattr_node **find(struct xattrs *x, const char *name)
{
	struct xattr_node **p = &x->first;

	while (*p && strcmp((*p)->data, name))
		p = &(*p)->next;
	return p;
}

s64 xattrs_get(const struct xattrs *x, const char *name, void *buf, size_t size)
{
	struct xattr_node *n = *find((struct xattrs *)x, name);

	if (!n)
		return -ENODATA;
	if (!size)
		return n->size;
	if (size < n->size)
		return -ERANGE;
	memcpy(buf, n->data + n->name_len + 1, n->size);
	return n->size;
}

int xattrs_set(struct xattrs *x, const char *name, const void *value, size_t size, int flags)
{
	struct xattr_node **p = find(x, name), *old = *p, *n;
	size_t len = strlen(name);

	if (old && (flags & XATTR_CREATE))
		return -EEXIST;
	if (!old && ((flags & XATTR_REPLACE) || !value))
		return -ENODATA;
	if (!value) {
		*p = old->next;
		kfree(old);
		return 0;
	}
	n = kmalloc(sizeof(*n) + len + 1 + size);
	if (!n)
		return -ENOMEM;
	n->next = old ? old->next : NULL;
	n->size = (u32)size;
	n->name_len = (u32)len;
	memcpy(n->data, name, len + 1);
	memcpy(n->data + len + 1, value, size);
	*p = n;
	kfree(old);
	return 0;
}

s64 xattrs_list(const struct xattrs *x, char *buf, size_t size)
{
	size_t need = 0;

	for (struct xattr_node *n = x->first; n; n = n->next) {
		size_t k = n->name_len + 1;

		if (size && need + k > size)
			return -ERANGE;
		if (size)
			memcpy(buf + need, n->data, k);
		need += k;
	}
	return (s64)need;
}

void xattrs_free(struct xattrs *x)
{
	while (x->first) {
		struct xattr_node *n = x->first;

		x->first = n->next;
		kfree(n);
	}
}
