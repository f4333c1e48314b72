/*
 * pcap.c - the capture file of --pcap: what the sandbox sent and received, as tcpdump and Wireshark read it. A frame is one
 * write to a file opened for appending, so that both threads can write to it without a lock.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>

#include "host/error.h"
#include "host/net/net.h"

#define PCAP_MAGIC_NS 0xa1b23c4d /* times in nanoseconds */
#define PCAP_ETHERNET 1
#define PCAP_IOV_MAX  130

struct pcap_head {
	uint32_t magic;
	uint16_t major, minor;
	uint32_t zone, accuracy, snaplen, link;
};

struct pcap_frame {
	uint32_t sec, nsec, captured, len;
};

int pcap_open(const char *path, struct error *err)
{
	const struct pcap_head h = { PCAP_MAGIC_NS, 2, 4, 0, 0, NET_FRAME_MAX, PCAP_ETHERNET };
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_APPEND | O_CLOEXEC, 0644);

	if (fd < 0)
		return error_errno(err, "--pcap %s", path);
	if (write(fd, &h, sizeof(h)) != sizeof(h)) {
		error_errno(err, "--pcap %s", path);
		close(fd);
		return -1;
	}
	return fd;
}

void pcap_write(struct net *n, const struct iovec *iov, unsigned count, size_t len)
{
	int fd = __atomic_load_n(&n->pcap_fd, __ATOMIC_RELAXED);
	struct iovec v[PCAP_IOV_MAX];
	struct pcap_frame f;
	struct timespec now;

	if (fd < 0 || count + 1 > PCAP_IOV_MAX)
		return;
	clock_gettime(CLOCK_REALTIME, &now);
	f = (struct pcap_frame){ (uint32_t)now.tv_sec, (uint32_t)now.tv_nsec, (uint32_t)len,
				 (uint32_t)len };
	v[0] = (struct iovec){ &f, sizeof(f) };
	for (unsigned i = 0; i < count; i++)
		v[i + 1] = iov[i];
	/* A full disk: the sandbox goes on, the capture does not. */
	if (writev(fd, v, (int)count + 1) < 0 && errno != EINTR)
		__atomic_store_n(&n->pcap_fd, -1, __ATOMIC_RELAXED);
}
