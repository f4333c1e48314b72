/*
 * seccomp.h - linux.seccomp as a filter program, compiled by libseccomp. The Sentry runs it for the application as Linux
 * would: what moat's own processes may do is another matter (host/jail.h).
 */
#ifndef MOAT_OCI_SECCOMP_H
#define MOAT_OCI_SECCOMP_H

#include "oci/config.h"
#include "oci/state.h"

struct seccomp_program {
	void *insns;	/* struct sock_filter[]; NULL: no filter */
	size_t len;	/* bytes */
	unsigned flags; /* SECCOMP_FILTER_FLAG_LOG, as seccomp(2) takes it */
};

/*
 * Translate; the program comes from the pool. Like runc: a rule for a call that libseccomp does not know is left out, several
 * conditions on one argument are alternatives, and a call newer than every one of the profile gets ENOSYS, so that programs
 * fall back. ENOTSUP: SCMP_ACT_NOTIFY, EINVAL: an action or operator that there is not; both name the place.
 */
int seccomp_compile(const struct oci_seccomp *s, struct seccomp_program *out, struct pool *pool,
		    struct error *err);

/* Write it to the container's directory, for its execs: it takes milliseconds to compile. */
int seccomp_keep(const struct container *c, const struct seccomp_program *p, struct error *err);
/* Read it again; a container without one has an empty program. */
int seccomp_kept(const struct container *c, struct seccomp_program *out, struct pool *pool,
		 struct error *err);

#endif
