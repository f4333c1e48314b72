/*
 * mqueue.h - POSIX message queues (mq_overview(7)): the queue, and the file system "mqueue" that names queues.
 *
 * Locks: queue->lock (spinlock) guards messages, sleepers and the notification; mq_lock (spinlock, mqueue_fs.c) the
 * namespace's counts. The directory's names are guarded by its inode->mutex.
 */
#ifndef MOAT_IPC_MQUEUE_H
#define MOAT_IPC_MQUEUE_H

#include "fs/vfs.h"
#include "ipc/ipc.h"

struct process;
struct task;

#define MQ_PRIO_MAX	 32768
#define MQ_MAXMSG_HARD	 65536
#define MQ_MSGSIZE_HARD	 (16 << 20)
#define MQ_COOKIE_LEN	 32 /* SIGEV_THREAD: what the listener of the socket gets */
#define MQ_COOKIE_WOKEN	 1
#define MQ_COOKIE_CANCEL 2

struct mq_attr {
	s64 flags, maxmsg, msgsize, curmsgs;
	s64 reserved[4];
};
_Static_assert(sizeof(struct mq_attr) == 64, "mq_attr");

struct mq_msg {
	struct list node;
	u32 prio;
	size_t size;
	u8 data[];
};

/* A task that sleeps in mq_send or mq_receive; the other side gives or takes its message. */
struct mq_wait {
	struct list node;
	struct task *task;
	struct mq_msg *msg;
	int done;
};

enum mq_notify_kind { SIGEV_SIGNAL, SIGEV_NONE, SIGEV_THREAD };

struct mq_notify {
	struct process *owner; /* NULL: nobody asked; with a reference */
	enum mq_notify_kind kind;
	int signo;
	u64 value;
	struct file *sock; /* SIGEV_THREAD */
	u8 cookie[MQ_COOKIE_LEN];
};

struct mqueue {
	struct inode i;
	struct spinlock lock;
	struct list messages; /* highest priority first, then oldest */
	u64 maxmsg, msgsize, curmsgs, bytes;
	struct list receivers, senders; /* struct mq_wait */
	struct waitq poll;
	struct mq_notify notify;
	struct ucounts *ucounts; /* whose limit it counts against, a reference, and how much */
	u64 charged;
	bool counted; /* in the namespace's mq_count */
};

/* Sends a cookie to a netlink socket: registered by sys/, above net/. get: -EINVAL, -EBADF, -ENOTSOCK or a reference. */
struct mq_cookie_ops {
	struct file *(*get)(int fd);
	void (*send)(struct file *sock, const void *cookie, size_t n);
};
extern const struct mq_cookie_ops *mq_cookie;

/* mqueue.c */
void mqueue_init(struct mqueue *q, u64 maxmsg, u64 msgsize);
void mqueue_drain(struct mqueue *q);	  /* the inode goes */
struct mqueue *mqueue_of(struct file *f); /* NULL: it is another kind of file */
/* Takes over m on success. -EAGAIN, -ETIMEDOUT, -ERESTARTSYS. deadline: of clock_mono(). */
int mqueue_send(struct mqueue *q, struct mq_msg *m, bool nonblock, u64 deadline);
struct mq_msg *mqueue_receive(struct mqueue *q, bool nonblock,
			      u64 deadline); /* the caller's to kfree */
void mqueue_get_attr(struct mqueue *q, const struct file *f, struct mq_attr *out);
/* how NULL: take back. -EBUSY. The references in *how pass over on success. */
int mqueue_notify(struct mqueue *q, const struct mq_notify *how);
extern const struct file_ops mqueue_fops;

/* mqueue_fs.c */
void mq_init(void);
void mq_ns_init(struct ipc_ns *ns);
void mq_ns_exit(struct ipc_ns *ns);
/* mq_open(3): the file. attr NULL: the defaults. */
struct file *mq_open_file(struct ipc_ns *ns, const char *name, u32 flags, u32 mode,
			  const struct mq_attr *attr);
int mq_unlink_name(struct ipc_ns *ns, const char *name);

#endif
