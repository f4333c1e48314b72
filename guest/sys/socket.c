/*
 * socket.c - socket(2), socketpair(2), bind(2), listen(2), connect(2), accept(2), shutdown(2), the names of sockets.
 */
#include <string.h>

#include "fs/abi.h"
#include "net/landlock.h"
#include "net/sysctl.h"
#include "sys/socket.h"

struct socket *socket_get(int fd, struct file **f)
{
	struct socket *s;

	*f = fd_get(fd);
	if (IS_ERR(*f))
		return (struct socket *)*f;
	s = sock_of_file(*f);
	if (!s) {
		file_put(*f);
		return ERR_PTR(-ENOTSOCK);
	}
	return s;
}

int sock_addr_read(struct sock_addr *a, uaddr_t from, s32 len)
{
	memset(a, 0, sizeof(*a));
	if (len < 0 || len > SOCKADDR_MAX)
		return -EINVAL;
	a->len = (u32)len;
	return user_read(a->raw, from, (size_t)len) ? -EFAULT : 0;
}

int sock_addr_write(const struct sock_addr *a, uaddr_t to, uaddr_t lenp)
{
	s32 len;

	if (user_read(&len, lenp, sizeof(len)))
		return -EFAULT;
	if (len < 0)
		return -EINVAL;
	len = (s32)MIN((u32)len, a->len);
	if (user_write(to, a->raw, (size_t)len))
		return -EFAULT;
	len = (s32)a->len;
	return user_write(lenp, &len, sizeof(len)) ? -EFAULT : 0;
}

/* A file for s, which it takes over also when that fails. */
static struct file *socket_file(struct socket *s, u32 flags)
{
	struct file *f = sock_file(s, flags & SOCK_NONBLOCK ? O_NONBLOCK : 0);

	if (IS_ERR(f)) {
		s->ops->release(s);
		sock_put(s);
	}
	return f;
}

struct file *socket_accepted(struct socket *conn, u32 flags, uaddr_t addr, uaddr_t lenp)
{
	struct sock_addr a = { 0 };
	struct file *f = socket_file(conn, flags);
	int err;

	if (!addr || IS_ERR(f))
		return f;
	err = conn->ops->getname(conn, &a, true) ? -ECONNABORTED : sock_addr_write(&a, addr, lenp);
	if (!err)
		return f;
	file_put(f);
	return ERR_PTR(err);
}

struct file *socket_new(int family, int type, int protocol)
{
	struct socket *s = sock_create(family, type & SOCK_TYPE_MASK, protocol);

	return IS_ERR(s) ? (struct file *)s : socket_file(s, (u32)type);
}

s64 sys_socket(int_a family, int_a type, int_a protocol)
{
	if (type & ~(SOCK_TYPE_MASK | SOCK_CLOEXEC | SOCK_NONBLOCK))
		return -EINVAL;
	return fd_install_new(socket_new(family, type, protocol), type & SOCK_CLOEXEC);
}

/* Two new sockets that are connected with each other. */
static int new_pair(int family, int type, int protocol, struct file *pair[2])
{
	struct socket *s;
	int err;

	pair[0] = socket_new(family, type, protocol);
	if (IS_ERR(pair[0]))
		return (int)PTR_ERR(pair[0]);
	s = sock_of_file(pair[0]);
	pair[1] = s->ops->pair ? socket_new(family, type, protocol) : ERR_PTR(-EOPNOTSUPP);
	err = IS_ERR(pair[1]) ? (int)PTR_ERR(pair[1]) : s->ops->pair(s, sock_of_file(pair[1]));
	if (!err)
		return 0;
	file_put(pair[0]);
	if (!IS_ERR(pair[1]))
		file_put(pair[1]);
	return err;
}

s64 sys_socketpair(int_a family, int_a type, int_a protocol, uptr_a fds)
{
	struct file *pair[2] = { NULL, NULL };
	s32 fd[2];
	int err;

	if (type & ~(SOCK_TYPE_MASK | SOCK_CLOEXEC | SOCK_NONBLOCK))
		return -EINVAL;
	err = fd_reserve_pair(fd, type & SOCK_CLOEXEC, fds);
	if (err)
		return err;
	err = new_pair(family, type, protocol, pair);
	if (err) {
		fd_cancel_pair(fd);
		return err;
	}
	fd_commit(fd[0], pair[0]);
	fd_commit(fd[1], pair[1]);
	return 0;
}

static int do_bind(struct socket *s, const struct sock_addr *a, bool nonblock)
{
	int err = landlock_may_bind(s, a);

	if (err)
		return err;
	return s->ops->bind ? s->ops->bind(s, a) : -EOPNOTSUPP;
}

static int do_connect(struct socket *s, const struct sock_addr *a, bool nonblock)
{
	return s->ops->connect ? sock_connect(s, a, nonblock) : -EOPNOTSUPP;
}

static s64 with_address(int fd, uaddr_t addr, s32 len,
			int (*call)(struct socket *s, const struct sock_addr *a, bool nonblock))
{
	struct sock_addr a;
	struct file *f;
	struct socket *s = socket_get(fd, &f);
	s64 err;

	if (IS_ERR(s))
		return PTR_ERR(s);
	err = sock_addr_read(&a, addr, len);
	if (!err)
		err = call(s, &a, f->flags & O_NONBLOCK);
	file_put(f);
	return err;
}

s64 sys_bind(fd_a fd, uptr_a addr, int_a addrlen)
{
	return with_address(fd, addr, addrlen, do_bind);
}

s64 sys_connect(fd_a fd, uptr_a addr, int_a addrlen)
{
	return with_address(fd, addr, addrlen, do_connect);
}

s64 sys_listen(fd_a fd, int_a backlog)
{
	struct file *f;
	struct socket *s = socket_get(fd, &f);
	s64 err;

	if (IS_ERR(s))
		return PTR_ERR(s);
	if ((u32)backlog > net_sysctl(s->net, SYSCTL_SOMAXCONN))
		backlog = (int)net_sysctl(s->net, SYSCTL_SOMAXCONN);
	err = s->ops->listen ? s->ops->listen(s, backlog) : -EOPNOTSUPP;
	file_put(f);
	return err;
}

static s64 do_accept(struct file *f, struct socket *s, uptr_a addr, uptr_a addrlen, u32 flags)
{
	struct socket *conn = NULL;
	s64 err;
	int fd;

	/* Without a number the connection stays where it is. */
	fd = fd_reserve(flags & SOCK_CLOEXEC);
	if (fd < 0)
		return fd;
	err = s->ops->accept ? sock_accept(s, f->flags & O_NONBLOCK, &conn) : -EOPNOTSUPP;
	return fd_finish(fd, err ? ERR_PTR(err) : socket_accepted(conn, flags, addr, addrlen));
}

s64 sys_accept4(fd_a fd, uptr_a addr, uptr_a addrlen, flags_a flags)
{
	struct file *f;
	struct socket *s;
	s64 r;

	if (flags & ~(u32)(SOCK_CLOEXEC | SOCK_NONBLOCK))
		return -EINVAL;
	s = socket_get(fd, &f);
	if (IS_ERR(s))
		return PTR_ERR(s);
	r = do_accept(f, s, addr, addrlen, flags);
	file_put(f);
	return r;
}

s64 sys_accept(fd_a fd, uptr_a addr, uptr_a addrlen)
{
	return sys_accept4(fd, addr, addrlen, 0);
}

static s64 getname(int fd, uaddr_t addr, uaddr_t addrlen, bool peer)
{
	struct sock_addr a = { 0 };
	struct file *f;
	struct socket *s = socket_get(fd, &f);
	s64 err;

	if (IS_ERR(s))
		return PTR_ERR(s);
	err = s->ops->getname ? s->ops->getname(s, &a, peer) : -EOPNOTSUPP;
	if (!err)
		err = sock_addr_write(&a, addr, addrlen);
	file_put(f);
	return err;
}

s64 sys_getsockname(fd_a fd, uptr_a addr, uptr_a addrlen)
{
	return getname(fd, addr, addrlen, false);
}

s64 sys_getpeername(fd_a fd, uptr_a addr, uptr_a addrlen)
{
	return getname(fd, addr, addrlen, true);
}

s64 sys_shutdown(fd_a fd, int_a how)
{
	struct file *f;
	struct socket *s = socket_get(fd, &f);
	s64 err;

	if (IS_ERR(s))
		return PTR_ERR(s);
	if (how < SHUT_RD || how > SHUT_RDWR)
		err = -EINVAL;
	else
		err = s->ops->shutdown ? s->ops->shutdown(s, how) : -EOPNOTSUPP;
	file_put(f);
	return err;
}
