/*
 * log_wait.h - waiting for lines of the kernel log (lib/log.h): /dev/kmsg, /proc/kmsg, syslog(2).
 */
#ifndef MOAT_TASK_LOG_WAIT_H
#define MOAT_TASK_LOG_WAIT_H

#include "task/wait.h"

/* Woken, with POLLIN, soon after a line was logged. */
extern struct waitq log_waitq;

/* At boot, once the scheduler is there. */
void log_wait_init(void);

#endif
