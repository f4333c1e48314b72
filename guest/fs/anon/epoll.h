/*
 * epoll.h - epoll(7).
 */
#ifndef MOAT_FS_EPOLL_H
#define MOAT_FS_EPOLL_H

#include "fs/file.h"

struct epoll_event {
	u32 events;
	u64 data;
} __attribute__((packed));
_Static_assert(sizeof(struct epoll_event) == 12, "epoll_event of x86-64");

#define EPOLL_CTL_ADD 1
#define EPOLL_CTL_DEL 2
#define EPOLL_CTL_MOD 3

struct file *epoll_create(void); /* ERR_PTR */
/* -EBADF/-EINVAL if ep is no epoll file; as epoll_ctl(2) otherwise. fd names the item together with f. */
int epoll_control(struct file *ep, int op, int fd, struct file *f, const struct epoll_event *ev);
unsigned epoll_items(struct file *ep); /* registered now */
/* Sleeps until an event may be ready: 1; 0 at the deadline (0: does not sleep), or -EINTR. */
int epoll_sleep(struct file *ep, u64 deadline);
/*
 * Up to max ready events into out (kernel memory, room for max). Sleeps until deadline if none (0: does not). Count, or
 * -errno.
 */
int epoll_collect(struct file *ep, struct epoll_event *out, int max, u64 deadline);
/* A file is going away (last reference): drop what watches it. Called by file_put. */
void epoll_forget(struct file *f);
bool is_epoll(const struct file *f);
/* The file registered as fd, referenced; the skip-th where there are several. ERR_PTR(-ENOENT). */
struct file *epoll_target(struct file *ep, int fd, u32 skip);

#endif
