/*
 * gofer_stream.h - a real gofer on a thread of this process, and a remote procedure call to it by a socket.
 */
#ifndef MOAT_UNIT_GOFER_STREAM_H
#define MOAT_UNIT_GOFER_STREAM_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/uio.h>

/* Serve a new temporary directory; its path. */
const char *gofer_stream_start(bool read_only);
/* The same by diod, with that directory as aname; NULL if it is not installed. */
const char *gofer_stream_diod(void);
/* Send the T-message in out, scatter the answer over in; its size, or -1 if the server is gone. */
long gofer_stream_call(const struct iovec *out, int nout, const struct iovec *in, int nin);
/* Hang up (the server ends) and remove the directory. */
void gofer_stream_kill(void);
void gofer_stream_stop(void);

#endif
