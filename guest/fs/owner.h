/*
 * owner.h - who gets the signals of a file: F_SETOWN, FIOSETOWN; SIGIO, SIGURG.
 */
#ifndef MOAT_FS_OWNER_H
#define MOAT_FS_OWNER_H

#include "fs/file.h"

#define OWNER_TID  0 /* F_OWNER_* */
#define OWNER_PID  1
#define OWNER_PGRP 2

struct siginfo;

/* nr as the current task sees it; 0: nobody. 0, -ESRCH. */
int file_owner_set(struct file *f, int type, int nr);
/* As F_GETOWN tells it: a group is negative. */
int file_owner_get(const struct file *f);
/*
 * The signal, to whom the one that chose the owner might send it; opener: the file's credentials, for landlock. A copy of the owner
 * will do. No spinlock held.
 */
void file_owner_signal(const struct file_owner *o, const struct cred *opener, int signo,
		       const struct siginfo *info);
/* SIGIO, or what F_SETSIG chose, with a siginfo then. code: POLL_*. */
void file_owner_io(const struct file_owner *o, const struct cred *opener, int code, u32 band);

#define POLL_IN	 1 /* si_code */
#define POLL_OUT 2
#define POLL_MSG 3

#endif
