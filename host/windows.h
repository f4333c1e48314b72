/*
 * windows.h - files of the host in guest memory (abi/dax.h): the launcher's part, for platforms whose Sentry cannot map.
 */
#ifndef MOAT_HOST_WINDOWS_H
#define MOAT_HOST_WINDOWS_H

#include "abi/dax.h"
#include "host/sandbox.h"

/* Reserve address space for the sandbox's windows: sb->windows. Without sb->dax there are none. 0, or -1. */
int windows_reserve(struct sandbox *sb, uint64_t size, struct error *err);

/*
 * What the Sentry asks for: map the file that some gofer sent with this cookie, or with cookie 0 take away what lies at
 * [window, window + len). 0 or -errno. Everything in m is hostile, and so is what gofers send.
 */
int windows_change(struct sandbox *sb, const struct dax_message *m);

#endif
