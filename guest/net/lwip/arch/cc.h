/*
 * cc.h - what lwIP asks of its compiler and C library: the Sentry's.
 */
#ifndef MOAT_LWIP_CC_H
#define MOAT_LWIP_CC_H

#include <sys/types.h> /* ssize_t */

#include "lib/log.h"

u64 random_u64(void);

#define LWIP_NO_UNISTD_H	   1
#define LWIP_NO_LIMITS_H	   1 /* the Sentry has its own idea of some of them */
#define SSIZE_MAX		   0x7fffffffffffffffL
#define LWIP_RAND()		   ((u32)random_u64())
#define LWIP_PLATFORM_DIAG(x)	   ((void)0)
#define LWIP_PLATFORM_ASSERT(text) panic("lwip: %s (%s:%d)", text, __FILE__, __LINE__)

#endif
