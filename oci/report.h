/*
 * report.h - what a child that starts says to its parent over a pipe, once: it is ready, or why it is not.
 */
#ifndef MOAT_OCI_REPORT_H
#define MOAT_OCI_REPORT_H

#include "host/error.h"

/* err NULL: all is well. 0, or -1 if nobody listens: then there is nothing to go on for. */
int report_send(int fd, const struct error *err);
/* Wait for it. 0; -1 with what the child said, or with `died` if it ended without a word. */
int report_hear(int fd, const char *died, struct error *err);

#endif
