/* What names processes, in a pid namespace: /proc, credentials of sockets, locks, owners of descriptors, futexes. */
#include "ns_pid.h"
#include <linux/futex.h>
#include <sys/mount.h>
#include <sys/socket.h>

static void proc_inside(void)
{
	char path[PATH_MAX + 40], text[600], link[16] = "";
	int n = 0, seen = 0;
	struct dirent *e;
	pid_t pid;
	ssize_t r;
	FILE *f;
	DIR *d;

	CHECK_OK(unshare(CLONE_NEWNS));
	CHECK_OK(mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL));
	CHECK_OK(mount("proc", abi_tmp, "proc", 0, NULL));
	pid = fork();
	if (pid == 0) {
		pause();
		_exit(0);
	}
	d = opendir(abi_tmp);
	CHECK(d != NULL);
	while (d && (e = readdir(d))) {
		if (e->d_name[0] < '0' || e->d_name[0] > '9')
			continue;
		n++;
		seen |= 1 << atoi(e->d_name);
	}
	if (d)
		closedir(d);
	CHECK_EQ(n, 2);
	CHECK_EQ(seen, 1 << 1 | 1 << 2);
	snprintf(path, sizeof(path), "%s/self", abi_tmp);
	r = readlink(path, link, sizeof(link) - 1);
	CHECK_EQ(r, 1);
	CHECK(link[0] == '1');
	snprintf(path, sizeof(path), "%s/2/stat", abi_tmp);
	f = fopen(path, "r");
	CHECK(f && fgets(text, sizeof(text), f));
	if (f) {
		int id = 0, ppid = -1, pgrp = -1, session = -1;

		CHECK_EQ(sscanf(text, "%d (%*[^)]) %*c %d %d %d", &id, &ppid, &pgrp, &session), 4);
		CHECK_EQ(id, 2);
		CHECK_EQ(ppid, 1);
		CHECK_EQ(pgrp, 0);
		CHECK_EQ(session, 0);
		fclose(f);
	}
	snprintf(path, sizeof(path), "%s/2/status", abi_tmp);
	f = fopen(path, "r");
	n = 0;
	while (f && fgets(text, sizeof(text), f))
		n += !strcmp(text, "NSpid:\t2\n") || !strcmp(text, "PPid:\t1\n") ||
		     !strcmp(text, "Tgid:\t2\n");
	CHECK_EQ(n, 3);
	if (f)
		fclose(f);
	snprintf(path, sizeof(path), "%s/1/task/1/children", abi_tmp);
	f = fopen(path, "r");
	if (f) { /* a kernel may be without */
		CHECK(fgets(text, sizeof(text), f) && !strcmp(text, "2 "));
		fclose(f);
	}
	snprintf(path, sizeof(path), "%s/77", abi_tmp);
	CHECK_ERRNO(access(path, F_OK), ENOENT);
	CHECK_OK(umount(abi_tmp));
}

TEST_FORK(proc)
{
	if (geteuid())
		SKIP("needs root");
	abi_tmpdir();
	RUN(proc_inside);
}

static int sockets[2];

static void credentials_inside(void)
{
	struct ucred c;
	socklen_t len = sizeof(c);
	char byte, control[CMSG_SPACE(sizeof(c))];
	struct iovec v = { &byte, 1 };
	struct msghdr m = { .msg_iov = &v,
			    .msg_iovlen = 1,
			    .msg_control = control,
			    .msg_controllen = sizeof(control) };
	int one = 1;

	CHECK_OK(setsockopt(sockets[1], SOL_SOCKET, SO_PASSCRED, &one, sizeof(one)));
	CHECK_OK(getsockopt(sockets[1], SOL_SOCKET, SO_PEERCRED, &c, &len));
	CHECK_EQ(c.pid, 0); /* made outside */
	tell();
	CHECK_EQ(recvmsg(sockets[1], &m, 0), 1);
	memcpy(&c, CMSG_DATA(CMSG_FIRSTHDR(&m)), sizeof(c));
	CHECK_EQ(c.pid, 0);
	/* Its own number is one that it may give. */
	c = (struct ucred){ 1, getuid(), getgid() };
	memcpy(CMSG_DATA(CMSG_FIRSTHDR(&m)), &c, sizeof(c));
	CHECK_EQ(sendmsg(sockets[1], &m, 0), 1);
}

TEST_FORK(credentials)
{
	struct ucred c;
	char byte = 1, control[CMSG_SPACE(sizeof(c))];
	struct iovec v = { &byte, 1 };
	struct msghdr m = { .msg_iov = &v,
			    .msg_iovlen = 1,
			    .msg_control = control,
			    .msg_controllen = sizeof(control) };
	int one = 1;
	pid_t pid;

	CHECK_OK(socketpair(AF_UNIX, SOCK_DGRAM, 0, sockets));
	CHECK_OK(setsockopt(sockets[0], SOL_SOCKET, SO_PASSCRED, &one, sizeof(one)));
	pid = start(credentials_inside);
	if (!pid)
		SKIP("no pid namespace here");
	hear();
	CHECK_EQ(send(sockets[0], "x", 1, 0), 1);
	CHECK_EQ(recvmsg(sockets[0], &m, 0), 1);
	memcpy(&c, CMSG_DATA(CMSG_FIRSTHDR(&m)), sizeof(c));
	CHECK_EQ(c.pid, pid);
	CHECK_EQ(status_of(pid), 0);
}

static void locks_inside(void)
{
	struct flock l = { .l_type = F_WRLCK };
	u_int32_t word = 0;
	int fd = open(abi_tmp, O_RDWR);
	struct f_owner_ex o = { F_OWNER_PID, 1 };
	siginfo_t si = { 0 };

	CHECK_OK(fcntl(fd, F_GETLK, &l));
	CHECK_EQ(l.l_type, F_WRLCK);
	CHECK_EQ(l.l_pid, 0); /* held by the one outside */
	CHECK_OK(syscall(SYS_futex, &word, FUTEX_LOCK_PI, 0, NULL, NULL, 0));
	CHECK_EQ(word & FUTEX_TID_MASK, 1);
	CHECK_OK(syscall(SYS_futex, &word, FUTEX_UNLOCK_PI, 0, NULL, NULL, 0));
	CHECK_OK(fcntl(sync_pipe[1], F_SETOWN_EX, &o));
	CHECK_EQ(fcntl(sync_pipe[1], F_GETOWN), 1);
	CHECK_ERRNO(fcntl(sync_pipe[1], F_SETOWN, 77), ESRCH);
	CHECK_ERRNO(syscall(SYS_pidfd_open, abi_pid + 1000, 0), ESRCH);
	CHECK_ERRNO(waitid(P_PID, 77, &si, WEXITED), ECHILD);
}

TEST_FORK(locks_and_owners)
{
	struct flock l = { .l_type = F_WRLCK };
	char name[PATH_MAX + 8];
	int fd;

	abi_tmpdir();
	snprintf(name, sizeof(name), "%s/f", abi_tmp);
	fd = open(name, O_RDWR | O_CREAT, 0600);
	CHECK_OK(fd);
	CHECK_OK(fcntl(fd, F_SETLK, &l));
	strcat(abi_tmp, "/f");
	RUN(locks_inside);
	abi_tmp[strlen(abi_tmp) - 2] = 0;
	CHECK_OK(unlink(name));
}
