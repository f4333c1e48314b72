/*
 * async.h - O_ASYNC: signal-driven I/O (fcntl(2), F_SETOWN, F_SETSIG).
 */
#ifndef MOAT_FS_ASYNC_H
#define MOAT_FS_ASYNC_H

#include "fs/file.h"

/* Start or stop sending signals to f's owner when I/O becomes possible. 0, -ENOMEM. Files that cannot be polled: 0. */
int async_set(struct file *f, bool on);
/* f is going away. Called by file_put. */
void async_forget(struct file *f);

#endif
