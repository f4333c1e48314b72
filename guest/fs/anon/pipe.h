/*
 * pipe.h - pipes and FIFOs.
 */
#ifndef MOAT_FS_PIPE_H
#define MOAT_FS_PIPE_H

#include "fs/file.h"

struct pipe;

/* pipe2(2): two files with a reference each. flags: O_CLOEXEC is the caller's; O_NONBLOCK, O_DIRECT. 0 or -errno. */
int pipe_create(u32 flags, struct file **rd, struct file **wr);
/* Opening a FIFO in a file system (struct special_open): waits for the other side as fifo(7) says. */
int pipe_open_fifo(struct inode *i, struct file *f);
/* The pipe of a file that is one end of a pipe or a FIFO, else NULL. For splice and fcntl(F_GETPIPE_SZ). */
struct pipe *pipe_of(struct file *f);
/* Capacity in bytes, as fcntl(F_SETPIPE_SZ, F_GETPIPE_SZ) has it. */
s64 pipe_size(struct pipe *p);
s64 pipe_set_size(struct pipe *p, u64 size);
/* Copy what is readable, without taking it out (tee(2)). Bytes, 0 when empty. Kernel memory. */
size_t pipe_peek(struct pipe *p, void *buf, size_t n);

#endif
