/*
 * names.c - see names.h. The launcher, sealed, uses the socket; it parses no more of an answer than what it has to cut.
 */
#include <arpa/inet.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "abi/net.h"
#include "host/error.h"
#include "host/net/names.h"

#define HEAD 12 /* bytes of a message's header */
#define CUT  2	/* the flag in its third byte */

int names_open(struct error *err)
{
	struct sockaddr_in to = { .sin_family = AF_INET, .sin_port = htons(53) };
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

	if (fd < 0)
		return error_errno(err, "open a socket for names");
	to.sin_addr.s_addr = htonl(NET_NAMES_IP);
	if (connect(fd, (struct sockaddr *)&to, sizeof(to)) < 0) {
		error_errno(err, "%s", NET_NAMES_ADDR);
		close(fd);
		return -1;
	}
	return fd;
}

void names_ask(int fd, const void *query, size_t len)
{
	struct iovec iov = { (void *)query, len };
	struct msghdr h = { .msg_iov = &iov, .msg_iovlen = 1 };

	if (fd >= 0 && sendmsg(fd, &h, MSG_DONTWAIT | MSG_NOSIGNAL) < 0)
		return; /* whoever asked asks again */
}

/* The header and the question alone: whoever asked will ask for less, or by other means. */
static size_t cut(unsigned char *m, size_t size)
{
	size_t at = HEAD;

	while (at < size && m[at] && m[at] < 64)
		at += m[at] + 1u;
	m[2] |= CUT;
	memset(m + 6, 0, 6); /* no answers, authorities, additions */
	if (m[4] == 0 && m[5] == 1 && at + 5 <= size && !m[at])
		return at + 5;
	memset(m + 4, 0, 2); /* no question either: none, several, or none that can be read */
	return HEAD;
}

size_t names_hear(int fd, unsigned char *answer, size_t size)
{
	ssize_t n = recv(fd, answer, size, MSG_DONTWAIT | MSG_TRUNC);

	if (n < HEAD) /* also "nobody listens there" */
		return 0;
	return (size_t)n <= size ? (size_t)n : cut(answer, size);
}
