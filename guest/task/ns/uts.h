/*
 * uts.h - the names that uname(2) and /proc/sys/kernel show. One set for each UTS
 * namespace; these are the current task's.
 */
#ifndef MOAT_TASK_UTS_H
#define MOAT_TASK_UTS_H

#include "lib/types.h"

#define UTS_LEN	    64
#define UTS_SYSNAME "Linux"
#define UTS_RELEASE "6.12.0-moat"
#define UTS_VERSION "#1 SMP PREEMPT_NONE moat"
#define UTS_MACHINE "x86_64"

/* At boot: how to make another namespace. */
void uts_init(void);
/* Copy the present name, NUL-ended. */
void uts_hostname(char buf[UTS_LEN + 1]);
void uts_domainname(char buf[UTS_LEN + 1]);
/* n bytes, without a NUL; longer ones are cut. */
void uts_set_hostname(const char *name, size_t n);
void uts_set_domainname(const char *name, size_t n);

#endif
