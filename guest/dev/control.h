/*
 * control.h - messages between the Sentry and the launcher (abi/control.h).
 */
#ifndef MOAT_DEV_CONTROL_H
#define MOAT_DEV_CONTROL_H

#include "abi/control.h"
#include "lib/types.h"

/* What arrives; each is an upcall: takes spinlocks, never sleeps. Set before control_start; NULL: ignored. */
struct control_handlers {
	void (*signal)(int signo, bool foreground);
	void (*winsize)(u16 rows, u16 cols);
	void (*mem_limit)(u64 bytes);
	void (*shutdown)(void);
	void (*gofer_gone)(unsigned queue);
};

void control_start(const struct control_handlers *h);
/*
 * Send a message; data is cut to what fits. False when all buffers are in flight: a log line may then be lost. From any
 * context.
 */
bool control_send(enum ctl_type type, u64 a, const void *data, size_t len);
/* The same, but waits for a buffer until clock_mono() is at deadline. From a task. */
bool control_send_wait(enum ctl_type type, u64 a, const void *data, size_t len, u64 deadline);
/* The same, but waits for a buffer, and until the launcher has taken it: the last words. From a task. */
void control_send_sync(enum ctl_type type, u64 a, const void *data, size_t len);

#endif
