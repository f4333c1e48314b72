/*
 * port_server.c - what port_forward.sh has in its container: a server at four ports of the loopback, with a process for each
 * connection. 7000 echoes, 7001 counts the bytes until the end of data, 7002 (on ::1) says "six", 7003 takes nothing.
 */
#include <arpa/inet.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdio.h>
#include <sys/socket.h>
#include <unistd.h>

static int listen_at(int family, int port)
{
	struct sockaddr_in a = { .sin_family = AF_INET, .sin_port = htons((uint16_t)port) };
	struct sockaddr_in6 b = { .sin6_family = AF_INET6, .sin6_port = htons((uint16_t)port) };
	int fd = socket(family, SOCK_STREAM, 0), err;

	a.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	b.sin6_addr = in6addr_loopback;
	err = family == AF_INET ? bind(fd, (struct sockaddr *)&a, sizeof(a))
				: bind(fd, (struct sockaddr *)&b, sizeof(b));
	if (fd < 0 || err || listen(fd, 200)) {
		perror("listen");
		_exit(1);
	}
	return fd;
}

static void serve(int fd, int port)
{
	static char buf[65536];
	long total = 0;
	ssize_t n;

	if (port == 7003)
		pause();
	if (port == 7002) {
		dprintf(fd, "six\n");
		return;
	}
	while ((n = read(fd, buf, sizeof(buf))) > 0) {
		total += n;
		if (port == 7000 && write(fd, buf, (size_t)n) != n)
			return;
	}
	if (port == 7001)
		dprintf(fd, "%ld\n", total);
}

int main(void)
{
	signal(SIGCHLD, SIG_IGN);
	for (int port = 7000; port < 7004; port++) {
		int fd = listen_at(port == 7002 ? AF_INET6 : AF_INET, port);

		if (fork() == 0)
			for (;;) {
				int conn = accept(fd, NULL, NULL);

				if (conn >= 0 && fork() == 0) {
					serve(conn, port);
					_exit(0);
				}
				close(conn);
			}
		close(fd);
	}
	printf("ready\n");
	fflush(stdout);
	for (;;)
		pause();
}
