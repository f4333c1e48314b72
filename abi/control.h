/*
 * control.h - messages of the two control queues, and the crash record.
 *
 * Fixed-size, versioned by BOOT_VERSION. Each side copies a message out before it looks at it.
 */
#ifndef MOAT_ABI_CONTROL_H
#define MOAT_ABI_CONTROL_H

#include <stdint.h>

#define CTL_DATA_MAX 480

/*
 * A handle names a connection of the launcher's (host/channel.h), and what it is about: a container or a process that was
 * put into one. Handle 0 is the first container's. The others are not used again while the sandbox runs.
 */
enum ctl_type {
	/* host to Sentry (RING_Q_CTL_IN); the handle says about what, except where a comment says otherwise */
	CTL_SIGNAL = 1,	 /* a = signal number, b = enum ctl_target */
	CTL_WINSIZE = 2, /* a = rows, b = columns of its terminal */
	CTL_TIME =
		3, /* a = tsc, b = monotonic ns, c = realtime ns, d = tsc frequency in Hz; no handle */
	CTL_LIMITS = 4, /* a = bytes of memory, b = tasks; LIMIT_SAME, LIMIT_NONE */
	CTL_GOFER_GONE =
		6, /* a = queue: nobody serves it any more; every request on it ends with EIO; no handle */
	CTL_CREATE =
		7, /* the handle is new; data = struct ctl_spec. Answer: CTL_CREATED or CTL_FAILED */
	CTL_EXEC =
		8, /* the handle is new; data = struct ctl_spec. Answer: CTL_STARTED or CTL_FAILED */
	CTL_ATTACH =
		9, /* the handle is new; a = handle of a container that it is to speak about; no answer */
	CTL_START =
		10, /* run a created container's first process. Answer: CTL_STARTED or CTL_FAILED */
	CTL_CLOSED =
		11, /* nobody is left at the handle: kill what it owns, if it still runs, and forget it */
	CTL_PIDS = 12,	 /* Answer: CTL_LIST */
	CTL_STATS = 13,	 /* Answer: CTL_LIST */
	CTL_NAMES = 15,	 /* data = the answer to a query for names; no handle */
	CTL_DMESG = 14,	 /* a = sequence number to go on from. Answers: CTL_LIST */
	CTL_STACKS = 16, /* Answers: CTL_LIST, each with one struct ctl_stack */
	CTL_CRASH = 17,	 /* stop as after a fault of the Sentry's own. No answer */
	CTL_TRACE =
		18, /* data = the calls to show, a bitmap of CTL_TRACE_BYTES, of the container's tasks until CTL_CLOSED. Answer: CTL_DONE or CTL_FAILED, then CTL_NOTE */
	CTL_FORWARD =
		19, /* the handle is new; data = struct ctl_forward. Answer: CTL_DONE (connected) or CTL_FAILED, and CTL_EXIT if it breaks */
	/* Sentry to host (RING_Q_CTL_OUT) */
	CTL_EXIT =
		64, /* a = wait status of the first process, as wait(2) gives it; b = CTL_OOM_*. CTL_FORWARD's: a = errno */
	CTL_LOG = 65,	       /* data = one line of dmesg (only with --debug); no handle */
	CTL_TIME_REQUEST = 66, /* answered by CTL_TIME; no handle */
	CTL_STARTED = 67,      /* its first instruction is about to run; a = pid */
	CTL_FAILED =
		68, /* a = exit status a shell would give (126, 127) or 0, b = errno; data = one line */
	CTL_CREATED = 69,
	CTL_DONE = 70,
	CTL_NAMES_QUERY =
		73, /* data = a DNS message for the host's side of the network; no handle, perhaps no answer */
	CTL_LIST = 71, /* data; a = 1: more of it follows, b = as the request says */
	CTL_NOTE =
		72, /* data = lines for the user's stderr: a trace, a hint (only if asked for); handle 0, or that of CTL_TRACE */
};

#define LIMIT_SAME 0ULL	   /* as it is */
#define LIMIT_NONE (~0ULL) /* no limit */

enum ctl_target {
	CTL_TO_PROCESS, /* the first process */
	CTL_TO_FOREGROUND, /* the foreground process group of the terminal; without one, the first process's group */
	CTL_TO_ALL, /* every process of the container */
};

#define CTL_OOM_INIT 1 /* the first process was killed because the container ran out of memory */
#define CTL_OOM_ANY  2 /* some process was */

struct ctl_msg {
	uint32_t type;
	uint32_t len; /* bytes of data in use */
	uint32_t handle, pad;
	uint64_t a, b, c, d;
	uint8_t data[CTL_DATA_MAX - 16];
};

/* Entries of the list that answers CTL_PIDS, and the one of CTL_STATS: struct chan_pid and chan_stats of host/channel.h. */
struct ctl_pid {
	int32_t pid, ppid, uid, pad;
	uint64_t start_ns, cpu_ns;
	char name[32];
};

/*
 * Where a thread is inside the Sentry. Addresses are relative to the function kctx_switch, as the image lies anywhere.
 */
#define CTL_STACK_DEPTH 24
struct ctl_stack {
	int32_t pid, tid;
	int32_t syscall_nr; /* or -1 */
	uint8_t state;	    /* a letter, as in /proc/PID/stat */
	uint8_t kvm;	    /* which image it is: 1 for KVM's, 0 for systrap's */
	uint16_t depth;	    /* 0: it runs just now */
	char name[32];
	int64_t at[CTL_STACK_DEPTH]; /* return addresses, innermost first */
};

#define CTL_TRACE_BYTES 64

struct ctl_stats {
	uint64_t memory_used, memory_limit, cpu_ns, pids, oom_kills;
};

/* Data of CTL_CREATE and CTL_EXEC. */
struct ctl_spec {
	uint32_t container; /* CTL_EXEC: handle of the container to run in */
	uint32_t spec;	    /* stream that gives the process's device tree (boot.h: /container) */
	uint32_t stdio[3];  /* streams, or STREAM_NONE */
	uint32_t queue;	    /* CTL_CREATE: the 9P queue of its gofer */
};

/* Data of CTL_FORWARD: a connection to a port of the container's loopback, and the streams that it is relayed with. */
struct ctl_forward {
	uint32_t container; /* its handle */
	uint32_t in, out;   /* streams: what goes to the port, and what comes from it */
	uint32_t port;
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
