/*
 * console.h - the standard streams: a thread each moves bytes between a queue and a descriptor of the host.
 *
 * A thread a stream, since a descriptor that we share with the user's shell must not be made non-blocking, and a write
 * to a slow reader blocks: only that stream then waits. Input is read only when the Sentry posted a buffer, that is when
 * a program inside wants to read: what no program asked for stays in the pipe.
 */
#ifndef MOAT_HOST_CONSOLE_H
#define MOAT_HOST_CONSOLE_H

#include "host/sandbox.h"

/* Start the three threads. Descriptors in[0], out[1], out[2] as 0, 1, 2. */
int console_start(struct sandbox *sb, struct error *err);

/* Wake the Sentry: the queue has news. */
void queue_notify(struct sandbox *sb, unsigned queue);

#endif
