/*
 * xattr.c - extended attributes over 9P. Each is a file of its own, which Txattrwalk opens for reading and Txattrcreate for writing.
 */
#include <string.h>

#include "fs/p9/p9.h"

static s64 xattr_read(struct inode *i, const char *name, void *buf, size_t size)
{
	struct p9_client *c = p9_s(i)->c;
	u32 fid, xfid = p9_fid_new(c);
	enum p9_fid_kind kind;
	struct p9_req *r;
	s64 ret;
	u64 n = 0;

	ret = p9_fid_any(p9_i(i), &kind, &fid);
	if (ret) {
		p9_fid_free(c, xfid);
		return ret;
	}
	r = p9_begin(c, P9_TXATTRWALK);
	ret = PTR_ERR(r);
	if (!IS_ERR(r)) {
		p9_put32(&r->out, fid);
		p9_put32(&r->out, xfid);
		p9_putstr(&r->out, name, strlen(name));
		ret = p9_call(r);
		n = p9_get64(&r->in);
	}
	p9_end(r);
	p9_fid_put(p9_i(i), kind);
	if (ret) {
		p9_fid_free(c, xfid);
		return ret;
	}
	if (n > XATTR_SIZE_MAX)
		ret = -EPROTO;
	else if (size && n > size)
		ret = -ERANGE;
	else if (size)
		ret = p9_read_small(c, xfid, 0, buf, n);
	else
		ret = (s64)n;
	p9_clunk(c, xfid);
	return ret;
}

/*
 * Labels of SELinux are of the host's policy, which does not know our tasks, and system. has the host's access lists: neither is
 * shown or changed. ls -l asks for the label of each file.
 */
static bool hidden(const char *name)
{
	return strcmp(name, "security.selinux") == 0 || strncmp(name, "system.", 7) == 0;
}

s64 p9_op_getxattr(struct inode *i, const char *name, void *buf, size_t size)
{
	return hidden(name) ? -ENODATA : xattr_read(i, name, buf, size);
}

s64 p9_op_listxattr(struct inode *i, char *buf, size_t size)
{
	s64 n = xattr_read(i, "", buf, size), out = 0;

	if (n <= 0 || !size)
		return n;
	if (buf[n - 1])
		return -EPROTO;
	for (s64 at = 0; at < n;) {
		size_t len = strlen(buf + at) + 1;

		if (!hidden(buf + at)) {
			memmove(buf + out, buf + at, len);
			out += (s64)len;
		}
		at += (s64)len;
	}
	return out;
}

int p9_op_setxattr(struct inode *i, const char *name, const void *v, size_t n, int flags)
{
	struct p9_client *c = p9_s(i)->c;
	enum p9_fid_kind kind;
	struct p9_qid qid;
	struct p9_req *r;
	u32 fid, xfid;
	s64 err;

	if (hidden(name))
		return -EOPNOTSUPP;
	/* In the message this would remove it: an empty value replaces without the flag. */
	if (v && !n && (flags & XATTR_REPLACE)) {
		err = xattr_read(i, name, NULL, 0);
		if (err < 0)
			return (int)err;
		flags &= ~XATTR_REPLACE;
	}
	p9_i(i)->removes = false; /* it may be an access list */
	xfid = p9_fid_new(c);
	err = p9_fid_get(p9_i(i), kind = P9_FID_WALK, &fid);
	if (!err) {
		err = p9_walk(c, fid, xfid, NULL, 0, &qid);
		p9_fid_put(p9_i(i), kind);
	}
	if (err) {
		p9_fid_free(c, xfid);
		return (int)err;
	}
	r = p9_begin(c, P9_TXATTRCREATE);
	err = PTR_ERR(r);
	if (!IS_ERR(r)) {
		p9_put32(&r->out, xfid);
		p9_putstr(&r->out, name, strlen(name));
		p9_put64(&r->out, v ? n : 0);
		p9_put32(&r->out, v ? (u32)flags : XATTR_REPLACE);
		err = p9_call(r);
	}
	p9_end(r);
	if (!err && v && n) {
		err = p9_write_small(c, xfid, 0, v, n);
		err = err < 0 ? err : 0;
	}
	/* The server sets it at the clunk, whose answer counts. */
	r = p9_begin(c, P9_TCLUNK);
	if (!IS_ERR(r)) {
		int e;

		p9_put32(&r->out, xfid);
		e = p9_call(r);
		err = err ? err : e;
	}
	p9_end(r);
	p9_fid_free(c, xfid);
	p9_changed(p9_i(i));
	return (int)err;
}
