/*
 * p9_client.h - a 9P client for tests of the gofer: messages by format string, over a socket or a
 * ring, against a server on a thread of this process or in a sealed process of its own. It checks
 * sizes and tags of every answer.
 */
#ifndef TESTS_P9_CLIENT_H
#define TESTS_P9_CLIENT_H

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "abi/p9.h"
#include "abi/ring.h"
#include "host/gofer/gofer.h"
#include "host/gofer/wire.h"

enum p9c_kind {
	P9C_THREAD, /* socket; gofer_serve_stream on a thread: sanitizers see the server */
	P9C_SEALED, /* socket; gofer_main in a child process */
	P9C_RING,   /* ring; gofer_main in a child process */
};

#define P9C_ARENA (16u << 20)
#define P9C_QUEUE RING_Q_9P

struct p9c {
	enum p9c_kind kind;
	struct gofer_config cfg;
	struct gofer_queue queue[2]; /* ring: flags->nqueues of them, one by default */
	unsigned on;		     /* ring: the queue that the next message takes */
	int fd;			     /* our end of the socket, or of the lifeline */
	pid_t pid;		     /* of the child */
	pthread_t thread;
	char *arena;	/* P9C_RING */
	unsigned split; /* ring: cut the T-message into buffers of so many bytes; 0: one buffer */
	uint16_t tag;
	uint8_t *t, *r;	   /* message buffers */
	struct wire_rd rd; /* behind the header of the last answer */
	uint8_t rtype;
};

/* Serve dir. Exits with a message if that fails. cfg gives the flags only. */
void p9c_start(struct p9c *c, enum p9c_kind kind, const char *dir,
	       const struct gofer_config *flags);

/*
 * Hang up and wait for the server. Its exit status: 0 for an orderly end, 128 + signal after a
 * signal.
 */
int p9c_stop(struct p9c *c);

/*
 * Send a message and wait for the answer: 0, the errno of Rlerror, or 9999 for an answer that
 * breaks the protocol. Format: b w d q integers of 1, 2, 4, 8 bytes; s string; S pointer, length: a
 * string of any bytes; D pointer, length: bytes as they are.
 */
int p9c_call(struct p9c *c, uint8_t type, const char *fmt, ...);

/*
 * Send t_len bytes as they are in c->t. 0: no answer (hung up, or an empty one on a ring). Else the
 * answer's size.
 */
size_t p9c_raw(struct p9c *c, size_t t_len);

/* Most used sequences. Each returns as p9c_call. */
int p9c_version(struct p9c *c, const char *version, uint32_t msize);
int p9c_attach(struct p9c *c, uint32_t fid, uint32_t uid);
int p9c_walk(struct p9c *c, uint32_t fid, uint32_t to,
	     const char *path); /* path split at slashes */
int p9c_open(struct p9c *c, uint32_t fid, uint32_t flags);
int p9c_clunk(struct p9c *c, uint32_t fid);

/* CHECK counts and reports; the program ends with p9c_failed ? 1 : 0. */
extern int p9c_failed;
#define CHECK(cond)                                                               \
	do {                                                                      \
		if (!(cond)) {                                                    \
			printf("%s:%d: failed: %s\n", __FILE__, __LINE__, #cond); \
			p9c_failed++;                                             \
		}                                                                 \
	} while (0)
#define CHECK_EQ(a, b)                                                                           \
	do {                                                                                     \
		long long a_ = (a), b_ = (b);                                                    \
		if (a_ != b_) {                                                                  \
			printf("%s:%d: %s is %lld, not %lld\n", __FILE__, __LINE__, #a, a_, b_); \
			p9c_failed++;                                                            \
		}                                                                                \
	} while (0)

/* A new empty directory below $TMPDIR or /tmp; p9c_rmtree takes it away. */
char *p9c_tmpdir(void);
void p9c_rmtree(const char *dir);
int p9c_count_fds(void);

#endif
