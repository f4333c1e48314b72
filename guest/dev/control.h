/*
 * control.h - messages between the Sentry and the launcher (abi/control.h).
 */
#ifndef MOAT_DEV_CONTROL_H
#define MOAT_DEV_CONTROL_H

#include "abi/control.h"
#include "lib/types.h"

/* on_message: what arrives, but for time; a private copy. An upcall: takes spinlocks, never sleeps. */
void control_start(void (*on_message)(const struct ctl_msg *m));
/*
 * Send a message; data is cut to what fits. False when all buffers are in flight: a log line may then be lost. From any
 * context.
 */
bool control_send(enum ctl_type type, u32 handle, u64 a, u64 b, const void *data, size_t len);
/* The same, but waits for a buffer. From a task. */
void control_send_wait(enum ctl_type type, u32 handle, u64 a, u64 b, const void *data, size_t len);
/* A line for the user, unless there is no buffer until clock_mono() is at deadline. From a task. */
bool control_send_until(enum ctl_type type, u32 handle, const void *data, size_t len, u64 deadline);
/* As control_send_wait, and until the launcher has taken it: the last words. */
void control_send_sync(enum ctl_type type, u32 handle, u64 a, u64 b, const void *data, size_t len);

#endif
