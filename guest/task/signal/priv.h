/*
 * priv.h - shared by the signal files.
 */
#ifndef MOAT_TASK_SIGPRIV_H
#define MOAT_TASK_SIGPRIV_H

#include "task/private.h"

struct sighand {
	struct ref ref;
	struct sigaction action[NSIG];
};

struct sigqueue {
	struct list node;
	bool timer; /* belongs to a timer, which frees it */
	bool queued;
	bool orphan; /* the timer is gone: free it when it leaves the queue */
	struct ucounts *
		ucounts; /* whose RLIMIT_SIGPENDING it counts against; a reference; a timer's: its own */
	struct siginfo info;
};

#define SIG_SYNCHRONOUS                                                                         \
	(SIGSET(SIGSEGV) | SIGSET(SIGBUS) | SIGSET(SIGILL) | SIGSET(SIGTRAP) | SIGSET(SIGFPE) | \
	 SIGSET(SIGSYS))
#define SIG_STOPS	   (SIGSET(SIGSTOP) | SIGSET(SIGTSTP) | SIGSET(SIGTTIN) | SIGSET(SIGTTOU))
#define SIG_IGNORE_DEFAULT (SIGSET(SIGCONT) | SIGSET(SIGCHLD) | SIGSET(SIGWINCH) | SIGSET(SIGURG))
#define SIG_CORE                                                                                 \
	(SIGSET(SIGQUIT) | SIGSET(SIGILL) | SIGSET(SIGTRAP) | SIGSET(SIGABRT) | SIGSET(SIGFPE) | \
	 SIGSET(SIGSEGV) | SIGSET(SIGBUS) | SIGSET(SIGSYS) | SIGSET(SIGXCPU) | SIGSET(SIGXFSZ))
#define SIG_UNBLOCKABLE (SIGSET(SIGKILL) | SIGSET(SIGSTOP))

/* sig_lock held. */
int signal_take(struct task *t, u64 mask, struct siginfo *info);
void signal_recalc_locked(struct task *t);
bool signal_default_ignored(int signo);

#endif
