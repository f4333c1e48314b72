/*
 * pod.c - see pod.h. Kubernetes' engines say it by annotations. Others only give two containers one network namespace
 * (docker's --network container:X, podman's pods): the Sentry is the network stack, so they must share a sandbox.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "oci/oci.h"
#include "oci/pod.h"

/* containerd's and CRI-O's names. */
static const struct {
	const char *type, *sandbox;
} dialects[] = {
	{ "io.kubernetes.cri.container-type", "io.kubernetes.cri.sandbox-id" },
	{ "io.kubernetes.cri-o.ContainerType", "io.kubernetes.cri-o.SandboxID" },
};

static bool runs(const struct container *c)
{
	enum container_status s = container_status(c);

	return s == STATUS_CREATED || s == STATUS_RUNNING || s == STATUS_PAUSED;
}

/* Is `id` one of ours, alive? Its sandbox's name, from pool; NULL if not. */
static char *sandbox_of(const char *id, struct pool *pool)
{
	struct container c;
	char *name = NULL;

	if (container_peek(oci_globals.root, id, &c, NULL) < 0)
		return NULL;
	if (runs(&c))
		name = pool_strndup(pool, c.s.sandbox ? c.s.sandbox : c.s.id,
				    strlen(c.s.sandbox ? c.s.sandbox : c.s.id));
	container_close(&c);
	return name;
}

static bool same_namespace(const struct stat *a, pid_t pid)
{
	char path[40];
	struct stat b;

	snprintf(path, sizeof(path), "/proc/%d/ns/net", pid);
	return stat(path, &b) == 0 && a->st_ino == b.st_ino && a->st_dev == b.st_dev;
}

/* The live container of ours whose stand-in is in this network namespace. */
static char *owner_of_network(const char *path, const char *self, struct pool *pool,
			      struct error *err)
{
	char **ids = container_list(oci_globals.root, pool, err), *found = NULL;
	struct stat ns;

	if (!ids || stat(path, &ns) < 0)
		return NULL; /* joining it will say what is wrong */
	for (; *ids && !found; ids++) {
		struct container c;

		if (strcmp(*ids, self) == 0 || container_peek(oci_globals.root, *ids, &c, NULL) < 0)
			continue;
		if (runs(&c) && same_namespace(&ns, (pid_t)c.s.pid))
			found = sandbox_of(*ids, pool);
		container_close(&c);
	}
	return found;
}

int pod_of(struct container *c, const struct oci_config *config, const char **sandbox,
	   struct error *err)
{
	const struct oci_namespace *net = oci_namespace(config, OCI_NS_NETWORK);

	*sandbox = NULL;
	for (size_t i = 0; i < sizeof(dialects) / sizeof(*dialects); i++) {
		const char *type = oci_annotation(config, dialects[i].type);
		const char *id = oci_annotation(config, dialects[i].sandbox);

		if (!type || strcmp(type, "container") != 0)
			continue;
		if (!id)
			return error_set(err, EINVAL, "annotations: %s is missing",
					 dialects[i].sandbox);
		*sandbox = sandbox_of(id, &c->pool);
		if (!*sandbox)
			return error_set(err, ENOENT, "the pod's sandbox '%.64s' is not running",
					 id);
		return 0;
	}
	if (net && net->path)
		*sandbox = owner_of_network(net->path, c->s.id, &c->pool, err);
	return 0;
}
