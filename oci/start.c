/*
 * start.c - see start.h.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "host/net/net.h"
#include "oci/client.h"
#include "oci/hooks.h"
#include "oci/oci.h"
#include "oci/start.h"

/* A regular file's first bytes, NUL-ended; "" if it is none. It may be anything by now: opening must not wait. */
static void read_start(const char *dir, const char *path, char *text, size_t size)
{
	int at = open(dir, O_PATH | O_DIRECTORY | O_CLOEXEC);
	int fd = openat(at, path, O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
	struct stat st;
	ssize_t n = 0;

	if (fd >= 0 && fstat(fd, &st) == 0 && S_ISREG(st.st_mode))
		n = read(fd, text, size - 1);
	text[n > 0 ? n : 0] = 0;
	if (fd >= 0)
		close(fd);
	if (at >= 0)
		close(at);
}

/* Does its resolv.conf, which an engine binds from a file of its own, name docker's server? */
static bool asks_docker(const struct container *c, const struct oci_config *config)
{
	static const char line[] = "nameserver " NET_NAMES_ADDR;
	char text[4096] = "";

	for (size_t i = 0; i < config->mounts.n && !*text; i++) {
		const struct oci_mount *m = &config->mounts.items[i];

		if (strcmp(m->destination, "/etc/resolv.conf") == 0 && m->source)
			read_start(c->s.bundle, m->source, text, sizeof(text));
	}
	for (const char *p = text; (p = strstr(p, line)); p += strlen(line))
		if ((p == text || p[-1] == '\n') && strchr(" \t\n", p[strlen(line)]))
			return true; /* strchr finds the text's end, too */
	return false;
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
	int ns, fds[NET_PAIRS + 1], ret;
	size_t n;

	if (strcmp(c->s.sandbox, c->s.id) != 0)
		return 0;
	snprintf(path, sizeof(path), "/proc/%lld/ns/net", (long long)c->s.pid);
	ns = open(path, O_RDONLY | O_CLOEXEC);
	if (ns < 0)
		return error_errno(err, "%s", path);
	n = oci_net_queues(config);
	fds[n] = -1;
	ret = net_packet_open(ns, (unsigned)n, fds, &net, asks_docker(c, config) ? &fds[n] : NULL,
			      err);
	close(ns);
	if (ret < 0) {
		if (err->err != ENODEV)
			oci_log("warning", "no network but loopback: %s", err->msg);
		return 0;
	}
	memcpy(m.data, &net, sizeof(net));
	if (fds[n] >= 0)
		n++;
	ret = client_ask(chan, &m, fds, n, err);
	chan_close_fds(fds, n);
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
