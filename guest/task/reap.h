/*
 * reap.h - waiting for children.
 */
#ifndef MOAT_TASK_REAP_H
#define MOAT_TASK_REAP_H

#include "lib/types.h"

/* wait options, Linux's values */
#define W_NOHANG    0x1u
#define W_STOPPED   0x2u
#define W_EXITED    0x4u
#define W_CONTINUED 0x8u
#define W_NOWAIT    0x01000000u
#define W_NOTHREAD  0x20000000u
#define W_ALL	    0x40000000u
#define W_CLONE	    0x80000000u

enum wait_type { WAIT_ANY, WAIT_PID, WAIT_PGID };

struct wait_request {
	enum wait_type type;
	int id;
	u32 options;
};

struct wait_result {
	int pid;	  /* as the waiter numbers it */
	int code, status; /* CLD_*, and what goes with it */
	int wstatus;	  /* as wait4 gives it */
	u32 uid;
	u64 utime, stime; /* ns; of the child and of its waited-for children */
	u64 minflt, majflt, nvcsw, nivcsw, maxrss;
};

struct process;
/* All of *r but pid, uid and wstatus. task_lock held. */
void wait_fill(struct wait_result *r, const struct process *c, int code, int status);

/* 1: *r is filled (a zombie was reaped unless W_NOWAIT); 0: W_NOHANG and nothing; -ECHILD, -ERESTARTSYS. */
int process_wait(const struct wait_request *w, struct wait_result *r);

#endif
