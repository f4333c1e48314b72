/*
 * init.h - the first program of the sandbox.
 */
#ifndef MOAT_INIT_H
#define MOAT_INIT_H

#include "boot.h"

/*
 * Start argv[0] as pid 1 with the container's limits, credentials and, with a tty, controlling terminal; a name without a
 * slash is looked for in PATH. From the boot thread, whose files and directories it inherits. 0 or -errno.
 */
int init_start_program(const struct boot_info *b);

#endif
