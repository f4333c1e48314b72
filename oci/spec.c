/*
 * spec.c - see spec.h.
 */
#include <errno.h>

#include "host/memory.h"
#include "oci/limits.h"
#include "oci/mounts.h"
#include "oci/names.h"
#include "oci/oci.h"
#include "oci/spec.h"

/* A set of names as bits. Names that are unknown here may be a newer kernel's: left out, with a line. */
static uint64_t capability_set(char **names)
{
	uint64_t set = 0;

	for (; names && *names; names++) {
		int n = capability_number(*names);

		if (n < 0 || n > 63)
			oci_log("warning", "process.capabilities: '%.40s' is unknown", *names);
		else
			set |= 1ULL << n;
	}
	return set;
}

static int set_capabilities(const struct oci_caps *c, struct container_spec *out, struct pool *pool,
			    struct error *err)
{
	struct cap_sets *s = pool_zalloc(pool, 1, sizeof(*s));

	if (!s)
		return error_set(err, ENOMEM, "out of memory");
	out->capsets = s;
	if (!c)
		return 0; /* none said: none had */
	s->bounding = capability_set(c->bounding);
	s->effective = capability_set(c->effective);
	s->inheritable = capability_set(c->inheritable);
	s->permitted = capability_set(c->permitted);
	s->ambient = capability_set(c->ambient);
	return 0;
}

static int set_rlimits(const struct oci_process *p, struct container_spec *out, struct pool *pool,
		       struct error *err)
{
	struct rlimit_spec *r = pool_zalloc(pool, p->rlimits.n + 1, sizeof(*r));

	if (!r)
		return error_set(err, ENOMEM, "out of memory");
	for (size_t i = 0; i < p->rlimits.n; i++) {
		r[i].resource = rlimit_number(p->rlimits.items[i].type);
		r[i].soft = (uint64_t)p->rlimits.items[i].soft;
		r[i].hard = (uint64_t)p->rlimits.items[i].hard;
	}
	out->rlimits = r;
	out->nrlimits = (unsigned)p->rlimits.n;
	return 0;
}

static int set_groups(const struct oci_process *p, struct container_spec *out, struct pool *pool,
		      struct error *err)
{
	gid_t *g = pool_zalloc(pool, p->user.groups.n + 1, sizeof(*g));

	if (!g)
		return error_set(err, ENOMEM, "out of memory");
	for (size_t i = 0; i < p->user.groups.n; i++)
		g[i] = (gid_t)p->user.groups.items[i];
	out->groups = g;
	out->ngroups = (unsigned)p->user.groups.n;
	return 0;
}

int spec_of_process(const struct oci_process *p, const struct seccomp_program *filter,
		    struct container_spec *out, struct pool *pool, struct error *err)
{
	static char *no_env[] = { NULL };

	*out = (struct container_spec){
		.argv = p->args,
		.envp = p->env ? p->env : no_env,
		.cwd = p->cwd,
		.hostname = "",
		.uid = (uid_t)p->user.uid,
		.gid = (gid_t)p->user.gid,
		.umask = p->user.umask.set ? (unsigned)p->user.umask.value : 022,
		.tty = p->terminal,
		.rows = (unsigned short)p->console.height,
		.cols = (unsigned short)p->console.width,
		.no_new_privs = p->no_new_privileges,
		.seccomp = filter->insns,
		.seccomp_len = filter->len,
		.seccomp_flags = filter->flags,
		.oom_score_adj = p->oom_score_adj.set ? (int)p->oom_score_adj.value : 0,
	};
	if (set_capabilities(p->caps, out, pool, err) < 0 || set_rlimits(p, out, pool, err) < 0)
		return -1;
	return set_groups(p, out, pool, err);
}

/* What a container that is never started has in its place. */
static const struct oci_process nothing = {
	.args = (char *[]){ (char *)"/none", NULL },
	.cwd = (char *)"/",
};

int spec_of_config(const struct launch_plan *p, struct container_spec *out, struct pool *pool,
		   struct error *err)
{
	const struct oci_config *c = p->config;
	const struct oci_resources *l = &c->linux_.resources;
	uint64_t limit = memory_inside(l);

	if (spec_of_process(c->process ? c->process : &nothing, &p->seccomp, out, pool, err) < 0)
		return -1;
	out->id = p->c->s.id;
	out->wait_start = true;
	out->hostname = c->hostname ? c->hostname : "moat";
	out->memory = limit ? limit : memory_host_total();
	out->pids_max = l->pids.limit.set && l->pids.limit.value > 0 ? (uint64_t)l->pids.limit.value
								     : 0;
	if (l->cpu.quota.set && l->cpu.quota.value > 0) {
		out->cpu_quota = (uint64_t)l->cpu.quota.value;
		out->cpu_period = l->cpu.period.set && l->cpu.period.value > 0
					  ? (uint64_t)l->cpu.period.value
					  : 100000;
	}
	out->sysctl = p->sysctl;
	oci_mounts_spec(c, p->mounts, out);
	return 0;
}
