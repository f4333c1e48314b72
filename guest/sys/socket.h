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
/* socket.c: the file of a new socket. type: with SOCK_NONBLOCK. */
struct file *socket_new(int family, int type, int protocol);
/* The file of an accepted connection; its peer's name to addr, unless that is 0. -ECONNABORTED: the peer is gone. */
struct file *socket_accepted(struct socket *conn, u32 flags, uaddr_t addr, uaddr_t lenp);
/* To user memory: as much as *lenp has room for, and the true length to *lenp. */
int sock_addr_write(const struct sock_addr *a, uaddr_t to, uaddr_t lenp);

/* sockmsg.c, the parts of sendmsg(2) and recvmsg(2): a checked copy of the header; its vector (iov_import's rules);
 * control data to send; and what a received message says beside its bytes, to the header at msg. */
struct scm;
int sockmsg_header(struct user_msghdr *h, uaddr_t msg);
int sockmsg_vector(struct iov *v, struct iov_seg *small, const struct user_msghdr *h);
int sockmsg_control(struct socket *s, const struct user_msghdr *h, struct scm *scm);
int sockmsg_result(struct socket *s, const struct user_msghdr *h, uaddr_t msg, struct sock_msg *m);

#endif
