// sources: host/gofer/*.c host/error.c host/ring_dev.c
// libs: -lseccomp -lpthread
/*
 * gofer_stream.c - the gofer behind a listening socket, for clients that are not ours: Linux's v9fs
 * (trans=tcp, unix), diod's tools. One process for each connection, without the seal unless -s.
 *
 *   gofer_stream [-r] [-s] [-x] [-n CONNECTIONS] DIR PATH|PORT
 *     -r read-only, -s seal the process as in production, -x cross mounts, -n exit after so many connections
 *   PORT listens on 127.0.0.1; prints "listening" when ready.
 */
#include <arpa/inet.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "host/error.h"
#include "host/gofer/gofer.h"

static int listen_on(const char *where)
{
	struct sockaddr_un un = { .sun_family = AF_UNIX };
	struct sockaddr_in in = { .sin_family = AF_INET };
	int fd, one = 1;

	if (strchr(where, '/')) {
		unlink(where);
		snprintf(un.sun_path, sizeof(un.sun_path), "%s", where);
		fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
		if (bind(fd, (struct sockaddr *)&un, sizeof(un)) < 0)
			return -1;
	} else {
		in.sin_port = htons(atoi(where));
		in.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
		fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
		setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));
		if (bind(fd, (struct sockaddr *)&in, sizeof(in)) < 0)
			return -1;
	}
	return listen(fd, 8) < 0 ? -1 : fd;
}

static int serve(struct gofer_config *cfg, int fd, bool seal)
{
	struct error err = { 0 };
	int ret;

	signal(SIGPIPE, SIG_IGN);
	cfg->stream_fd = fd;
	ret = seal ? gofer_main(cfg, &err) : gofer_serve_stream(fd, cfg, &err);
	if (ret < 0)
		fprintf(stderr, "gofer_stream: %s\n", err.msg);
	return ret < 0;
}

int main(int argc, char **argv)
{
	struct gofer_config cfg = { .lifeline_fd = -1, .arena_fd = -1, .set_owner = !getuid() };
	int opt, lfd, fd, left = -1, status, failed = 0;
	bool seal = false;

	while ((opt = getopt(argc, argv, "rsxn:")) != -1) {
		if (opt == 'r')
			cfg.read_only = cfg.keep_dac_read = true;
		else if (opt == 's')
			seal = true;
		else if (opt == 'x')
			cfg.cross_mounts = true;
		else if (opt == 'n')
			left = atoi(optarg);
		else
			return 2;
	}
	if (argc - optind != 2) {
		fprintf(stderr,
			"usage: gofer_stream [-r] [-s] [-x] [-n CONNECTIONS] DIR PATH|PORT\n");
		return 2;
	}
	cfg.root_fd = open(argv[optind], O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (cfg.root_fd < 0) {
		perror(argv[optind]);
		return 1;
	}
	lfd = listen_on(argv[optind + 1]);
	if (lfd < 0) {
		perror(argv[optind + 1]);
		return 1;
	}
	puts("listening");
	fflush(stdout);
	while (left-- && (fd = accept4(lfd, NULL, NULL, SOCK_CLOEXEC)) >= 0) {
		if (!fork()) {
			close(lfd);
			_exit(serve(&cfg, fd, seal));
		}
		close(fd);
		while (waitpid(-1, &status, WNOHANG) > 0)
			failed |= status;
	}
	while (wait(&status) > 0)
		failed |= status;
	return failed != 0;
}
