/*
 * aio.h - Linux AIO (io_setup(2)): contexts, and their rings of completions in user memory.
 */
#ifndef MOAT_FS_AIO_H
#define MOAT_FS_AIO_H

#include <linux/aio_abi.h>

#include "fs/file.h"

extern u32 aio_max_nr; /* /proc/sys/fs/aio-max-nr */
u32 aio_count(void);   /* how much of it is taken */

struct aio_ctx;

/* A context for nr requests, mapped into the current address space; its id is the address. -EINVAL, -EAGAIN, -ENOMEM. */
int aio_create(u32 nr, u64 *id);
/* The context of the current process with this id, referenced by *f; NULL: none. */
struct aio_ctx *aio_find(u64 id, struct file **f);
/* Unmap it: no later call finds it. */
int aio_destroy(struct aio_ctx *ctx);
/* Keep room for one completion: false when the ring could not take it. */
bool aio_reserve(struct aio_ctx *ctx);
void aio_unreserve(struct aio_ctx *ctx);
/* A completion, into the room that was kept; wakes who waits. */
void aio_post(struct aio_ctx *ctx, const struct io_event *ev);
/* Take up to n completions; how many. */
u32 aio_take(struct aio_ctx *ctx, struct io_event *ev, u32 n);
/* Sleep until there is something to take. 0, -ETIMEDOUT, -ERESTARTSYS. */
int aio_wait(struct aio_ctx *ctx, u64 deadline);
struct list *aio_polls(struct aio_ctx *ctx); /* aio_poll.c's */
bool aio_alive(const struct aio_ctx *ctx);   /* not destroyed while we waited */

/* ---- aio_poll.c ---- */

/*
 * Begin a request of cb, at obj, that posts a completion into the room kept for it once f is ready; eventfd, or NULL, is then
 * signalled. -EINVAL, -ENOMEM.
 */
int aio_poll_start(struct aio_ctx *ctx, struct file *f, struct file *eventfd, const struct iocb *cb,
		   u64 obj);
/* Complete the request at obj now. False: it is not under way. */
bool aio_poll_cancel(struct aio_ctx *ctx, u64 obj);
/* Drop those that are under way. */
void aio_poll_forget(struct aio_ctx *ctx);

#endif
