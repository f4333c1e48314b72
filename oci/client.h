/*
 * client.h - a command's conversation with a container that is there: open its state, attach to its sandbox, ask.
 */
#ifndef MOAT_OCI_CLIENT_H
#define MOAT_OCI_CLIENT_H

#include "host/channel.h"
#include "oci/config.h"
#include "oci/oci.h"
#include "oci/state.h"

/* Connect to the sandbox of container c: what the connection is for is said next. A descriptor, or -1. */
int client_connect(const struct container *c, struct error *err);
/* Connect and attach to c. A descriptor, or -1 (ECONNREFUSED: the sandbox is gone; EAGAIN: it does not answer). */
int client_attach(const struct container *c, struct error *err);
/* The same by id, for a command that has nothing else to do with it. A descriptor, or -1 (ESRCH: it does not run). */
int client_talk(const char *id, struct error *err);
/*
 * Send m with n descriptors and wait for one answer, into m. 0; -1 with err from CHAN_FAILED, or if the sandbox ended or
 * broke the protocol.
 */
int client_ask(int fd, struct chan_msg *m, const int *fds, size_t n, struct error *err);
/* How long client_ask waits for an answer before it fails with EAGAIN; 0: for ever. */
void client_patience(int fd, unsigned seconds);
/* The config.json that `create` kept. */
int client_config(const struct container *c, struct oci_config *out, struct pool *pool,
		  struct error *err);

/* The one operand of a command, its id; NULL with err set. */
const char *operand_id(int argc, char **argv, int first, struct error *err);
/* For a command that has none: 0, or -1 with err set. */
int no_operands(int argc, char **argv, int first, struct error *err);

/* Tell the Sentry the container's limits, as CHAN_LIMITS has them; nothing to tell is no error. 0, or -1. */
int client_limits(const struct container *c, uint64_t memory, uint64_t tasks, struct error *err);

#endif
