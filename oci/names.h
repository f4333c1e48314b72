/*
 * names.h - the names that config.json and the command line use for numbers: capabilities, resource limits, scheduling policies, signals.
 */
#ifndef MOAT_OCI_NAMES_H
#define MOAT_OCI_NAMES_H

/* Its number, or -1. */
int capability_number(const char *name); /* CAP_CHOWN */
int rlimit_number(const char *name);	 /* RLIMIT_NOFILE */
int policy_number(const char *name);	 /* SCHED_BATCH */
int signal_number(const char *name);	 /* 0, 15, TERM, SIGTERM, RTMIN+3; in any case of letters */

#endif
