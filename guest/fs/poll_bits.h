/*
 * poll_bits.h - the event bits of poll(2) and epoll(7), as they are on x86-64.
 */
#ifndef MOAT_FS_POLL_BITS_H
#define MOAT_FS_POLL_BITS_H

#define POLLIN	   0x0001
#define POLLPRI	   0x0002
#define POLLOUT	   0x0004
#define POLLERR	   0x0008
#define POLLHUP	   0x0010
#define POLLNVAL   0x0020
#define POLLRDNORM 0x0040
#define POLLRDBAND 0x0080
#define POLLWRNORM 0x0100
#define POLLWRBAND 0x0200
#define POLLRDHUP  0x2000

#define POLL_READABLE (POLLIN | POLLRDNORM)
#define POLL_WRITABLE (POLLOUT | POLLWRNORM)
#define POLL_ALWAYS   (POLLERR | POLLHUP)

#endif
