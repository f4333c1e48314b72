/*
 * timerfd.h - descriptors of timers.
 */
#ifndef MOAT_FS_TIMERFD_H
#define MOAT_FS_TIMERFD_H

#include "fs/file.h"
#include "task/time/timer.h"

struct file *timerfd_create_file(int clock, u32 flags); /* flags: O_NONBLOCK. ERR_PTR */
struct timerfd *timerfd_of(struct file *f);		/* NULL: not a timerfd */

#endif
