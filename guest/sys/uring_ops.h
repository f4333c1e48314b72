/*
 * uring_ops.h - the operations of io_uring, by file: prep checks an entry and copies what it points at, issue does it.
 */
#ifndef MOAT_SYS_URING_OPS_H
#define MOAT_SYS_URING_OPS_H

#include "uring/uring.h"

extern const struct uring_op uring_op_table[];
extern const unsigned uring_op_count;

/* uring_rw.c */
int uring_rw_prep(struct uring_req *req);
int uring_rwv_prep(struct uring_req *req);
s64 uring_rw_read(struct uring_req *req);
s64 uring_rw_write(struct uring_req *req);
int uring_fsync_prep(struct uring_req *req);
s64 uring_fsync(struct uring_req *req);
s64 uring_sync_range(struct uring_req *req);
s64 uring_fallocate(struct uring_req *req);
s64 uring_fadvise(struct uring_req *req);
int uring_splice_prep(struct uring_req *req);
s64 uring_splice(struct uring_req *req);
s64 uring_tee(struct uring_req *req);

/* uring_net.c */
int uring_send_prep(struct uring_req *req);
s64 uring_send(struct uring_req *req);
int uring_recv_prep(struct uring_req *req);
s64 uring_recv(struct uring_req *req);
int uring_sendmsg_prep(struct uring_req *req);
s64 uring_sendmsg(struct uring_req *req);
int uring_recvmsg_prep(struct uring_req *req);
s64 uring_recvmsg(struct uring_req *req);
int uring_accept_prep(struct uring_req *req);
s64 uring_accept(struct uring_req *req);
int uring_connect_prep(struct uring_req *req);
s64 uring_connect(struct uring_req *req);
int uring_socket_prep(struct uring_req *req);
s64 uring_socket(struct uring_req *req);
s64 uring_shutdown(struct uring_req *req);

/*
 * uring_fs.c: where an operation's new file goes, a descriptor or the slot that sqe.file_index names. Reserve before
 * something is made; finish takes over the file, or cancels and passes on its error, and returns the result.
 */
int uring_fd_reserve(struct uring_req *req, bool cloexec);
s64 uring_fd_finish(struct uring_req *req, int fd, struct file *f);
int uring_open_prep(struct uring_req *req);
s64 uring_openat(struct uring_req *req);
s64 uring_openat2(struct uring_req *req);
int uring_close_prep(struct uring_req *req);
s64 uring_close(struct uring_req *req);
int uring_path_prep(struct uring_req *req);
s64 uring_statx(struct uring_req *req);
s64 uring_renameat(struct uring_req *req);
s64 uring_unlinkat(struct uring_req *req);
s64 uring_mkdirat(struct uring_req *req);
s64 uring_symlinkat(struct uring_req *req);
s64 uring_linkat(struct uring_req *req);
s64 uring_madvise(struct uring_req *req);
s64 uring_epoll_ctl(struct uring_req *req);
s64 uring_getxattr(struct uring_req *req);
s64 uring_setxattr(struct uring_req *req);
s64 uring_fgetxattr(struct uring_req *req);
s64 uring_fsetxattr(struct uring_req *req);

#endif
