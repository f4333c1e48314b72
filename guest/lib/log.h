/*
 * log.h - the Sentry's kernel log (dmesg), assertions and the crash path.
 */
#ifndef MOAT_LIB_LOG_H
#define MOAT_LIB_LOG_H

#include <stdarg.h>

#include "lib/types.h"

/*
 * Format into buf, at most size bytes with the NUL; returns the length the whole text would have, as snprintf(3).
 * Knows %d %i %u %x %X %o %c %s %p %% with flags 0 - + space #, width, precision, * and h, hh, l, ll, z, t.
 */
int kvsnprintf(char *buf, size_t size, const char *fmt, va_list ap);
int ksnprintf(char *buf, size_t size, const char *fmt, ...) __attribute__((format(printf, 3, 4)));

/*
 * Append one line to the kernel log; a trailing newline is optional. Safe in every context, interrupt handlers
 * included. With --debug the line also goes to the launcher's stderr.
 */
void klog(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

/* As klog, but each distinct call site that passes the same key says it only once (unsupported calls and flags). */
void klog_once(u64 key, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

/* For syslog(2) and /dev/kmsg: copy out log text from byte sequence number *seq on; advances *seq. */
size_t klog_read(u64 *seq, char *buf, size_t size);
u64 klog_first_seq(void);
u64 klog_end_seq(void);

/* Set once at boot: called with each finished line (the control device's CTL_LOG with --debug). */
extern void (*klog_sink)(const char *line, size_t len);
/* Set once at boot: called after each line, in whatever context it was logged. */
extern void (*klog_logged)(void);
/* Set once at boot: monotonic nanoseconds for time stamps. */
extern u64 (*klog_clock)(void);

/* Stop the sandbox with a crash report. Never returns. */
void panic(const char *fmt, ...) __attribute__((format(printf, 1, 2), noreturn));

#define BUG_ON(cond)                                                   \
	do {                                                           \
		if (unlikely(cond))                                    \
			panic("%s:%d: %s", __FILE__, __LINE__, #cond); \
	} while (0)

#ifdef MOAT_DEBUG
#define ASSERT(cond) BUG_ON(!(cond))
#else
#define ASSERT(cond) ((void)sizeof(!(cond)))
#endif

#endif
