/*
 * stream_fd.c - see stream_fd.h.
 *
 * A pipe whose other end has no opener any more cannot be opened for writing (ENXIO): its duplicate answers EPIPE at once.
 */
#include <fcntl.h>
#include <stdio.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <termios.h>
#include <unistd.h>

#include "host/stream_fd.h"

/* To open /dev/ptmx again makes another terminal. */
static int is_master(int fd)
{
	unsigned n;

	return ioctl(fd, TIOCGPTN, &n) == 0;
}

int stream_fd_own(int fd)
{
	int flags = fcntl(fd, F_GETFL), own = -1;
	char path[32];
	struct stat st;

	if (flags < 0 || fstat(fd, &st) < 0)
		return -1;
	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	if (S_ISFIFO(st.st_mode) || (S_ISCHR(st.st_mode) && isatty(fd) && !is_master(fd)))
		own = open(path, (flags & O_ACCMODE) | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
	return own >= 0 ? own : fcntl(fd, F_DUPFD_CLOEXEC, 3);
}
