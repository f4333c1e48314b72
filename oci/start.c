/*
 * start.c - see start.h.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "host/net/net.h"
#include "oci/client.h"
#include "oci/hooks.h"
#include "oci/oci.h"
#include "oci/start.h"

/* Does its resolv.conf, which an engine binds from a file of its own, name docker's server? */
static bool asks_docker(const struct oci_config *config)
{
	char text[4096];
	size_t n;
	FILE *f = NULL;

	for (size_t i = 0; i < config->mounts.n && !f; i++)
		if (strcmp(config->mounts.items[i].destination, "/etc/resolv.conf") == 0 &&
		    config->mounts.items[i].source)
			f = fopen(config->mounts.items[i].source, "re");
	if (!f)
		return false;
	n = fread(text, 1, sizeof(text) - 1, f);
	text[n] = 0;
	fclose(f);
	return strstr(text, "nameserver " NET_NAMES_ADDR) != NULL;
}

/*
 * The network of the container's namespace, as whoever made it (CNI, docker, podman) has left it by now: the sandbox gets the
 * interface's addresses and its frames. No interface but lo: none. Only for a sandbox's first container: it is the stack.
 */
static int attach_network(const struct container *c, const struct oci_config *config, int chan,
			  struct error *err)
{
	struct chan_msg m = { .type = CHAN_NET, .len = sizeof(struct net_config) };
	struct net_config net = { 0 };
	char path[40];
	int ns, fds[2], ret;

	if (strcmp(c->s.sandbox, c->s.id) != 0)
		return 0;
	snprintf(path, sizeof(path), "/proc/%lld/ns/net", (long long)c->s.pid);
	ns = open(path, O_RDONLY | O_CLOEXEC);
	if (ns < 0)
		return error_errno(err, "%s", path);
	fds[1] = -1;
	fds[0] = net_packet_open(ns, &net, asks_docker(config) ? &fds[1] : NULL, err);
	close(ns);
	if (fds[0] < 0) {
		if (err->err != ENODEV)
			oci_log("warning", "no network but loopback: %s", err->msg);
		return 0;
	}
	memcpy(m.data, &net, sizeof(net));
	ret = client_ask(chan, &m, fds, fds[1] < 0 ? 1 : 2, err);
	chan_close_fds(fds, fds[1] < 0 ? 1 : 2);
	return ret;
}

int container_start(struct container *c, struct error *err)
{
	struct chan_msg m = { .type = CHAN_START };
	struct pool pool = POOL_INIT;
	struct oci_config config;
	enum container_status s = container_status(c);
	struct error hook_err = { 0 };
	int fd = -1, ret = -1;

	if (s != STATUS_CREATED)
		return error_set(err, EINVAL, "cannot start container '%s' that is %s", c->s.id,
				 status_name(s));
	if (client_config(c, &config, &pool, err) < 0)
		goto out;
	if (!config.process) {
		error_set(err, EINVAL, "container '%s': config.json has no process to start",
			  c->s.id);
		goto out;
	}
	fd = client_attach(c, err);
	if (fd < 0 || attach_network(c, &config, fd, err) < 0 ||
	    client_ask(fd, &m, NULL, 0, err) < 0)
		goto out;
	c->s.started = true;
	ret = container_save(c, err);
	if (ret == 0 && hooks_run(&config, HOOK_POSTSTART, &c->s, "running", 0, &hook_err) < 0)
		oci_log("warning", "%s", hook_err.msg);
out:
	if (fd >= 0)
		close(fd);
	pool_free(&pool);
	return ret;
}
