/*
 * control.h - messages of the two control queues, and the crash record.
 *
 * Fixed-size, versioned by BOOT_VERSION. Each side copies a message out before it looks at it.
 */
#ifndef MOAT_ABI_CONTROL_H
#define MOAT_ABI_CONTROL_H

#include <stdint.h>

#define CTL_DATA_MAX 480

enum ctl_type {
	/* host to Sentry (RING_Q_CTL_IN) */
	CTL_SIGNAL =
		1, /* a = signal number, b = 0: init; 1: foreground process group of the console tty */
	CTL_WINSIZE = 2,   /* a = rows, b = columns of the console tty */
	CTL_TIME = 3,	   /* a = tsc, b = monotonic ns, c = realtime ns, d = tsc frequency in Hz */
	CTL_MEM_LIMIT = 4, /* a = bytes */
	CTL_SHUTDOWN = 5,  /* kill everything, then CTL_EXIT */
	CTL_GOFER_GONE =
		6, /* a = queue: nobody serves it any more; every request on it ends with EIO */
	/* Sentry to host (RING_Q_CTL_OUT) */
	CTL_EXIT = 64,	       /* a = wait status of init, as wait(2) gives it; the sandbox ends */
	CTL_LOG = 65,	       /* data = one line of dmesg (only with --debug) */
	CTL_TIME_REQUEST = 66, /* answered by CTL_TIME */
	CTL_READY =
		67, /* first instruction of init is about to run; a = ns since the Sentry's first instruction */
	CTL_FATAL =
		68, /* data = one line: why init could not start; a = exit status a shell would give (126, 127) */
	CTL_NOTE = 69, /* data = lines for the user's stderr: a trace, a hint (only if asked for) */
};

struct ctl_msg {
	uint32_t type;
	uint32_t len; /* bytes of data in use */
	uint64_t a, b, c, d;
	uint8_t data[CTL_DATA_MAX - 8];
};

_Static_assert(sizeof(struct ctl_msg) == 512, "control message");

#define CRASH_MAGIC 0x6873617263746f6dULL

/* Written by the Sentry at ARENA_CRASH just before it stops for good; printed (and symbolized) by the launcher. */
struct crash_record {
	uint64_t magic;
	uint64_t image_slide; /* run-time address less link-time address of the Sentry's image */
	char reason[256];
	char task[32]; /* comm of the task on this CPU, or "" */
	uint32_t pid, cpu;
	int64_t syscall_nr; /* the system call it was in, or -1 */
	uint64_t regs[20];  /* rax rbx rcx rdx rsi rdi rbp rsp r8..r15 rip rflags cr2 error */
	uint32_t depth;
	uint32_t pad;
	uint64_t backtrace[32]; /* return addresses, innermost first */
	char dmesg_tail[2048];	/* last lines of the log */
};

#endif
