/*
 * err.h - errno values of the Linux x86-64 ABI, and errors in pointers.
 *
 * Sentry functions return 0 or a positive result, or -errno; functions that return pointers return ERR_PTR(-errno).
 * The ERESTART* values never reach user space: the signal code turns them into EINTR or a restart (task/signal/signal.h).
 */
#ifndef MOAT_LIB_ERR_H
#define MOAT_LIB_ERR_H

#include <asm/errno.h>

#include "lib/types.h"

#define ERESTARTSYS	      512 /* restart if the handler has SA_RESTART or there is none */
#define ERESTARTNOINTR	      513 /* always restart */
#define ERESTARTNOHAND	      514 /* restart only if no handler ran */
#define ERESTART_RESTARTBLOCK 516 /* restart through restart_syscall(2) */

#define MAX_ERRNO 4095

static inline void *ERR_PTR(long err)
{
	return (void *)err;
}

static inline long PTR_ERR(const void *p)
{
	return (long)p;
}

static inline bool IS_ERR(const void *p)
{
	return (unsigned long)p >= (unsigned long)-MAX_ERRNO;
}

/* What strerror(3) says for the errors that starting a program can end with; "error N" for others. err is negative. */
const char *errno_text(int err);

#endif
