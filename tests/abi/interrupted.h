/* A system call that a signal ends. */
#ifndef MOAT_TESTS_INTERRUPTED_H
#define MOAT_TESTS_INTERRUPTED_H

#include "abi.h"
#include <sys/time.h>

ABI_UNUSED static void on_alarm(int sig ABI_UNUSED)
{
}

/* A timer rings every 20 ms until the call was ended by it; on_alarm is SIGALRM's handler by then. */
#define INTERRUPTED(call)                                                          \
	do {                                                                       \
		struct itimerval tv = { { 0, 20000 }, { 0, 20000 } }, off = { 0 }; \
		setitimer(ITIMER_REAL, &tv, NULL);                                 \
		CHECK_ERRNO(call, EINTR);                                          \
		setitimer(ITIMER_REAL, &off, NULL);                                \
	} while (0)

#endif
