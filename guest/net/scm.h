/*
 * scm.h - what travels beside the bytes of a message (socket control messages): descriptors and credentials.
 *
 * Parsing takes the control bytes in kernel memory; giving out writes to user memory through a cursor, since descriptors
 * are installed one by one.
 */
#ifndef MOAT_NET_SCM_H
#define MOAT_NET_SCM_H

#include "lib/list.h"
#include "net/socket.h"

struct file;
struct process;

/* Open files in flight. */
struct scm_fds {
	struct list node; /* waiting to be put */
	unsigned n;
	unsigned sockets; /* how many of them are sockets of the local family */
	struct file *file[];
};

#define SCM_EXTRA_MAX 320

struct scm {
	struct scm_fds *fds;
	bool has_creds;
	struct ucred creds;
	struct process *process; /* of creds.pid, with a reference; or NULL */
	/* Control messages of other levels (IP_PKTINFO ...), as they are in user memory; scm_extra_next walks them. */
	u16 extra_len;
	u8 extra[SCM_EXTRA_MAX] __attribute__((aligned(8)));
};

/* Read the control bytes of a sendmsg(2) on s into *scm (zeroed by the caller). -EINVAL, -EBADF, -EPERM, -ESRCH ... */
int scm_parse(struct socket *s, const void *control, size_t len, struct scm *scm);
/* Add one, to be given out by scm_give; what there is no room for is lost. */
void scm_extra_add(struct scm *scm, int level, int type, const void *data, size_t n);
/* When it came, in ns since 1970 (0: now), if s wants to know (SO_TIMESTAMP, SO_TIMESTAMPNS, and SO_TIMESTAMPING if time is not 0). */
void scm_add_time(struct scm *scm, const struct socket *s, u64 time);
/* The next one from *at (0 at first): its data and length, or NULL. */
const void *scm_extra_next(const struct scm *scm, unsigned *at, struct user_cmsghdr *h, size_t *n);
/* Drop what scm still holds. */
void scm_drop(struct scm *scm);

/* Fill in who the current task is. */
void scm_self(struct ucred *c);
/* The numbers that the current task's namespaces have for them. */
void scm_show(struct ucred *c);

/* Where control messages of a recvmsg(2) go: user memory, and the flags that it gives back. */
struct cmsg_out {
	uaddr_t at;
	u64 left;
	u32 flags; /* gets MSG_CTRUNC */
};
/* Everything that came along on s, then drop it. flags: MSG_CMSG_CLOEXEC. control NULL: nowhere. */
int scm_give(struct socket *s, struct scm *scm, struct cmsg_out *out, u32 flags);

/* References of a set of files. */
void scm_fds_free(struct scm_fds *fds);
struct scm_fds *scm_fds_dup(const struct scm_fds *fds); /* NULL: out of memory */

#endif
