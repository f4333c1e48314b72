/*
 * transport_fd.c - 9P over a stream socket, for interop with Linux's trans=fd, diod's tools, and
 * tests. Data is copied through a buffer here; the product's path is transport_ring.c.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "host/error.h"
#include "host/gofer/conn.h"
#include "host/gofer/transport.h"
#include "host/write_all.h"

/* 1: all len bytes; 0: end of file at the first; -1: errno (EPROTO: end of file in the middle). */
static int read_all(int fd, char *buf, size_t len)
{
	size_t got = 0;

	while (got < len) {
		ssize_t n = read(fd, buf + got, len - got);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -1;
		if (!n && !got)
			return 0;
		if (!n) {
			errno = EPROTO;
			return -1;
		}
		got += n;
	}
	return 1;
}

int transport_fd_serve(struct conn *c, int fd, struct error *err)
{
	char *t = malloc(P9_MSIZE_MAX), *r = malloc(P9_MSIZE_MAX);
	struct iovec out = { .iov_base = t }, in = { .iov_base = r, .iov_len = P9_MSIZE_MAX };
	int ret = -1;

	if (!t || !r) {
		error_set(err, ENOMEM, "9P stream: out of memory");
		goto done;
	}
	for (;;) {
		uint32_t size;
		size_t answer;

		ret = read_all(fd, t, 4);
		if (ret <= 0)
			break;
		memcpy(&size, t, 4);
		if (size < P9_HDR || size > c->msize) {
			ret = error_set(err, EPROTO, "9P stream: message of %u bytes", size);
			goto done;
		}
		ret = read_all(fd, t + 4, size - 4);
		if (!ret)
			errno = EPROTO;
		if (ret <= 0)
			break;
		out.iov_len = size;
		answer = conn_handle(c, &out, 1, size, &in, 1, in.iov_len);
		if (write_all(fd, r, answer) < 0) {
			ret = -1;
			break;
		}
	}
	if (ret < 0 && (errno == EPIPE || errno == ECONNRESET))
		ret = 0; /* the client has closed its end */
	else if (ret < 0)
		error_errno(err, "9P stream");
done:
	free(t);
	free(r);
	return ret;
}
