/*
 * client.c - see client.h.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include "abi/control.h"
#include "host/printable.h"
#include "oci/client.h"

#define ATTACH_SECONDS 30 /* the launcher answers alone, unless it is frozen or the guest took it */

/* The directory of the container whose sandbox c runs in: c's own, or its pod's first one's (not locked: only a path). */
static int sandbox_dir(const struct container *c, struct error *err)
{
	const char *id = c->s.sandbox ? c->s.sandbox : c->s.id;
	int fd = openat(c->root_fd, id, O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);

	return fd < 0 ? error_errno(err, "the sandbox '%s' of container '%s'", id, c->s.id) : fd;
}

int client_ask(int fd, struct chan_msg *m, const int *fds, size_t n, struct error *err)
{
	int got;

	if (chan_send(fd, m, fds, n, err) < 0)
		return -1;
	do
		got = chan_recv(fd, m, NULL, NULL, 0, err);
	while (got > 0 && m->type == CHAN_LOG);
	if (got == 0)
		return error_set(err, ECONNRESET, "the sandbox ended");
	if (got < 0)
		return -1;
	if (m->type == CHAN_FAILED) {
		printable(m->data, m->len, false);
		return error_set(err, (int)(m->a & 4095), "%.*s", (int)m->len, (char *)m->data);
	}
	return 0;
}

int client_connect(const struct container *c, struct error *err)
{
	int dir = sandbox_dir(c, err), fd;

	if (dir < 0)
		return -1;
	fd = chan_connect(dir, err);
	close(dir);
	return fd;
}

void client_patience(int fd, unsigned seconds)
{
	const struct timeval t = { .tv_sec = seconds };

	setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &t, sizeof(t));
}

int client_attach(const struct container *c, struct error *err)
{
	struct chan_msg m = { .type = CHAN_ATTACH, .len = (uint32_t)strlen(c->s.id) };
	int fd = client_connect(c, err);

	if (fd < 0)
		return -1;
	memcpy(m.data, c->s.id, m.len);
	client_patience(fd, ATTACH_SECONDS);
	if (client_ask(fd, &m, NULL, 0, err) < 0) {
		if (err->err == EAGAIN)
			error_set(err, EAGAIN, "the sandbox of container '%s' does not answer",
				  c->s.id);
		close(fd);
		return -1;
	}
	client_patience(fd, 0);
	return fd;
}

int client_talk(const char *id, struct error *err)
{
	struct container c;
	enum container_status status;
	int fd = -1;

	if (container_open(oci_globals.root, id, &c, err) < 0)
		return -1;
	status = container_status(&c);
	if (status == STATUS_STOPPED) {
		error_set(err, ESRCH, "container '%s' is not running", c.s.id);
	} else {
		container_unlock(&c); /* the answer is the sandbox's */
		fd = client_attach(&c, err);
	}
	container_close(&c);
	return fd;
}

int client_limits(const struct container *c, uint64_t memory, uint64_t tasks, struct error *err)
{
	struct chan_msg m = { .type = CHAN_LIMITS, .a = memory, .b = tasks };
	int fd, ret;

	if (memory == LIMIT_SAME && tasks == LIMIT_SAME)
		return 0;
	fd = client_attach(c, err);
	if (fd < 0)
		return -1;
	ret = client_ask(fd, &m, NULL, 0, err);
	close(fd);
	return ret;
}

int client_config(const struct container *c, struct oci_config *out, struct pool *pool,
		  struct error *err)
{
	char path[64];

	snprintf(path, sizeof(path), "/proc/self/fd/%d/config.json", c->dir_fd);
	if (oci_config_read(path, out, pool, err) < 0)
		return error_wrap(err, "container '%s'", c->s.id);
	return 0;
}

const char *operand_id(int argc, char **argv, int first, struct error *err)
{
	if (argc > first && argv[first][0] == '-') {
		error_set(err, EINVAL, "%s: unknown option %s; 'moat help %s' tells more", argv[0],
			  argv[first], argv[0]);
		return NULL;
	}
	if (first + 1 != argc) {
		error_set(err, EINVAL,
			  "%s: needs exactly one container id; 'moat help %s' tells more", argv[0],
			  argv[0]);
		return NULL;
	}
	return argv[first];
}

int no_operands(int argc, char **argv, int first, struct error *err)
{
	if (first < argc)
		return error_set(err, EINVAL, "%s: what is '%.64s'? 'moat help %s' tells more",
				 argv[0], argv[first], argv[0]);
	return 0;
}
