/*
 * stream_fd.h - a descriptor that the launcher can read or write without ever waiting (streams.h).
 */
#ifndef MOAT_HOST_STREAM_FD_H
#define MOAT_HOST_STREAM_FD_H

/*
 * A new descriptor for what fd is: pipes and terminals are opened again through /proc/self/fd, non-blocking, so that the
 * description that the caller shares with others stays as it is; all else, and what cannot be opened again, is duplicated.
 * Close-on-exec. -1 with errno.
 */
int stream_fd_own(int fd);

#endif
