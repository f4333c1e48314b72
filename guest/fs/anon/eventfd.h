/*
 * eventfd.h - eventfd(2).
 */
#ifndef MOAT_FS_EVENTFD_H
#define MOAT_FS_EVENTFD_H

#include "fs/file.h"

#define EFD_SEMAPHORE 1

/* flags: EFD_SEMAPHORE, O_NONBLOCK. One reference, or ERR_PTR. */
struct file *eventfd_create(u32 count, u32 flags);
bool is_eventfd(const struct file *f);
/* Add 1, unless it is full. */
void eventfd_signal(struct file *f);

#endif
