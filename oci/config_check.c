/*
 * config_check.c - what a table cannot say about config.json: versions, names, what excludes what.
 */
#include <errno.h>
#include <limits.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>

#include "host/net/net.h"
#include "oci/config.h"
#include "oci/names.h"

const struct oci_namespace *oci_namespace(const struct oci_config *c, enum oci_namespace_type type)
{
	for (size_t i = 0; i < c->linux_.namespaces.n; i++)
		if (c->linux_.namespaces.items[i].type == (int)type)
			return &c->linux_.namespaces.items[i];
	return NULL;
}

const char *oci_annotation(const struct oci_config *c, const char *key)
{
	for (size_t i = 0; i < c->annotations.n; i++)
		if (strcmp(c->annotations.items[i].key, key) == 0)
			return c->annotations.items[i].value;
	return NULL;
}

/* A future 1.x may say more than we know, but not otherwise. */
static int check_version(const char *name, const char *version, struct error *err)
{
	if (strncmp(version, "1.", 2) != 0 && strncmp(version, "0.", 2) != 0)
		return error_set(err, EINVAL, "%s: ociVersion: is '%.40s', must be 1.x", name,
				 version);
	return 0;
}

/* A policy that the Sentry has, with a priority of its kind. */
static int check_scheduler(const char *name, const struct oci_scheduler *s, struct error *err)
{
	int policy = policy_number(s->policy);
	bool real_time = policy == SCHED_FIFO || policy == SCHED_RR;

	if (policy < 0)
		return error_set(err, ENOTSUP,
				 "%s: process.scheduler.policy: '%.40s' is not in a sandbox", name,
				 s->policy);
	if (real_time != (s->priority > 0))
		return error_set(err, EINVAL, "%s: process.scheduler.priority: must be %s for %s",
				 name, real_time ? "1 to 99" : "0", s->policy);
	for (char **f = s->flags; f && *f; f++)
		if (strcmp(*f, "SCHED_FLAG_RESET_ON_FORK") != 0)
			return error_set(err, ENOTSUP,
					 "%s: process.scheduler.flags: '%.40s' is not in a sandbox",
					 name, *f);
	return 0;
}

int oci_process_check(const char *name, const struct oci_process *p, struct error *err)
{
	if (!*p->args[0])
		return error_set(err, EINVAL, "%s: process.args[0]: is empty", name);
	for (size_t i = 0; p->env && p->env[i]; i++)
		if (!strchr(p->env[i], '='))
			return error_set(err, EINVAL, "%s: process.env[%zu]: '%.64s' has no '='",
					 name, i, p->env[i]);
	for (size_t i = 0; i < p->rlimits.n; i++) {
		const struct oci_rlimit *r = &p->rlimits.items[i];

		if (rlimit_number(r->type) < 0)
			return error_set(err, EINVAL,
					 "%s: process.rlimits[%zu].type: '%.40s' is unknown", name,
					 i, r->type);
		if ((uint64_t)r->soft > (uint64_t)r->hard)
			return error_set(err, EINVAL,
					 "%s: process.rlimits[%zu]: soft is above hard", name, i);
		for (size_t k = 0; k < i; k++)
			if (strcmp(p->rlimits.items[k].type, r->type) == 0)
				return error_set(err, EINVAL,
						 "%s: process.rlimits[%zu].type: %s is there twice",
						 name, i, r->type);
	}
	if (p->scheduler)
		return check_scheduler(name, p->scheduler, err);
	return 0;
}

static int check_namespaces(const char *name, const struct oci_linux *l, struct error *err)
{
	unsigned seen = 0;

	for (size_t i = 0; i < l->namespaces.n; i++) {
		unsigned bit = 1u << l->namespaces.items[i].type;

		if (seen & bit)
			return error_set(err, EINVAL,
					 "%s: linux.namespaces[%zu].type: is there twice", name, i);
		seen |= bit;
	}
	if ((l->uid_map.n || l->gid_map.n) && !(seen & 1u << OCI_NS_USER))
		return error_set(
			err, EINVAL,
			"%s: linux.uidMappings: need a namespace of type user in linux.namespaces",
			name);
	return 0;
}

/* What the Sentry has one of, or none. */
static int check_kernel(const char *name, const struct oci_linux *l, struct error *err)
{
	const struct oci_time_offsets *t = l->time_offsets;

	if (l->personality && strcmp(l->personality->domain, "LINUX") != 0)
		return error_set(err, ENOTSUP,
				 "%s: linux.personality.domain: '%.40s' is not in a sandbox", name,
				 l->personality->domain);
	if (t && (t->monotonic.secs || t->monotonic.nanosecs || t->boottime.secs ||
		  t->boottime.nanosecs))
		return error_set(
			err, ENOTSUP,
			"%s: linux.timeOffsets: clocks of a container's own are not in a sandbox",
			name);
	return 0;
}

static int check_devices(const char *name, const struct oci_linux *l, struct error *err)
{
	for (size_t i = 0; i < l->devices.n; i++) {
		const struct oci_device *d = &l->devices.items[i];

		if (strlen(d->type) != 1 || !strchr("cubp", *d->type))
			return error_set(
				err, EINVAL,
				"%s: linux.devices[%zu].type: is '%.8s', must be c, u, b, p", name,
				i, d->type);
	}
	return 0;
}

static int check_mounts(const char *name, const struct oci_config *c, struct error *err)
{
	for (size_t i = 0; i < c->mounts.n; i++)
		if (c->mounts.items[i].uid_map.n || c->mounts.items[i].gid_map.n)
			return error_set(
				err, ENOTSUP,
				"%s: mounts[%zu].uidMappings: idmapped mounts are not supported",
				name, i);
	return 0;
}

/* The namespace that a parameter belongs to, by its name with dots; OCI_NS_TYPES: to the whole system. */
static enum oci_namespace_type namespace_of(const char *key)
{
	static const char *const ipc[] = { "kernel.msgmax", "kernel.msgmnb",
					   "kernel.msgmni", "kernel.sem",
					   "kernel.shmall", "kernel.shmmax",
					   "kernel.shmmni", "kernel.shm_rmid_forced" };

	if (strncmp(key, "net.", 4) == 0)
		return OCI_NS_NETWORK;
	if (strncmp(key, "fs.mqueue.", 10) == 0)
		return OCI_NS_IPC;
	for (size_t i = 0; i < sizeof(ipc) / sizeof(*ipc); i++)
		if (strcmp(key, ipc[i]) == 0)
			return OCI_NS_IPC;
	return strcmp(key, "kernel.domainname") == 0 ? OCI_NS_UTS : OCI_NS_TYPES;
}

/* Keys as sysctl.d(5) has them, dots or slashes; never a way out of /proc/sys. Only those of a namespace of the container's. */
static int check_sysctl(const char *name, const struct oci_config *c, struct error *err)
{
	const struct string_map *m = &c->linux_.sysctl;

	for (size_t i = 0; i < m->n; i++) {
		const char *key = m->items[i].key;
		enum oci_namespace_type type;
		char dots[128];

		if (!*key || *key == '/' || strstr(key, "..") || strlen(key) >= sizeof(dots))
			return error_set(err, EINVAL, "%s: linux.sysctl: '%.64s' is no name", name,
					 key);
		strcpy(dots, key);
		if (strcspn(dots, "/.") < strlen(dots) && dots[strcspn(dots, "/.")] == '/')
			for (char *s = dots; *s; s++)
				*s = *s == '/' ? '.' : *s == '.' ? '/' : *s;
		if (strcmp(dots, "kernel.hostname") == 0)
			return error_set(err, EINVAL,
					 "%s: linux.sysctl: %s: the member hostname says that",
					 name, key);
		type = namespace_of(dots);
		if (type == OCI_NS_TYPES || !oci_namespace(c, type))
			return error_set(
				err, EINVAL,
				"%s: linux.sysctl: %s is not in a namespace of the container's",
				name, key);
	}
	return 0;
}

bool oci_wants_dax(const struct oci_config *c)
{
	const char *dax = oci_annotation(c, "dev.moat.dax");

	return !dax || strcmp(dax, "off") != 0;
}

unsigned oci_net_queues(const struct oci_config *c)
{
	const char *queues = oci_annotation(c, "dev.moat.net-queues");

	return queues ? (unsigned)(queues[0] - '0') : NET_PAIRS_DEFAULT;
}

static int check_annotations(const char *name, const struct oci_config *c, struct error *err)
{
	const char *dax = oci_annotation(c, "dev.moat.dax");
	const char *queues = oci_annotation(c, "dev.moat.net-queues");

	if (dax && strcmp(dax, "on") != 0 && strcmp(dax, "off") != 0)
		return error_set(err, EINVAL,
				 "%s: annotations.dev.moat.dax: is '%.40s', must be on or off",
				 name, dax);
	if (queues && (queues[0] < '1' || queues[0] > '0' + NET_PAIRS || queues[1]))
		return error_set(err, EINVAL,
				 "%s: annotations.dev.moat.net-queues: is '%.40s', must be 1 to %d",
				 name, queues, NET_PAIRS);
	return 0;
}

static int check_uts_name(const char *name, const struct oci_config *c, const char *member,
			  const char *value, struct error *err)
{
	if (value && !oci_namespace(c, OCI_NS_UTS))
		return error_set(err, EINVAL,
				 "%s: %s: needs a namespace of type uts in linux.namespaces", name,
				 member);
	if (value && strlen(value) > HOST_NAME_MAX)
		return error_set(err, EINVAL, "%s: %s: has %zu bytes, must have at most %d", name,
				 member, strlen(value), HOST_NAME_MAX);
	return 0;
}

int oci_config_check(const char *name, const struct oci_config *c, struct error *err)
{
	if (check_version(name, c->version, err) < 0 ||
	    (c->process && oci_process_check(name, c->process, err) < 0) ||
	    check_mounts(name, c, err) < 0 || check_namespaces(name, &c->linux_, err) < 0 ||
	    check_devices(name, &c->linux_, err) < 0 || check_kernel(name, &c->linux_, err) < 0 ||
	    check_sysctl(name, c, err) < 0 || check_annotations(name, c, err) < 0)
		return -1;
	if (!c->root)
		return error_set(err, EINVAL, "%s: root: is missing", name);
	if (check_uts_name(name, c, "hostname", c->hostname, err) < 0)
		return -1;
	return check_uts_name(name, c, "domainname", c->domainname, err);
}
