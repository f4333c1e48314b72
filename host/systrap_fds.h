/*
 * systrap_fds.h - the descriptor numbers that the Sentry's process has on the systrap platform.
 *
 * host/systrap.c puts the descriptors there before it executes the Sentry; host/boottree.c writes the same numbers into
 * the device tree's /systrap node. Nothing else is open in that process but stderr (2), for last-resort messages, and
 * the files of DAX windows, at whatever numbers are free.
 */
#ifndef MOAT_HOST_SYSTRAP_FDS_H
#define MOAT_HOST_SYSTRAP_FDS_H

#define SYSTRAP_FD_RAM	 3
#define SYSTRAP_FD_ARENA 4
#define SYSTRAP_FD_CTL	 5 /* made by the Sentry: control memfd shared with the stubs */
#define SYSTRAP_FD_START 6 /* eventfd: the launcher writes 1 in run() */
#define SYSTRAP_FD_EPOLL 7 /* made by the Sentry's I/O thread */
/* made by the Sentry: the epoll set of the idle worker that takes completions */
#define SYSTRAP_FD_WATCH 9
/* made by the Sentry: eventfd that wakes that worker for another reason */
#define SYSTRAP_FD_WAKE 10
#define SYSTRAP_FD_DAX	8  /* socket on which the gofer's descriptors come, if any do (abi/dax.h) */
#define SYSTRAP_FD_KICK 16 /* + queue: doorbells, Sentry to host */
#define SYSTRAP_FD_CALL 64 /* + queue: completions, host to Sentry */
#define SYSTRAP_FD_END	96

#endif
