/*
 * logread.h - the kernel log as syslog(2) and /proc/kmsg give it out: whole lines, each behind "<6>" (the log keeps no
 * levels, all is KERN_INFO), with one read position and one clear mark for the sandbox.
 */
#ifndef MOAT_LIB_LOGREAD_H
#define MOAT_LIB_LOGREAD_H

#include "lib/types.h"

#define LOGREAD_MAX (80 * 1024) /* what the whole log takes at most, with its prefixes */

/* The newest lines since the last clear that fit into size bytes. How many bytes. */
size_t logread_all(char *buf, size_t size);
/* What nobody read yet, from the common position on; a line may come in pieces. 0: nothing. */
size_t logread_next(char *buf, size_t size);
size_t logread_unread(void);
/* logread_all starts after what is in the log now. */
void logread_clear(void);
u64 logread_cleared(void); /* the sequence number (klog_read) where it starts */

/* 1..8, for syslog(2) and /proc/sys/kernel/printk; nothing is printed to a console. */
extern int logread_console_level;

#endif
