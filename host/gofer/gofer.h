/*
 * gofer.h - the file server of a sandbox: the only process that touches the container's files. It
 * speaks 9P2000.L and moat's extensions (abi/p9.h) over device rings (abi/ring.h) or, for tests and
 * interop, over a stream socket.
 *
 * The caller makes the process, its namespaces, its empty root and its resource limits; gofer_main
 * gives up the rest (descriptors, capabilities, system calls) and serves. Nothing the client sends
 * is trusted; names are resolved one component at a time relative to descriptors, below the root,
 * and never through a symbolic link.
 */
#ifndef MOAT_HOST_GOFER_H
#define MOAT_HOST_GOFER_H

#include <stdbool.h>
#include <stdint.h>

struct error;

struct gofer_queue {
	unsigned index; /* RING_Q_9P + connection */
	int kick_fd;	/* eventfd, Sentry to us */
	int call_fd;	/* eventfd, us to the Sentry */
};

/*
 * A tree, or one file, that the client reaches by attaching to its name. No path leads from one to
 * another: ".." of its root is its root, and links and renames between two are EXDEV.
 */
struct gofer_export {
	const char *name; /* aname of Tattach; "" is the root of gofer_config */
	/*
	 * A directory (O_PATH is enough); a regular file, open for data, with O_RDWR unless read_only
	 * (all fids share its open file, so a rename on the host does not change what it is);
	 * anything else by O_PATH, which nobody can open here.
	 */
	int fd;
	bool read_only;	   /* every change is refused with EROFS */
	bool cross_mounts; /* walk into mounts below it; else EXDEV */
	bool whiteouts; /* the client may make character devices 0:0, and leave one by renaming */
	bool copies_up; /* the gofer finds out: overlayfs, where the first write gives a file a new birth time */
};

#define GOFER_EXPORTS_MAX 512 /* besides the root */

struct gofer_config {
	int root_fd;			    /* directory, O_PATH is enough */
	bool read_only;			    /* every change below the root is refused with EROFS */
	bool cross_mounts;		    /* walk into mounts below the root; else EXDEV */
	const struct gofer_export *exports; /* besides the root */
	unsigned nexports;
	bool set_owner;	    /* privileged: what is made gets the request's uid and gid */
	bool keep_dac_read; /* read-only server keeps CAP_DAC_READ_SEARCH */
	/* NULL-ended names directly below the root that do not exist here, or NULL */
	const char *const *hidden;
	unsigned max_fds; /* descriptors that we may use; 0: RLIMIT_NOFILE, at most GOFER_MAX_FDS */

	int arena_fd; /* sealed memfd, mapped and closed; unused without queues */
	uint64_t arena_size;
	const struct gofer_queue *queues; /* one thread each */
	unsigned nqueues;
	int stream_fd;	 /* serve this socket, or -1; alone, without queues */
	int lifeline_fd; /* we end when its other end is closed; or -1 */
	int dax_fd; /* SOCK_SEQPACKET to whoever maps windows of files (abi/dax.h); 0: there is none */
};

#define GOFER_MAX_FDS 4096

/* Nothing that is exported can be written to. */
bool gofer_read_only(const struct gofer_config *cfg);

/*
 * Seal the process and serve until the lifeline or the stream closes. Takes over all descriptors of
 * cfg and closes every other one but 2. Returns 0 after an orderly end, -1 with *err if the service
 * could not start. When the client breaks the protocol of its last connection the process ends with
 * a line and status 1. Call it in a single-threaded process of its own.
 */
int gofer_main(const struct gofer_config *cfg, struct error *err);

/*
 * Serve one stream connection without sealing anything, on the calling thread; for tests. fd and
 * cfg->root_fd stay open and the caller's. 0 at end of file, -1 with *err.
 */
int gofer_serve_stream(int fd, const struct gofer_config *cfg, struct error *err);

#endif
