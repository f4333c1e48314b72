/*
 * dax.c - windows of host files: the gofer's descriptor arrives on a socket, is mapped into the Sentry's own direct map for
 * its reads, and stays open, so that helpers can map it into application address spaces: they share our descriptors.
 *
 * platform_dax_map is for one caller at a time. Else no lock: a window's descriptor is set before anything shows the window,
 * and cleared when nothing does any more.
 */
#include "platform/systrap/systrap.h"

#include <string.h>

#include "abi/boot.h"
#include "abi/dax.h"
#include "abi/dax_early.h"
#include "host/systrap_fds.h"

#define CHUNKS (DAX_MAX / DAX_ALIGN)

#define MSG_DONTWAIT	 0x40
#define MSG_CMSG_CLOEXEC 0x40000000
#define SOL_SOCKET	 1
#define SCM_RIGHTS	 1

bool platform_dax_refused;

/* For each chunk of the region that is in use: the descriptor + 1, and the chunk where its file begins. */
static u32 chunk_fd[CHUNKS];
static u16 chunk_first[CHUNKS];

struct host_iovec {
	void *base;
	u64 len;
};

struct host_msghdr {
	void *name;
	u32 name_len;
	struct host_iovec *iov;
	u64 iov_len;
	void *control;
	u64 control_len;
	u32 flags;
};

struct host_cmsg {
	u64 len;
	s32 level, type;
	s32 fd, pad;
};

_Static_assert(sizeof(struct host_msghdr) == 56 && sizeof(struct host_cmsg) == 24, "msghdr");

/* The next datagram and its descriptor (-1: it has none). 0, or -errno: -EAGAIN when there is no datagram. */
static int receive(struct dax_message *m, int *fd)
{
	struct host_iovec iov = { m, sizeof(*m) };
	struct host_cmsg c = { 0 };
	/* Room for one descriptor, not two: what does not fit stays with the host. */
	struct host_msghdr h = { .iov = &iov, .iov_len = 1, .control = &c, .control_len = 20 };
	long n = hc3(HC_recvmsg, SYSTRAP_FD_DAX, &h, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);

	*fd = -1;
	if (n < 0)
		return (int)n;
	if (h.control_len >= 20 && c.level == SOL_SOCKET && c.type == SCM_RIGHTS)
		*fd = c.fd;
	return n == sizeof(*m) ? 0 : -EPROTO;
}

static bool take(int fd, paddr_t pa, u64 len)
{
	unsigned first = (unsigned)((pa - DAX_RO_PADDR) / DAX_ALIGN);
	unsigned n = (unsigned)((len + DAX_ALIGN - 1) / DAX_ALIGN);

	if (hc_failed(hc_mmap(paddr_to_ptr(pa), len, HC_PROT_READ, HC_MAP_SHARED | HC_MAP_FIXED, fd,
			      0)))
		return false;
	for (unsigned i = first; i < first + n; i++) {
		chunk_first[i] = (u16)first;
		WRITE_ONCE(chunk_fd[i], (u32)fd + 1);
	}
	return true;
}

/* Never asked: the descriptor comes to us. */
int (*platform_dax_ask)(paddr_t pa, u64 len, u64 cookie);

u64 platform_dax_size(void)
{
	return DAX_MAX;
}

/* The descriptor that some gofer sent with this cookie; -1: none did. */
static int arrived(u64 cookie)
{
	static struct dax_early early;
	struct dax_message m;
	int err, fd = dax_early_take(&early, cookie);

	while (fd < 0) {
		err = receive(&m, &fd);
		if (!err && fd >= 0 && m.cookie == cookie)
			break;
		if (!err && fd >= 0 && m.cookie)
			fd = dax_early_keep(&early, m.cookie, fd);
		if (fd >= 0)
			hc1(HC_close, fd);
		if (err < 0 && err != -EPROTO && err != -EINTR)
			return -1;
		fd = -1;
	}
	return fd;
}

int platform_dax_map(paddr_t pa, u64 len, u64 cookie)
{
	int fd = arrived(cookie);

	if (fd < 0)
		return -EIO;
	if (take(fd, pa, len))
		return 0;
	hc1(HC_close, fd);
	return -EIO;
}

void platform_dax_unmap(paddr_t pa, u64 len)
{
	unsigned first = (unsigned)((pa - DAX_RO_PADDR) / DAX_ALIGN);
	unsigned n = (unsigned)((len + DAX_ALIGN - 1) / DAX_ALIGN);
	int fd = (int)chunk_fd[first] - 1;

	hc2(HC_munmap, paddr_to_ptr(pa), len);
	for (unsigned i = first; i < first + n; i++)
		chunk_fd[i] = 0;
	hc1(HC_close, fd);
}

int ram_file(paddr_t pa, u64 *off)
{
	if (pa < ARENA_PADDR) {
		*off = pa - RAM_PADDR;
		return SYSTRAP_FD_RAM;
	}
	if (pa < DAX_RO_PADDR) {
		*off = pa - ARENA_PADDR;
		return SYSTRAP_FD_ARENA;
	}
	BUG_ON(pa >= DAX_RO_PADDR + DAX_MAX);
	pa -= DAX_RO_PADDR;
	*off = pa - chunk_first[pa / DAX_ALIGN] * DAX_ALIGN;
	return (int)READ_ONCE(chunk_fd[pa / DAX_ALIGN]) - 1;
}

size_t copy_mapped(void *dst, const void *src, size_t n)
{
	return copy_safe(dst, src, n);
}
