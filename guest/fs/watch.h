/*
 * watch.h - a kernel thread looks at files for those who cannot wait for them: O_ASYNC (async.c), IOCB_CMD_POLL (anon/aio_poll.c).
 *
 * watch_mutex guards the life of watches; the thread holds it while it looks at a file and calls fn.
 */
#ifndef MOAT_FS_WATCH_H
#define MOAT_FS_WATCH_H

#include "fs/file.h"

#define WATCH_QUEUES 2

struct file_watch {
	struct list node; /* woken, not looked at yet; self-linked when not */
	struct file *file;
	u32 events;  /* woken for */
	u32 unkeyed; /* what a wake-up that names no event stands for */
	unsigned nhooks;
	struct watch_hook {
		struct waiter w;
		struct file_watch *watch;
	} hooks[WATCH_QUEUES];
	/* Events that came and still hold, or POLL_ALWAYS. watch_mutex held. True: it is over, the thread removes it and calls end. */
	bool (*fn)(struct file_watch *w, u32 events);
	void (*end)(struct file_watch *w); /* without the mutex, in which no file may be put */
};

extern struct mutex watch_mutex;

/*
 * Watch w->file, of which the caller keeps a reference or stops in time; fn, end and unkeyed are set. The events that are there
 * already. watch_mutex held. -ENOMEM.
 */
s64 watch_start(struct file_watch *w);
/* fn will not be called for it from here on. watch_mutex held. */
void watch_stop(struct file_watch *w);
/* Have the thread look at it without being woken. */
void watch_look(struct file_watch *w, u32 events);

#endif
