/*
 * uring.h - io_uring(7): rings of requests and completions shared with an application.
 *
 * ring.c holds the shared memory and posts completions, submit.c takes requests from it, request.c gives them their life
 * (links, drain, completion), poll.c and timeout.c are what requests wait for, work.c runs them where nobody of the
 * application does, cancel.c ends them early; files.c and buffers.c are what an application registers. What the operations
 * do is a table that sys/ brings (struct uring_op), since they are system calls under another entrance.
 *
 * A request is copied out of the ring once and is served from the copy. An operation never blocks: it says -EAGAIN, the
 * request hooks itself on the file's wait queues (state ARMED), and a wake-up puts it on ctx->ready. From there a task of
 * the application that waits in io_uring_enter(2) runs it, else a worker thread that borrows the application's
 * address space. Wake-ups and timers do nothing but that, since they come under foreign spinlocks.
 *
 * Locks: submit_lock (mutex: the submission queue, registration), buf_lock (mutex inside it: provided buffers),
 * ctx->lock (spin, inside wait queues' locks: states of requests, lists, the completion queue, fixed files).
 * A NOP costs four holds of ctx->lock and, once the ring is warm, no allocation.
 *
 * Differences from Linux: registered buffers are checked but not pinned; paths and strings of a request that has to
 * wait for others are read when it starts; IOPOLL and zero-copy sends are refused; work done by a worker is not held
 * to RLIMIT_NOFILE and RLIMIT_FSIZE.
 */
#ifndef MOAT_URING_URING_H
#define MOAT_URING_URING_H

#include <linux/io_uring.h>

#include "fs/file.h"
#include "lib/err.h"
#include "lib/list.h"
#include "lib/types.h"
#include "mm/pagecache.h"
#include "task/task.h"
#include "task/time/timer.h"

#define URING_MAX_ENTRIES 32768u
#define URING_MAX_CQ	  (2 * URING_MAX_ENTRIES)
#define URING_MAX_FILES	  32768u
#define URING_MAX_BUFFERS 16384u
/* an issue function: the request goes on later, perhaps it is gone already */
#define URING_QUEUED (-529)
#define URING_QUEUES 2
/* completions kept for a ring that is full; more are counted as lost */
#define URING_MAX_OVERFLOW 65536u
#define URING_MAX_REQUESTS 262144u /* outstanding in one ring: io_uring_enter says EAGAIN */
#define URING_WORKERS	   4

struct uring_ctx;
struct uring_req;
struct uring_group;

struct uring_op {
	const char *name;
	/* Checks the entry and copies what it points at; under submit_lock. 0 or -errno. */
	int (*prep)(struct uring_req *req);
	/* The result, -EAGAIN (wait for `events` of the file, and again) or URING_QUEUED. May sleep for disks alone. */
	s64 (*issue)(struct uring_req *req);
	u32 events;	   /* POLL bits to wait for; 0: -EAGAIN is a result */
	bool needs_file;   /* sqe.fd is a descriptor */
	bool ioprio_flags; /* sqe.ioprio has flags of the operation */
	bool buffers;	   /* may choose from provided buffers */
};
/* Once, from sys/, at boot or first use: operations 0..n-1. */
void uring_set_ops(const struct uring_op *ops, unsigned n);
extern const struct uring_op *uring_ops;
extern unsigned uring_nr_ops;

enum req_state {
	REQ_RUNNING, /* somebody works on it and alone decides */
	REQ_PARKED,  /* behind a link or a drain */
	REQ_ARMING,  /* hooks are being set; a wake-up is noted in `fired` */
	REQ_ARMED,   /* waits for a wake-up or its timer; may be claimed */
	REQ_READY,   /* on ctx->ready */
};

struct uring_hook {
	struct waiter w;
	struct uring_req *req;
};

struct uring_req {
	struct list all;  /* ctx->all: submitted, not completed */
	struct list node; /* ready, drained, free, or timeouts with a count */
	struct uring_ctx *ctx;
	const struct uring_op *op;
	struct io_uring_sqe sqe; /* the private copy */
	enum req_state state;
	bool fired, cancelled, fail_link;
	bool punt;     /* IOSQE_ASYNC: a worker's */
	bool nowait;   /* -EAGAIN is the result */
	bool selected; /* a provided buffer was taken: bid */
	bool timer_fired;
	u16 bid;
	u32 cflags; /* of the completion */
	int cancel_res;
	struct file *file;
	u64 mm_id;	   /* whose memory the pointers mean */
	int tid, pid;	   /* who submitted */
	struct cred *cred; /* of a personality, or NULL */
	struct uring_req *link, *ltimeout, *head;
	u32 poll_events;
	unsigned nhooks;
	struct uring_hook hooks[URING_QUEUES];
	struct ktimer timer;
	u64 deadline;
	u32 target; /* timeouts: complete at this count of completions */
	/* What prep keeps: freed with the request by free_data. */
	void *data;
	void (*free_data)(struct uring_req *req);
	struct iov_seg one;
	u64 selected_addr;
	u32 selected_len;
};

struct uring_overflow {
	struct list node;
	struct io_uring_cqe cqe;
	u64 big[2];
};

struct uring_buffer { /* registered */
	u64 addr, len, mm_id;
};

struct uring_ctx {
	struct ref ref;
	u32 flags; /* IORING_SETUP_* */
	u32 sq_entries, cq_entries;
	u64 rings_size, sqes_size;
	u32 array_off;
	struct pagecache pc;
	void **pages; /* of the rings, then of the submission entries */
	unsigned nr_rings, nr_pages;
	struct task *submitter; /* SINGLE_ISSUER: compared, never used */
	struct file *file;	/* borrowed; NULL once it goes */

	struct mutex submit_lock;
	u32 sq_head;
	bool disabled, restricted;
	u64 allow_reg, allow_ops[2];
	u8 allow_flags, need_flags;
	struct uring_req *chain, *chain_tail; /* a link that the next entry continues */
	bool chain_broken;

	struct spinlock lock;
	struct list all, ready, drained, timeouts, free;
	unsigned nr_all, nr_overflow;
	unsigned running; /* submitted, not completed, not drained */
	unsigned nr_free;
	bool drain_active, dying;
	unsigned runners; /* tasks that look at `ready` before they leave */
	u32 cq_tail;
	u32 completions; /* posted, for timeouts */
	struct list overflow;
	struct file **files;
	unsigned nr_files, alloc_first, alloc_len;
	struct file *eventfd;
	bool eventfd_async;

	struct uring_buffer *buffers;
	unsigned nr_buffers;
	struct mutex buf_lock;
	struct list groups;
	struct cred **personalities;
	unsigned nr_personalities;

	struct waitq work_q;   /* tasks in io_uring_enter: never pollable */
	struct waitq worker_q; /* worker threads */
	struct waitq cq_q;     /* who polls the ring */
	unsigned workers, idle_workers;

	/* SQPOLL */
	bool sqpoll;
	u64 sq_idle; /* ns */
	int owner_tid, owner_pid;
	u64 owner_mm_id;
	struct waitq sq_q;
};

/* ---- file.c ---- */
/* A ring file for checked parameters; fills the offsets in *p. ERR_PTR. */
struct file *uring_create(struct io_uring_params *p);
struct uring_ctx *uring_of_file(struct file *f); /* NULL: some other file */
void uring_get(struct uring_ctx *ctx);
void uring_put(struct uring_ctx *ctx);

/* ---- ring.c ---- */
int uring_memory_create(struct uring_ctx *ctx, struct io_uring_params *p);
void uring_memory_destroy(struct uring_ctx *ctx);
/* The next entry of the submission queue: a copy. false: none. *bad counts dropped indices. submit_lock held. */
bool uring_sq_next(struct uring_ctx *ctx, struct io_uring_sqe *sqe, bool *dropped);
void uring_sq_commit(struct uring_ctx *ctx);
bool uring_sq_pending(struct uring_ctx *ctx);
bool uring_sq_full(struct uring_ctx *ctx);
void uring_sq_flag(struct uring_ctx *ctx, u32 flag, bool on);
/* Post a completion; wakes waiters and the eventfd. Task context, no spinlock held. */
void uring_post(struct uring_ctx *ctx, u64 user_data, s32 res, u32 cflags);
/* Its two halves: under ctx->lock, and after it. a, b: the second half of a big entry. */
void uring_post_locked(struct uring_ctx *ctx, u64 user_data, s32 res, u32 cflags, u64 a, u64 b);
void uring_notify(struct uring_ctx *ctx);
void uring_flush_overflow(struct uring_ctx *ctx);
bool uring_overflowed(struct uring_ctx *ctx);
u32 uring_cq_ready(struct uring_ctx *ctx);

/* ---- submit.c ---- */
/* Submit up to n entries; how many were taken, or -errno when none. submit_lock held. */
s64 uring_submit(struct uring_ctx *ctx, u32 n);

/* ---- request.c ---- */
struct uring_req *uring_alloc(struct uring_ctx *ctx); /* in no list; NULL: no memory, or too many */
/* ctx->lock held: count the request and its chain as running; false: a drain is before it, it is set aside for now. */
bool uring_admit(struct uring_req *req);
/* Post a result and take off all lists, without regard to a chain. The request is gone. */
void uring_finish(struct uring_req *req, s64 res);
/* Run what is ready and may run here. True if something ran. */
bool uring_run_ready(struct uring_ctx *ctx);
bool uring_runnable(struct uring_ctx *ctx); /* is there anything that it would run? */
void uring_run(struct uring_req *req);
/*
 * Leave it to who looks at `ready` next; and complete it, its successor likewise. For one request that ends another: to run
 * it there would use the stack once for each of a chain of such requests.
 */
void uring_run_later(struct uring_req *req);
void uring_end(struct uring_req *req, s64 res);
/* ctx->lock held: put it on the ready list; uring_kick after that (also under the lock of a wait queue). */
void uring_make_ready(struct uring_req *req);
void uring_kick(struct uring_ctx *ctx);
/* Under ctx->lock: take an armed request over. */
static inline bool uring_claim(struct uring_req *req)
{
	if (req->state != REQ_ARMED)
		return false;
	req->state = REQ_RUNNING;
	return true;
}
void uring_task_enter(struct uring_ctx *ctx); /* around a stretch that looks at `ready` */
void uring_task_leave(struct uring_ctx *ctx);

/* ---- poll.c ---- */
/*
 * Hook onto the file. URING_QUEUED; 0: an event is there already, try again; -ECANCELED, -ENOMEM. edge: wait for the
 * next wake-up whatever the file says (its events are there and the operation still had to wait).
 */
s64 uring_poll_arm(struct uring_req *req, u32 events, bool edge);
void uring_poll_unhook(struct uring_req *req);
int uring_poll_add_prep(struct uring_req *req);
s64 uring_poll_add(struct uring_req *req);
int uring_poll_remove_prep(struct uring_req *req);
s64 uring_poll_remove(struct uring_req *req);

/* ---- timeout.c ---- */
int uring_timeout_prep(struct uring_req *req);
s64 uring_timeout(struct uring_req *req);
int uring_timeout_remove_prep(struct uring_req *req);
s64 uring_timeout_remove(struct uring_req *req);
int uring_link_timeout_prep(struct uring_req *req);
s64 uring_link_timeout(struct uring_req *req);
void uring_link_timeout_start(struct uring_req *head);
/* ctx->lock held: timeouts whose count of completions has come. */
void uring_timeouts_check(struct uring_ctx *ctx);

/* ---- cancel.c ---- */
struct uring_match {
	u64 user_data;
	struct file *file;
	u32 flags; /* IORING_ASYNC_CANCEL_* */
	u8 opcode;
	int pid;			/* 0: of any process */
	const struct uring_req *except; /* the request that asks */
};
/* How many were cancelled, -ENOENT, or -EALREADY if one is past the point. */
s64 uring_cancel(struct uring_ctx *ctx, const struct uring_match *m);
/* As a program asks for it. -EBADF for a bad fd. */
s64 uring_cancel_user(struct uring_ctx *ctx, u64 user_data, int fd, u32 flags, u8 opcode,
		      bool fixed, const struct uring_req *except);
/* All requests of a process; of processes that have ended. */
void uring_cancel_process(struct uring_ctx *ctx, int pid);
void uring_cancel_orphans(struct uring_ctx *ctx);
int uring_async_cancel_prep(struct uring_req *req);
s64 uring_async_cancel(struct uring_req *req);

/* ---- work.c ---- */
/* task context; a worker exists afterwards, or -ENOMEM */
int uring_worker_ensure(struct uring_ctx *ctx);
int uring_sqpoll_start(struct uring_ctx *ctx);

/* ---- files.c: fixed files ---- */
struct file *uring_fixed_file(struct uring_ctx *ctx, u32 slot); /* referenced, or ERR_PTR(-EBADF) */
/* Put f (its reference is taken over on success) into a slot; ~0U: a free one. The slot or -errno. */
int uring_fixed_install(struct uring_ctx *ctx, struct file *f, u32 slot);
int uring_fixed_close(struct uring_ctx *ctx, u32 slot);
int uring_files_register(struct uring_ctx *ctx, uaddr_t fds, u32 n, bool sparse);
int uring_files_unregister(struct uring_ctx *ctx);
s64 uring_files_update(struct uring_ctx *ctx, u32 off, uaddr_t fds, u32 n);
int uring_files_range(struct uring_ctx *ctx, u32 off, u32 len);

/* ---- buffers.c ---- */
int uring_buffers_register(struct uring_ctx *ctx, uaddr_t iovs, u32 n, bool sparse);
int uring_buffers_unregister(struct uring_ctx *ctx);
s64 uring_buffers_update(struct uring_ctx *ctx, u32 off, uaddr_t iovs, u32 n);
/* Is [addr, addr+len) inside registered buffer i? 0 or -EFAULT. Needs no lock. */
int uring_buffer_check(struct uring_ctx *ctx, u32 i, u64 addr, u64 len);
int uring_provide(struct uring_ctx *ctx, u16 bgid, u16 bid, u64 addr, u32 len, u32 n);
s64 uring_remove(struct uring_ctx *ctx, u16 bgid, u32 n);
int uring_pbuf_register(struct uring_ctx *ctx, uaddr_t arg);
int uring_pbuf_unregister(struct uring_ctx *ctx, uaddr_t arg);
/* Choose a buffer for the request: selected_addr, selected_len (at most *len). -ENOBUFS. */
int uring_select(struct uring_req *req, u64 *addr, u32 *len);
/* The operation did not use it after all. */
void uring_unselect(struct uring_req *req);
void uring_groups_destroy(struct uring_ctx *ctx);

/* ---- register.c ---- */
s64 uring_register(struct uring_ctx *ctx, u32 op, uaddr_t arg, u32 n);

#endif
