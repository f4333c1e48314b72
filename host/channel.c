/*
 * channel.c - see channel.h. A socket's path would be too long for sun_path in many a state directory, so both ends go
 * through /proc/self/fd.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "host/channel.h"
#include "host/write_all.h"

#define HEAD	    offsetof(struct chan_msg, data)
#define SOCKET_NAME "control.sock"

int chan_send(int fd, const struct chan_msg *m, const int *fds, size_t n, struct error *err)
{
	union {
		struct cmsghdr head;
		char room[CMSG_SPACE(CHAN_FDS_MAX * sizeof(int))];
	} control = { 0 };
	struct iovec iov = { (void *)m, HEAD + m->len };
	struct msghdr h = { .msg_iov = &iov, .msg_iovlen = 1 };

	if (m->len > CHAN_DATA_MAX || n > CHAN_FDS_MAX)
		return error_set(err, EMSGSIZE, "a message of type %u is too large", m->type);
	if (n) {
		h.msg_control = &control;
		h.msg_controllen = CMSG_SPACE(n * sizeof(int));
		control.head = (struct cmsghdr){ .cmsg_level = SOL_SOCKET,
						 .cmsg_type = SCM_RIGHTS,
						 .cmsg_len = CMSG_LEN(n * sizeof(int)) };
		memcpy(CMSG_DATA(&control.head), fds, n * sizeof(int));
	}
	while (sendmsg(fd, &h, MSG_NOSIGNAL) < 0)
		if (errno != EINTR)
			return error_errno(err, "tell the sandbox");
	return 0;
}

void chan_close_fds(int *fds, size_t n)
{
	for (size_t i = 0; i < n; i++)
		close(fds[i]);
}

/* All descriptors of the packet; more than *n are closed, and *n is what is left. */
static void take_fds(struct msghdr *h, int *fds, size_t *n)
{
	size_t room = fds ? *n : 0, got = 0;

	for (struct cmsghdr *c = CMSG_FIRSTHDR(h); c; c = CMSG_NXTHDR(h, c)) {
		size_t count = (c->cmsg_len - CMSG_LEN(0)) / sizeof(int);
		int fd;

		if (c->cmsg_level != SOL_SOCKET || c->cmsg_type != SCM_RIGHTS)
			continue;
		for (size_t i = 0; i < count; i++) {
			memcpy(&fd, CMSG_DATA(c) + i * sizeof(int), sizeof(fd));
			if (got < room)
				fds[got++] = fd;
			else
				close(fd);
		}
	}
	if (n)
		*n = got;
}

int chan_recv(int fd, struct chan_msg *m, int *fds, size_t *n, int flags, struct error *err)
{
	union {
		struct cmsghdr head;
		char room[CMSG_SPACE(CHAN_FDS_MAX * sizeof(int))];
	} control;
	struct iovec iov = { m, sizeof(*m) };
	struct msghdr h = {
		.msg_iov = &iov,
		.msg_iovlen = 1,
		.msg_control = &control,
		.msg_controllen = sizeof(control),
	};
	ssize_t got;

	/* ECONNRESET, once: the peer closed without reading all of ours. What it said before is still to come, then the end. */
	do
		got = recvmsg(fd, &h, flags | MSG_CMSG_CLOEXEC);
	while (got < 0 && (errno == EINTR || errno == ECONNRESET));
	if (got < 0) {
		if (n)
			*n = 0;
		return error_errno(err, "hear from the sandbox");
	}
	take_fds(&h, fds, n);
	if (got == 0)
		return 0;
	if ((size_t)got < HEAD || m->len > CHAN_DATA_MAX || (size_t)got < HEAD + m->len ||
	    h.msg_flags & MSG_TRUNC) {
		if (n && fds) {
			chan_close_fds(fds, *n);
			*n = 0;
		}
		return error_set(err, EPROTO, "a malformed message on the control socket");
	}
	return 1;
}

static socklen_t address(int dir_fd, struct sockaddr_un *a)
{
	*a = (struct sockaddr_un){ .sun_family = AF_UNIX };
	snprintf(a->sun_path, sizeof(a->sun_path), "/proc/self/fd/%d/" SOCKET_NAME, dir_fd);
	return sizeof(*a);
}

int chan_listen(int dir_fd, struct error *err)
{
	int fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	struct sockaddr_un a;
	socklen_t len = address(dir_fd, &a);

	if (fd < 0)
		return error_errno(err, "control socket");
	if (bind(fd, (struct sockaddr *)&a, len) < 0 ||
	    fchmodat(dir_fd, SOCKET_NAME, 0600, 0) < 0 || listen(fd, 128) < 0) {
		error_errno(err, "control socket");
		close(fd);
		return -1;
	}
	return fd;
}

static int connect_to(const struct sockaddr_un *a, struct error *err)
{
	int fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);

	if (fd < 0)
		return error_errno(err, "control socket");
	while (connect(fd, (const struct sockaddr *)a, sizeof(*a)) < 0) {
		if (errno == EINTR)
			continue;
		error_errno(err, "reach the sandbox");
		close(fd);
		return -1;
	}
	return fd;
}

int chan_connect(int dir_fd, struct error *err)
{
	struct sockaddr_un a;

	address(dir_fd, &a);
	return connect_to(&a, err);
}

int chan_open_file(int dir_fd)
{
	return openat(dir_fd, SOCKET_NAME, O_PATH | O_NOFOLLOW | O_CLOEXEC);
}

int chan_connect_file(int file_fd, struct error *err)
{
	struct sockaddr_un a = { .sun_family = AF_UNIX };
	int fs = fsopen("proc", FSOPEN_CLOEXEC), proc = -1;

	if (fs >= 0 && fsconfig(fs, FSCONFIG_CMD_CREATE, NULL, NULL, 0) == 0)
		proc = fsmount(fs, FSMOUNT_CLOEXEC, MOUNT_ATTR_NOEXEC);
	if (proc < 0 || fchdir(proc) < 0)
		return error_errno(err, "a /proc to find the sandbox by");
	close(fs);
	close(proc);
	snprintf(a.sun_path, sizeof(a.sun_path), "self/fd/%d", file_fd);
	return connect_to(&a, err);
}

int chan_memfd(const char *name, const void *data, size_t len, struct error *err)
{
	int fd = memfd_create(name, MFD_CLOEXEC | MFD_ALLOW_SEALING);

	if (fd < 0)
		return error_errno(err, "memfd");
	/* The other side reads it from the position that comes along. */
	if (write_all(fd, data, len) == 0 && lseek(fd, 0, SEEK_SET) == 0 &&
	    fcntl(fd, F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE | F_SEAL_SEAL) == 0)
		return fd;
	error_errno(err, "memfd");
	close(fd);
	return -1;
}
