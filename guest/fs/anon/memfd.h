/*
 * memfd.h - anonymous files in memory (memfd_create(2)).
 */
#ifndef MOAT_FS_MEMFD_H
#define MOAT_FS_MEMFD_H

#include "fs/vfs.h"

/* flags: MFD_*. One reference, or ERR_PTR. */
struct file *memfd_create(const char *name, u32 flags);
/* An unlinked file of size bytes for shared anonymous memory of others (System V, POSIX). */
struct file *memfd_shared(const char *name, u64 size);

#endif
