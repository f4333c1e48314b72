/*
 * hints.c - see hints.h. A program fails when it exits with a status other than 0 or dies of a fault or an abort; what it
 * asked for last is named (task/unsupported.h), each thing of each program once in the life of the sandbox.
 */
#include <string.h>

#include "dev/control.h"
#include "lib/log.h"
#include "sys/hints.h"
#include "task/unsupported.h"
#include "task/watch.h"

#define PATIENCE_NS 1000000000ULL
#define FAULTS                                                                                  \
	(SIGSET(SIGILL) | SIGSET(SIGTRAP) | SIGSET(SIGABRT) | SIGSET(SIGBUS) | SIGSET(SIGFPE) | \
	 SIGSET(SIGSEGV) | SIGSET(SIGSYS))

static void on_end(struct process *p, int status)
{
	int signo = status & 0x7f;
	char what[128], line[256];

	if (signo ? !(SIGSET(signo) & FAULTS) : !status)
		return;
	if (!unsupported_last(p, what, sizeof(what)))
		return;
	ksnprintf(line, sizeof(line),
		  "moat: %s: %s and may be why it failed; --hints=off silences this\n",
		  task_current()->comm, what);
	control_send_until(CTL_NOTE, 0, line, strlen(line), clock_mono() + PATIENCE_NS);
}

void hints_init(bool on)
{
	static struct task_watch watch = { .ended = on_end };

	if (on)
		task_watch_add(&watch);
}
