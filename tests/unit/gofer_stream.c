/*
 * gofer_stream.c - see gofer_stream.h.
 */
#include <errno.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/unit/gofer_stream.h"
#include "tests/unit/p9_client.h"

static struct p9c client;
static char *dir;
static bool up;
static pid_t child; /* diod */
static uint8_t message[P9_MSIZE_MAX];

const char *gofer_stream_start(bool read_only)
{
	struct gofer_config cfg = { .read_only = read_only, .set_owner = geteuid() == 0 };

	if (!dir)
		dir = p9c_tmpdir();
	p9c_start(&client, P9C_THREAD, dir, &cfg);
	up = true;
	return dir;
}

const char *gofer_stream_diod(void)
{
	static const char diod[] = "/usr/sbin/diod";
	int sv[2];

	if (access(diod, X_OK))
		return NULL;
	if (!dir)
		dir = p9c_tmpdir();
	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, sv))
		return NULL;
	child = fork();
	if (child == 0) {
		dup2(sv[1], 0);
		dup2(sv[1], 3);
		execl(diod, "diod", "-f", "-n", "-N", "-S", "-U", "root", "-c", "/dev/null", "-L",
		      "stderr", "-r", "0", "-w", "3", "-e", dir, NULL);
		_exit(127);
	}
	close(sv[1]);
	client.fd = sv[0];
	up = true;
	return dir;
}

static bool get(void *buf, size_t n)
{
	for (size_t done = 0; done < n;) {
		ssize_t r = read(client.fd, (char *)buf + done, n - done);

		if (r <= 0)
			return false;
		done += (size_t)r;
	}
	return true;
}

long gofer_stream_call(const struct iovec *out, int nout, const struct iovec *in, int nin)
{
	uint32_t size;
	size_t at = 0;

	if (!up)
		return -1;
	for (int i = 0; i < nout; i++)
		if (send(client.fd, out[i].iov_base, out[i].iov_len, MSG_NOSIGNAL) !=
		    (ssize_t)out[i].iov_len)
			return -1;
	if (!get(&size, 4) || size > sizeof(message) || !get(message + 4, size - 4))
		return -1;
	memcpy(message, &size, 4);
	for (int i = 0; i < nin && at < size; i++) {
		size_t n = in[i].iov_len < size - at ? in[i].iov_len : size - at;

		memcpy(in[i].iov_base, message + at, n);
		at += n;
	}
	return at == size ? (long)size : 0;
}

void gofer_stream_kill(void)
{
	if (up && child) {
		close(client.fd);
		kill(child, SIGKILL);
		waitpid(child, NULL, 0);
		child = 0;
	} else if (up) {
		p9c_stop(&client);
	}
	up = false;
}

void gofer_stream_stop(void)
{
	gofer_stream_kill();
	p9c_rmtree(dir);
	free(dir);
	dir = NULL;
}
