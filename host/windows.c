/*
 * windows.c - see windows.h. A window is a shared read-only mapping inside a reservation that the VM has as one read-only
 * memory slot, so nothing that is asked for here can touch other memory of ours or become writable; and a descriptor that
 * can be written to, or is no regular file, is not taken even from a gofer.
 *
 * One thread, after the seal: recvmsg, fstat, fcntl, close, and the two forms of mmap that the seal allows (jail.c).
 */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "abi/dax_early.h"
#include "host/error.h"
#include "host/windows.h"

#define PAGE 4096ULL
/* Behind the last window: the host rounds the length of a file of huge pages (hugetlbfs) up to one of them. */
#define GUARD (1ULL << 30)

int windows_reserve(struct sandbox *sb, uint64_t size, struct error *err)
{
	void *p;

	if (!sb->dax)
		return 0;
	p = mmap(NULL, size + GUARD, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	if (p == MAP_FAILED)
		return error_errno(err, "reserve %llu MiB for windows of files",
				   (unsigned long long)size >> 20);
	sb->windows = p;
	sb->windows_size = size;
	return 0;
}

/* The next datagram and its descriptor, or *fd = -1. 0, or -errno; -EAGAIN: there is none. */
static int receive(int sock, struct dax_message *m, int *fd)
{
	union {
		struct cmsghdr head;
		char space[CMSG_LEN(sizeof(int))]; /* for one: the rest stays with the kernel */
	} control;
	struct iovec iov = { m, sizeof(*m) };
	struct msghdr h = { .msg_iov = &iov,
			    .msg_iovlen = 1,
			    .msg_control = &control,
			    .msg_controllen = CMSG_LEN(sizeof(int)) };
	struct cmsghdr *c;
	ssize_t n = recvmsg(sock, &h, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);

	*fd = -1;
	if (n < 0)
		return -errno;
	c = CMSG_FIRSTHDR(&h);
	if (c && c->cmsg_level == SOL_SOCKET && c->cmsg_type == SCM_RIGHTS &&
	    c->cmsg_len == CMSG_LEN(sizeof(int)))
		memcpy(fd, CMSG_DATA(c), sizeof(*fd));
	if (n == 0)
		return -EAGAIN; /* no gofer is left */
	return n == sizeof(*m) && *fd >= 0 ? 0 : -EPROTO;
}

static int map_file(char *at, uint64_t len, int fd)
{
	struct stat st;
	int flags = fcntl(fd, F_GETFL);

	if (flags < 0 || flags & O_PATH || (flags & O_ACCMODE) != O_RDONLY || fstat(fd, &st) < 0 ||
	    !S_ISREG(st.st_mode))
		return -EACCES;
	return mmap(at, len, PROT_READ, MAP_SHARED | MAP_FIXED, fd, 0) == MAP_FAILED ? -errno : 0;
}

/* The descriptor that some gofer sent with this cookie, or -ENOENT. */
static int arrived(int sock, uint64_t cookie)
{
	static struct dax_early early;
	struct dax_message m;
	int ret, fd = dax_early_take(&early, cookie);

	while (fd < 0) {
		ret = receive(sock, &m, &fd);
		if (!ret && m.cookie == cookie)
			break;
		if (!ret && m.cookie)
			fd = dax_early_keep(&early, m.cookie, fd);
		if (fd >= 0)
			close(fd);
		if (ret && ret != -EPROTO && ret != -EINTR)
			return -ENOENT;
		fd = -1;
	}
	return fd;
}

int windows_change(struct sandbox *sb, const struct dax_message *m)
{
	uint64_t off = m->window - DAX_RO_PADDR;
	int fd, ret;

	if (!sb->windows)
		return -EOPNOTSUPP;
	if (m->window < DAX_RO_PADDR || off % DAX_ALIGN || m->len % PAGE || !m->len ||
	    m->len > DAX_FILE_MAX || off > sb->windows_size || m->len > sb->windows_size - off)
		return -EINVAL;
	if (!m->cookie)
		return mmap(sb->windows + off, m->len, PROT_NONE,
			    MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | MAP_FIXED, -1,
			    0) == MAP_FAILED
			       ? -errno
			       : 0;
	fd = arrived(sb->dax_fd[0], m->cookie);
	if (fd < 0)
		return fd;
	ret = map_file(sb->windows + off, m->len, fd);
	close(fd);
	return ret;
}
