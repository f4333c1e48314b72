/* Sockets of AF_UNIX, for the tests of them. */
#ifndef ABI_UNIX_H
#define ABI_UNIX_H

#include "abi.h"
#include <poll.h>
#include <sys/socket.h>
#include <sys/un.h>

static void pair_of(int type, int fd[2])
{
	fd[0] = fd[1] = -1;
	CHECK_OK(socketpair(AF_UNIX, type, 0, fd));
}

ABI_UNUSED static void pair(int fd[2])
{
	pair_of(SOCK_STREAM, fd);
}

ABI_UNUSED static void drop(int fd[2])
{
	close(fd[0]);
	close(fd[1]);
}

/* An abstract name that no other process uses. */
ABI_UNUSED static socklen_t name(struct sockaddr_un *a, const char *what)
{
	memset(a, 0, sizeof(*a));
	a->sun_family = AF_UNIX;
	return (socklen_t)(offsetof(struct sockaddr_un, sun_path) + 1 +
			   sprintf(a->sun_path + 1, "moat-%d-%s", (int)getpid(), what));
}

ABI_UNUSED static int listener(struct sockaddr_un *a, socklen_t *len, const char *what, int backlog)
{
	int l = socket(AF_UNIX, SOCK_STREAM, 0);

	*len = name(a, what);
	CHECK_OK(bind(l, (void *)a, *len));
	CHECK_OK(listen(l, backlog));
	return l;
}

ABI_UNUSED static short events(int fd)
{
	struct pollfd p = { fd, POLLIN | POLLOUT | POLLPRI | POLLRDHUP, 0 };

	poll(&p, 1, 0);
	return p.revents;
}

#endif
