/*
 * state.h - what is kept of a container between two commands: a directory ROOT/ID with state.json (this file's struct) and
 * config.json (the bundle's, as it was at create).
 *
 * A command holds the container locked (flock of the directory) from open to close, so that two commands on one container
 * run one after the other; the lock ends with the process that holds it. state.json is replaced by rename: a reader sees the
 * old or the new one. Whether a container runs is asked of the host each time: its process may have died with no one to
 * write that down.
 */
#ifndef MOAT_OCI_STATE_H
#define MOAT_OCI_STATE_H

#include <sys/types.h>

#include "oci/reader.h"

enum container_status {
	STATUS_CREATING, /* `create` has not finished, or died in the middle */
	STATUS_CREATED,
	STATUS_RUNNING,
	STATUS_PAUSED,
	STATUS_STOPPED,
};

struct container_state {
	char *id, *bundle, *rootfs, *created; /* created: RFC 3339 */
	char *sandbox; /* id of the container in whose sandbox this one runs; its own for the first */
	int64_t pid;   /* of the stand-in, 0 before there is one */
	int64_t pid_start; /* its start time, clock ticks since boot: tells it from a later process */
	bool started, paused;
	/* Limits for the Sentry, as CHAN_LIMITS has them, that `update` could not tell it while it was frozen. */
	int64_t later_memory, later_pids;
	char **cgroups; /* directories, absolute, to be removed by delete */
	struct string_map annotations;
};

struct container {
	int root_fd, dir_fd; /* ROOT, ROOT/ID; locked */
	struct container_state s;
	struct pool pool; /* the strings of s */
};

/* Make ROOT/ID, locked, with a state of id alone. EEXIST if there is one. Opens ROOT, making it if need be. */
int container_make(const char *root, const char *id, struct container *c, struct error *err);
/* Open and lock one that is there. ENOENT: "container 'ID' does not exist". */
int container_open(const char *root, const char *id, struct container *c, struct error *err);
/* The same without the lock, to look only: another command may be at it. */
int container_peek(const char *root, const char *id, struct container *c, struct error *err);
/* Write c->s. */
int container_save(const struct container *c, struct error *err);
/* A file of the container's directory, written whole or not at all. */
int container_write(const struct container *c, const char *name, const void *data, size_t len,
		    struct error *err);
/* Remove the directory; c stays to be closed. */
int container_remove(struct container *c, struct error *err);
/* Let other commands at it; c->s stays as it was read. */
void container_unlock(struct container *c);
void container_close(struct container *c);

enum container_status container_status(const struct container *c);
const char *status_name(enum container_status s);

/* Wait until the container's process has ended, at most ms; false: it has not. */
bool container_await_end(const struct container *c, int ms);
/* A signal for the container's process, if it still is the one. -1 and errno; ESRCH: it has ended. */
int container_signal(const struct container *c, int signo);
/* SIGKILL to the container's process, if it still is the one; then wait for its end, at most ms. Needs no lock. */
void container_kill(const struct container *c, int ms);

/* The ids under ROOT, sorted; NULL-ended, from the pool. An absent ROOT is empty. NULL with err set on failure. */
char **container_list(const char *root, struct pool *pool, struct error *err);

/* Start time of a live process in clock ticks since boot; 0: there is none, or a zombie. */
int64_t process_start_time(pid_t pid);

#endif
