/*
 * console.h - the standard streams of the host as byte streams, and as files.
 *
 * Without a terminal, init's descriptors 0, 1 and 2 are these streams. With one, the terminal (dev/tty) is their only
 * user: it takes what arrives and gives what it shows.
 */
#ifndef MOAT_DEV_CONSOLE_H
#define MOAT_DEV_CONSOLE_H

#include "fs/file.h"

void console_start(void);
/* A file on stream 0, 1 or 2; one reference, or ERR_PTR. */
struct file *console_file(int stream);
/* f opens inode i again (/proc/self/fd/1): true if i is one of ours, and f is set up. */
bool console_reopen(struct inode *i, struct file *f);

/* ---- for the terminal ---- */

/*
 * fn gets bytes as they arrive (an upcall; len 0: end of file) and returns how many it took; the rest is offered again by
 * console_want_input. While nothing is left the stream reads ahead one buffer.
 */
void console_set_input(size_t (*fn)(void *arg, const u8 *data, size_t len), void *arg);
void console_want_input(void);
/* Queue bytes for stream 1: how many were taken; 0 when it is full, and then room(arg) will be called (an upcall). */
size_t console_output(const u8 *data, size_t len);
void console_set_room(void (*room)(void *arg), void *arg);

/*
 * Sleep until the host has taken all output (or does not take it any more); without `severed` all but what the end of
 * its writer cut off, for which a killed program does not wait. From a task.
 */
void console_drain(bool severed);

#endif
