/*
 * channel.h - what moat's own processes say to the launcher of a running sandbox, over SOCK_SEQPACKET connections.
 *
 * The launcher holds two kinds of connection: the one it was born with, which speaks for the sandbox's first container, and
 * those it accepts from ROOT/ID/control.sock (only root, or the user who made the sandbox, can reach that). An accepted one
 * says first what it is: CHAN_CREATE, a further container of the pod; CHAN_EXEC, a process in a container; CHAN_FORWARD, a
 * connection to a port in a container; CHAN_ATTACH, a command about a container that is there. The first three own what they
 * made: when such a connection closes, the container or process is killed, the connection reset. Attached ones just end.
 *
 * A message is one packet: struct chan_msg, cut off after len bytes of data, with descriptors beside it as its type says.
 * What does not fit (a process's arguments, a container's mounts) travels in a sealed memfd as a flattened device tree, the
 * format of the boot tree's /container node (abi/boot.h). The launcher is jailed because the guest may have taken it:
 * whoever reads from it checks what it reads.
 */
#ifndef MOAT_HOST_CHANNEL_H
#define MOAT_HOST_CHANNEL_H

#include <stddef.h>
#include <stdint.h>

#include "host/error.h"

#define CHAN_DATA_MAX 4000
#define CHAN_FDS_MAX  8
#define CHAN_NAME_MAX 255 /* a container's id */

enum chan_type {
	/* ---- to the launcher ---- */
	/* data = id; descriptors: spec memfd, stdin, stdout, stderr. Answers: CHAN_QUEUE, then CHAN_CREATED or CHAN_FAILED. */
	CHAN_CREATE = 1,
	/* data = id of the container; descriptors: spec memfd, stdin, stdout, stderr. Answers: CHAN_STARTED or CHAN_FAILED, later CHAN_EXIT. */
	CHAN_EXEC,
	CHAN_ATTACH, /* data = id. Answer: CHAN_DONE or CHAN_FAILED */
	/* The rest is about the connection's container or process. */
	CHAN_START, /* run the container's first process. Answer: CHAN_STARTED or CHAN_FAILED; its owner has CHAN_EXIT later */
	CHAN_SIGNAL, /* a = number, b = enum chan_target. Answer: CHAN_DONE or CHAN_FAILED (a = ESRCH) */
	CHAN_WINSIZE, /* a = rows, b = columns of its terminal. No answer */
	CHAN_NET, /* data = struct net_config (abi/net.h); descriptors: the backend's, one for each pair. Answer: CHAN_DONE or CHAN_FAILED */
	CHAN_LIMITS, /* a = bytes of memory, b = tasks, as CTL_LIMITS has them. Answer: CHAN_DONE */
	CHAN_PIDS,   /* Answer: CHAN_LIST */
	CHAN_STATS,  /* Answer: CHAN_LIST, data = struct chan_stats */
	CHAN_DMESG, /* a = sequence number to go on from. Answers: CHAN_LIST (b = next number), until it is empty */
	CHAN_GOFER_GONE, /* from the owner of a container: its gofer ended; its files answer EIO from now on. No answer */
	CHAN_STACKS, /* Answers: CHAN_LIST, data = struct ctl_stack (abi/control.h) */
	CHAN_CRASH,  /* make the Sentry stop as after a fault of its own. No answer */
	CHAN_TRACE, /* data = calls, a bitmap of CTL_TRACE_BYTES. Answer: CHAN_DONE or CHAN_FAILED, then CHAN_NOTE until it is closed */
	/*
	 * data = id of the container, a = port; descriptors: what goes to the port, what comes from it. Answer: CHAN_DONE (it is
	 * connected) or CHAN_FAILED (a = ECONNREFUSED: nobody listens there), later CHAN_EXIT (a = errno) if it breaks.
	 */
	CHAN_FORWARD,
	/* ---- from the launcher ---- */
	CHAN_QUEUE =
		64, /* a = 9P queue for the container's gofer, b = arena size; descriptors: arena, doorbell, interrupt, and the socket of abi/dax.h if it may map files */
	CHAN_CREATED,
	CHAN_STARTED, /* a = its pid inside */
	CHAN_DONE,
	CHAN_FAILED, /* a = errno, b = exit status that a shell would give (126, 127) or 0; data = one line */
	CHAN_EXIT, /* a = wait status, as wait(2) gives it; b = CTL_OOM_* of abi/control.h; of CHAN_FORWARD: a = errno */
	CHAN_LIST, /* data; a = 1: more of it follows */
	CHAN_LOG,  /* data = one line of dmesg (--debug) */
	CHAN_NOTE, /* data = lines for the user's stderr: a trace, a hint */
};

enum chan_target {
	CHAN_TO_PROCESS,    /* the container's first process, or the exec'd one */
	CHAN_TO_FOREGROUND, /* the foreground process group of its terminal */
	CHAN_TO_ALL,	    /* every process of the container */
};

/* One entry of CHAN_PIDS's list: a name of NUL-ended text follows the numbers, padded to 8 bytes by the name's size. */
struct chan_pid {
	int32_t pid, ppid, uid, pad;
	uint64_t start_ns, cpu_ns;
	char name[32];
};

struct chan_stats {
	uint64_t memory_used, memory_limit, cpu_ns, pids, oom_kills;
};

struct chan_msg {
	uint32_t type;
	uint32_t len; /* bytes of data in use */
	uint64_t a, b;
	uint8_t data[CHAN_DATA_MAX];
};

/* Send m with n descriptors, which stay the caller's. 0, or -1. */
int chan_send(int fd, const struct chan_msg *m, const int *fds, size_t n, struct error *err);
/*
 * Receive one message; descriptors (close-on-exec) go to fds[0..*n-1], where *n says how many fit, and those beyond are closed.
 * 1: a message; 0: the other side is gone; -1: not a message of this protocol, or an error (EAGAIN with MSG_DONTWAIT in flags).
 */
int chan_recv(int fd, struct chan_msg *m, int *fds, size_t *n, int flags, struct error *err);
/* Close what chan_recv gave. */
void chan_close_fds(int *fds, size_t n);

/* Listen at DIR/control.sock (dir_fd is DIR); a descriptor, or -1. */
int chan_listen(int dir_fd, struct error *err);
/* Connect to it. ECONNREFUSED or ENOENT: there is no sandbox any more. */
int chan_connect(int dir_fd, struct error *err);
/* A descriptor of the socket's file, O_PATH, for a process that will not reach DIR any more; -1. */
int chan_open_file(int dir_fd);
/*
 * Connect by that. In a process that has no /proc which it can trust: it gets one of its own as its working directory, and
 * needs CAP_SYS_ADMIN for that.
 */
int chan_connect_file(int file_fd, struct error *err);
/* A sealed memfd with this text; a descriptor, or -1. */
int chan_memfd(const char *name, const void *data, size_t len, struct error *err);

#endif
