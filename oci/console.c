/*
 * console.c - see console.h.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <termios.h>
#include <unistd.h>

#include "oci/console.h"

/* The protocol of runc: one message with the master's descriptor; its data is the slave's name. */
static int send_master(const char *path, int master, const char *name, struct error *err)
{
	union {
		struct cmsghdr head;
		char room[CMSG_SPACE(sizeof(int))];
	} control = { 0 };
	struct sockaddr_un a = { .sun_family = AF_UNIX };
	struct iovec iov = { (void *)name, strlen(name) };
	struct msghdr h = { .msg_iov = &iov,
			    .msg_iovlen = 1,
			    .msg_control = &control,
			    .msg_controllen = CMSG_SPACE(sizeof(int)) };
	int fd, ret = -1;

	if (strlen(path) >= sizeof(a.sun_path))
		return error_set(err, ENAMETOOLONG, "--console-socket: the path is too long");
	strcpy(a.sun_path, path);
	control.head = (struct cmsghdr){ .cmsg_level = SOL_SOCKET,
					 .cmsg_type = SCM_RIGHTS,
					 .cmsg_len = CMSG_LEN(sizeof(int)) };
	memcpy(CMSG_DATA(&control.head), &master, sizeof(int));
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (fd < 0 || connect(fd, (struct sockaddr *)&a, sizeof(a)) < 0 ||
	    sendmsg(fd, &h, MSG_NOSIGNAL) < 0)
		error_errno(err, "--console-socket %s", path);
	else
		ret = 0;
	if (fd >= 0)
		close(fd);
	return ret;
}

static int set_up(int slave, const struct oci_console *size, struct error *err)
{
	struct winsize ws = { .ws_row = (unsigned short)size->height,
			      .ws_col = (unsigned short)size->width };
	struct termios t;

	if (tcgetattr(slave, &t) < 0)
		return error_errno(err, "the terminal");
	cfmakeraw(&t);
	if (tcsetattr(slave, TCSANOW, &t) < 0)
		return error_errno(err, "the terminal");
	if (size->height && size->width && ioctl(slave, TIOCSWINSZ, &ws) < 0)
		return error_errno(err, "the terminal's size");
	return 0;
}

int console_make(const char *socket_path, const struct oci_console *size, struct error *err)
{
	int master = posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC), slave = -1;
	char name[64];

	if (master < 0 || unlockpt(master) < 0 || ptsname_r(master, name, sizeof(name)) != 0 ||
	    (slave = open(name, O_RDWR | O_NOCTTY | O_CLOEXEC)) < 0) {
		error_errno(err, "make a terminal");
		goto fail;
	}
	if (set_up(slave, size, err) < 0 || send_master(socket_path, master, name, err) < 0)
		goto fail;
	close(master);
	return slave;
fail:
	if (slave >= 0)
		close(slave);
	if (master >= 0)
		close(master);
	return -1;
}

int console_become(int fd, struct error *err)
{
	if (ioctl(fd, TIOCSCTTY, 0) < 0)
		return error_errno(err, "take the terminal as controlling one");
	for (int i = 0; i < 3; i++)
		if (dup2(fd, i) < 0)
			return error_errno(err, "the terminal as stdio");
	if (fd > 2)
		close(fd);
	return 0;
}
