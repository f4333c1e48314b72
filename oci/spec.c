/*
 * spec.c - see spec.h.
 */
#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "abi/boot.h"
#include "host/memory.h"
#include "oci/hooks.h"
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
			oci_log("warning", "process.capabilities: '%.40s' is unknown and left out",
				*names);
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
	if (p->scheduler) {
		out->sched_policy = policy_number(p->scheduler->policy);
		out->sched_priority = (int)p->scheduler->priority;
		out->sched_reset = p->scheduler->flags && p->scheduler->flags[0];
		out->nice = (int)p->scheduler->nice;
	}
	if (set_capabilities(p->caps, out, pool, err) < 0 || set_rlimits(p, out, pool, err) < 0)
		return -1;
	return set_groups(p, out, pool, err);
}

/* ---- devices ---- */

/* Character devices that the Sentry has a driver for: those of guest/dev/chrdev.c, and the slaves of pseudo terminals. */
static bool device_exists(const struct oci_device *d)
{
	static const struct {
		int64_t major, minor;
	} known[] = { { 1, 3 },	 { 1, 5 }, { 1, 7 }, { 1, 8 }, { 1, 9 },
		      { 1, 11 }, { 5, 0 }, { 5, 1 }, { 5, 2 } };

	if (*d->type == 'p')
		return true;
	for (size_t i = 0; i < sizeof(known) / sizeof(*known); i++)
		if (*d->type != 'b' && known[i].major == d->major && known[i].minor == d->minor)
			return true;
	return *d->type != 'b' && d->major == 136;
}

static unsigned device_mode(const struct oci_device *d)
{
	unsigned mode = d->mode.set ? (unsigned)d->mode.value & 07777 : 0666;

	return mode | (*d->type == 'p' ? S_IFIFO : *d->type == 'b' ? S_IFBLK : S_IFCHR);
}

/* Nodes of all; one without a driver can be seen and not opened (ENXIO), as a line says. */
static int set_devices(const struct oci_config *c, struct container_spec *out, struct pool *pool,
		       struct error *err)
{
	const struct oci_linux *l = &c->linux_;
	struct device_spec *list = pool_zalloc(pool, l->devices.n + 1, sizeof(*list));

	if (!list)
		return error_set(err, ENOMEM, "out of memory");
	for (size_t i = 0; i < l->devices.n; i++) {
		const struct oci_device *d = &l->devices.items[i];

		if (!device_exists(d))
			oci_log("warning",
				"linux.devices[%zu]: %s (%s %lld:%lld) is not in a sandbox: opening it will fail",
				i, d->path, d->type, (long long)d->major, (long long)d->minor);
		list[i] = (struct device_spec){
			.path = d->path,
			.mode = device_mode(d),
			.major = (unsigned)d->major,
			.minor = (unsigned)d->minor,
			.uid = d->uid.set ? (uid_t)d->uid.value : 0,
			.gid = d->gid.set ? (gid_t)d->gid.value : 0,
		};
	}
	out->devices = list;
	out->ndevices = (unsigned)l->devices.n;
	return 0;
}

/* ---- hooks that run inside ---- */

static int set_hooks(const struct launch_plan *p, struct container_spec *out, struct pool *pool,
		     struct error *err)
{
	static char *no_env[] = { NULL };
	const struct oci_hooks *all = &p->config->hooks;
	size_t n = all->kind[HOOK_START_CONTAINER].n;
	struct hook_spec *list = pool_zalloc(pool, n + 1, sizeof(*list));
	struct container_state s = p->c->s;
	char *state;

	if (!list)
		return error_set(err, ENOMEM, "out of memory");
	for (size_t i = 0; i < n; i++) {
		const struct oci_hook *h = &all->kind[HOOK_START_CONTAINER].items[i];
		char **only_path = pool_zalloc(pool, 2, sizeof(char *));

		if (!only_path)
			return error_set(err, ENOMEM, "out of memory");
		only_path[0] = h->path;
		list[i] = (struct hook_spec){
			.path = h->path,
			.argv = h->args && h->args[0] ? h->args : only_path,
			.envp = h->env ? h->env : no_env,
			.timeout = h->timeout.set ? (unsigned)h->timeout.value : 0,
		};
	}
	out->hooks = list;
	out->nhooks = (unsigned)n;
	if (!n)
		return 0;
	s.pid = 0; /* only the Sentry knows its number inside */
	state = state_json(&s, "created");
	out->state = state ? pool_strndup(pool, state, strlen(state)) : NULL;
	free(state);
	return out->state ? 0 : error_set(err, ENOMEM, "out of memory");
}

/* ---- names ---- */

/*
 * The stand-in is where the configuration wants the container to be, so its own names are the container's: what hostname and
 * domainname say, or what the namespace that it joined or copied has.
 */
static int set_names(const struct oci_config *c, struct container_spec *out, struct pool *pool,
		     struct error *err)
{
	static const struct {
		enum oci_namespace_type type;
		unsigned bit;
	} kinds[] = { { OCI_NS_UTS, BOOT_NS_UTS },
		      { OCI_NS_IPC, BOOT_NS_IPC },
		      { OCI_NS_PID, BOOT_NS_PID } };
	char host[HOST_NAME_MAX + 1] = "", domain[HOST_NAME_MAX + 1] = "";

	if (gethostname(host, sizeof(host)) < 0 || getdomainname(domain, sizeof(domain)) < 0)
		return error_errno(err, "the host's name");
	host[sizeof(host) - 1] = domain[sizeof(domain) - 1] = 0;
	out->hostname = c->hostname ? c->hostname : pool_strndup(pool, host, strlen(host));
	out->domainname = c->domainname ? c->domainname
					: pool_strndup(pool, domain, strlen(domain));
	if (!out->hostname || !out->domainname)
		return error_set(err, ENOMEM, "out of memory");
	for (size_t i = 0; i < sizeof(kinds) / sizeof(*kinds); i++) {
		const struct oci_namespace *ns = oci_namespace(c, kinds[i].type);

		if (ns && !ns->path)
			out->own_namespaces |= kinds[i].bit;
	}
	return 0;
}

int spec_of_config(const struct launch_plan *p, struct container_spec *out, struct pool *pool,
		   struct error *err)
{
	const struct oci_config *c = p->config;
	const struct oci_resources *l = &c->linux_.resources;
	uint64_t limit = memory_inside(l);

	if (spec_of_process(c->process, &p->seccomp, out, pool, err) < 0)
		return -1;
	out->id = p->c->s.id;
	out->wait_start = true;
	if (set_names(c, out, pool, err) < 0 || set_devices(c, out, pool, err) < 0 ||
	    set_hooks(p, out, pool, err) < 0)
		return -1;
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
