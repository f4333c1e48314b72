/*
 * inotify.h - an inotify instance, for its two files: inotify.c (watches, queues), inotify_file.c (the descriptor).
 */
#ifndef MOAT_FS_INOTIFY_H
#define MOAT_FS_INOTIFY_H

#include "fs/notify.h"
#include "fs/poll_bits.h"

struct inotify_queued {
	struct list node;
	int wd;
	u32 mask, cookie, len; /* of name, which has no NUL */
	char name[];
};

struct inotify {
	struct list node; /* of all instances */
	struct list watches;
	struct list events; /* struct inotify_queued */
	u32 nr_events, max_events;
	u64 bytes; /* that a read of everything would give */
	int next_wd;
	u32 uid;
	u32 overflowed; /* `full` is queued, or being read */
	struct waitq q;
	struct inotify_queued full;
};

#define INOTIFY_HEADER 16u /* struct inotify_event without the name */

/* Bytes of the event as read(2) gives it. */
static inline size_t inotify_size(const struct inotify_queued *q)
{
	return INOTIFY_HEADER + (q->len ? ALIGN_UP(q->len + 1, INOTIFY_HEADER) : 0);
}

struct inotify *inotify_new(u32 uid); /* ERR_PTR(-EMFILE, -ENOMEM) */
void inotify_destroy(struct inotify *n);
int inotify_watch_add(struct inotify *n, struct inode *i, u32 mask);
int inotify_watch_remove(struct inotify *n, int wd);
/* The next event if it fits into room; the caller frees it. */
struct inotify_queued *inotify_take(struct inotify *n, size_t room, bool *too_small);
void inotify_free_event(struct inotify *n, struct inotify_queued *q);

struct inotify_watch_info {
	int wd;
	u32 mask;
	u64 ino;
	u32 dev;
};
bool inotify_watch_at(struct inotify *n, unsigned k, struct inotify_watch_info *out);

#endif
