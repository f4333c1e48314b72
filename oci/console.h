/*
 * console.h - the terminal of a container or exec on the host: a pty whose master goes to the engine (--console-socket) and
 * whose slave is the stand-in's stdio. The line discipline that programs see is the Sentry's: this one is raw.
 */
#ifndef MOAT_OCI_CONSOLE_H
#define MOAT_OCI_CONSOLE_H

#include "host/error.h"
#include "oci/config.h"

/*
 * Make a pty, raw, of this size (0: as it is), owned by uid in the container's terms, and send its master to the socket at
 * path. The slave's descriptor, or -1.
 */
int console_make(const char *socket_path, const struct oci_console *size, struct error *err);
/* Make fd this process's controlling terminal (it must lead a session) and its stdin, stdout, stderr. */
int console_become(int fd, struct error *err);

#endif
