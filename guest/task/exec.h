/*
 * exec.h - the point of no return: the current task becomes another program.
 */
#ifndef MOAT_TASK_EXEC_H
#define MOAT_TASK_EXEC_H

#include "task/task.h"

struct exec_switch {
	struct mm *mm;	   /* complete; taken over on success */
	struct cred *cred; /* taken over on success */
	uaddr_t entry, sp;
	const char *name; /* its last component becomes comm */
	bool secure;
};

/*
 * Kill the other threads, leave the old address space, start the new program at entry. -EINTR or -EAGAIN if a fatal
 * signal or another thread's exec came first; -ENOMEM. After success nothing of the old program is left.
 */
int task_exec_switch(const struct exec_switch *sw);

#endif
