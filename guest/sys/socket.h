/*
 * socket.h - what the files of the socket calls share.
 */
#ifndef MOAT_SYS_SOCKET_H
#define MOAT_SYS_SOCKET_H

#include "net/socket.h"
#include "sys/sys.h"

/* The socket of a descriptor; *f gets the reference to drop. ERR_PTR(-EBADF, -ENOTSOCK). */
struct socket *socket_get(int fd, struct file **f);
/* An address from user memory. -EINVAL, -EFAULT. */
int sock_addr_read(struct sock_addr *a, uaddr_t from, s32 len);
/* To user memory: as much as *lenp has room for, and the true length to *lenp. */
int sock_addr_write(const struct sock_addr *a, uaddr_t to, uaddr_t lenp);

#endif
