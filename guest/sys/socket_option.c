/*
 * socket_option.c - setsockopt(2) and getsockopt(2): the value in a kernel copy.
 */
#include <string.h>

#include "mm/slab.h"
#include "sys/pidfd.h"
#include "sys/socket.h"

#define SMALL	  256
#define VALUE_MAX (512 * 1024) /* most that any option takes or gives */
#define SOL_IPV6  41

/* Of IPv6 on a socket that is none of it: no Linux has that. */
static void no_option(const struct socket *s, const char *call, int level, int name)
{
	if (level != SOL_IPV6 || s->family != AF_INET)
		unsupported(call, (u64)(u32)level << 32 | (u32)name);
}

s64 sys_setsockopt(fd_a fd, int_a level, int_a name, uptr_a value, int_a len)
{
	u8 small[SMALL], *v = small;
	struct file *f;
	struct socket *s;
	s64 err;

	if (len < 0)
		return -EINVAL;
	s = socket_get(fd, &f);
	if (IS_ERR(s))
		return PTR_ERR(s);
	if (len > SMALL)
		v = len <= VALUE_MAX ? kmalloc((size_t)len) : NULL;
	if (!v)
		err = len > VALUE_MAX ? -EINVAL : -ENOBUFS;
	else if (user_read(v, value, (size_t)len))
		err = -EFAULT;
	else
		err = sock_setsockopt(s, level, name, v, (unsigned)len);
	if (err == -ENOPROTOOPT)
		no_option(s, "setsockopt", level, name);
	if (v != small)
		kfree(v);
	file_put(f);
	return err;
}

static s64 get_peer_pidfd(struct socket *s, uaddr_t value, uaddr_t lenp)
{
	struct process *peer = s->ops->peer ? s->ops->peer(s) : NULL;
	struct file *f;
	s32 len, fd;

	if (user_read(&len, lenp, sizeof(len)))
		return -EFAULT;
	if (len < 0)
		return -EINVAL;
	len = MIN(len, (s32)sizeof(fd));
	if (!peer)
		return -ENODATA;
	fd = pidfd_prepare(peer, &f);
	if (fd < 0)
		return fd;
	if (user_write(value, &fd, (size_t)len) || user_write(lenp, &len, sizeof(len))) {
		fd_cancel(fd);
		file_put(f);
		return -EFAULT;
	}
	fd_commit(fd, f);
	return 0;
}

static s64 get(struct socket *s, int level, int name, uaddr_t value, uaddr_t lenp)
{
	u8 small[SMALL], *v = small;
	unsigned n, room;
	s32 len;
	s64 err;

	if (user_read(&len, lenp, sizeof(len)))
		return -EFAULT;
	if (len < 0)
		return -EINVAL;
	n = room = (unsigned)MIN(len, VALUE_MAX);
	if (n > SMALL)
		v = kzalloc(n);
	if (!v)
		return -ENOBUFS;
	/* Some options are asked something (PACKET_HDRLEN); the others do not look. */
	if (n >= sizeof(u32) && user_read(v, value, sizeof(u32)))
		memset(v, 0, sizeof(u32));
	err = sock_getsockopt(s, level, name, v, &n);
	/* A list may be longer than the room for it. */
	if (!err && user_write(value, v, MIN(n, room)))
		err = -EFAULT;
	len = (s32)n;
	if ((!err || err == -ERANGE) && user_write(lenp, &len, sizeof(len)))
		err = -EFAULT;
	if (v != small)
		kfree(v);
	return err;
}

s64 sys_getsockopt(fd_a fd, int_a level, int_a name, uptr_a value, uptr_a len)
{
	struct file *f;
	struct socket *s = socket_get(fd, &f);
	s64 err;

	if (IS_ERR(s))
		return PTR_ERR(s);
	if (level == SOL_SOCKET && name == SO_PEERPIDFD)
		err = get_peer_pidfd(s, value, len);
	else
		err = get(s, level, name, value, len);
	if (err == -ENOPROTOOPT)
		no_option(s, "getsockopt", level, name);
	file_put(f);
	return err;
}
