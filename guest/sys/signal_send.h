/*
 * signal_send.h - sending to a process group with the permission rule of kill(2), for other families.
 */
#ifndef MOAT_SYS_SIGNAL_SEND_H
#define MOAT_SYS_SIGNAL_SEND_H

#include "lib/types.h"

struct siginfo;

/* 0 if one process could be signalled; -ESRCH, -EPERM. */
s64 kill_group(int pgid, int sig, const struct siginfo *info);

#endif
