/*
 * fuzz_calls_make.c - objects to call upon, which random arguments alone would hardly make:
 * descriptors of every kind, each at a random one of the few numbers in use; mappings; children that
 * end by themselves.
 */
#include <fcntl.h>
#include <linux/userfaultfd.h>
#include <netinet/in.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/inotify.h>
#include <sys/mman.h>
#include <sys/shm.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/timerfd.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/fuzz/fuzz_calls.h"

#define SOCK "/tmp/sock"

static void place(int fd)
{
	int to = random_fd();

	if (fd < 0)
		return;
	dup2(fd, to);
	if (fd != to && (fd < FD_FIRST || fd >= FD_FIRST + FDS))
		close(fd);
}

static void make_pipe(void)
{
	int fd[2];

	if (pipe2(fd, one_in(2) ? O_NONBLOCK : 0))
		return;
	place(fd[0]);
	place(fd[1]);
}

static void make_pair(void)
{
	static const int types[] = { SOCK_STREAM, SOCK_DGRAM, SOCK_SEQPACKET };
	int fd[2];

	if (socketpair(AF_UNIX, types[below(N_OF(types))], 0, fd))
		return;
	place(fd[0]);
	place(fd[1]);
}

static void make_socket(void)
{
	static const struct {
		int family, type, protocol;
	} kinds[] = {
		{ AF_INET, SOCK_STREAM, 0 },	{ AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0 },
		{ AF_INET, SOCK_DGRAM, 0 },	{ AF_INET, SOCK_RAW, IPPROTO_ICMP },
		{ AF_INET6, SOCK_STREAM, 0 },	{ AF_INET6, SOCK_DGRAM, 0 },
		{ AF_NETLINK, SOCK_RAW, 0 },	{ AF_NETLINK, SOCK_RAW, 4 }, /* sock_diag */
		{ AF_PACKET, SOCK_RAW, 0x300 },
	};
	size_t i = below(N_OF(kinds));

	place(socket(kinds[i].family, kinds[i].type, kinds[i].protocol));
}

static void make_inet(void)
{
	struct sockaddr_in a = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0), on = 1;

	a.sin_port = htons(4000 + below(4));
	if (one_in(2)) {
		setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
		bind(fd, (struct sockaddr *)&a, sizeof(a));
		listen(fd, 5);
	} else {
		connect(fd, (struct sockaddr *)&a, sizeof(a));
	}
	place(fd);
}

static void make_unix(void)
{
	struct sockaddr_un a = { .sun_family = AF_UNIX, .sun_path = SOCK };
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0);

	if (one_in(2)) {
		unlink(SOCK);
		bind(fd, (struct sockaddr *)&a, sizeof(a));
		listen(fd, 3);
	} else {
		connect(fd, (struct sockaddr *)&a, sizeof(a));
	}
	place(fd);
}

static void make_event(void)
{
	place(eventfd((unsigned)below(4), (int)(random_bits() & (EFD_NONBLOCK | EFD_SEMAPHORE))));
}

static void make_epoll(void)
{
	int fd = epoll_create1(0);

	for (uint32_t i = 0; i < 5; i++) {
		struct epoll_event ev = { .data.u32 = i };

		ev.events = (uint32_t)random_bits() & (0x3fff | EPOLLET | EPOLLONESHOT);
		epoll_ctl(one_in(2) ? fd : random_fd(), 1 + (int)below(3), random_fd(), &ev);
	}
	place(fd);
}

static void make_timer(void)
{
	struct itimerspec t = { .it_interval.tv_nsec = 1000000, .it_value.tv_nsec = 1000000 };
	int fd = timerfd_create(CLOCK_MONOTONIC, 0);

	timerfd_settime(fd, 0, &t, NULL);
	place(fd);
}

static void make_signalfd(void)
{
	sigset_t set;

	sigfillset(&set);
	sigdelset(&set, SIGUSR1); /* the parent's */
	place(signalfd(-1, &set, 0));
}

static void make_memfd(void)
{
	int fd = memfd_create("m", MFD_ALLOW_SEALING);

	if (!ftruncate(fd, 16 * PAGE))
		place(fd);
}

static void make_inotify(void)
{
	int fd = inotify_init1(IN_NONBLOCK);

	inotify_add_watch(fd, "/tmp", IN_ALL_EVENTS);
	place(fd);
}

static void make_file(void)
{
	int flags = (int)below(3);

	flags |= one_in(2) ? O_NONBLOCK : 0;
	flags |= one_in(3) ? O_CREAT : 0;
	flags |= one_in(5) ? O_PATH : 0;
	place(open((const char *)random_name(), flags, 0666));
}

static void make_proc_file(void)
{
	static const char *const files[] = {
		"children", "comm",   "cwd",   "environ",   "fd",     "fdinfo",
		"io",	    "limits", "maps",  "mem",	    "mounts", "ns",
		"ns/net",   "root",   "sched", "smaps",	    "stat",   "status",
		"syscall",  "task",   "wchan", "oom_score", "cgroup", "timerslack_ns",
	};
	const char *file = files[below(N_OF(files))];
	char path[64], buf[512];
	int fd;

	if (one_in(2))
		snprintf(path, sizeof(path), "/proc/%d/%s", random_pid(), file);
	else
		snprintf(path, sizeof(path), "/proc/%d/task/%d/%s", random_pid(), random_tid(),
			 file);
	fd = open(path, O_RDONLY | O_NONBLOCK);
	if (read(fd, buf, sizeof(buf)) < 0)
		syscall(SYS_getdents64, fd, buf, sizeof(buf));
	place(fd);
}

static void make_pidfd(void)
{
	place((int)syscall(SYS_pidfd_open, random_pid(), 0));
}

static void make_terminal(void)
{
	place(open("/dev/ptmx", O_RDWR | O_NOCTTY));
}

static void make_uring(void)
{
	char params[128] = { 0 };

	place((int)syscall(SYS_io_uring_setup, 8, params));
}

static void make_userfault(void)
{
	place((int)syscall(SYS_userfaultfd, UFFD_USER_MODE_ONLY | O_NONBLOCK));
}

static void make_ruleset(void)
{
	uint64_t attr[3] = { 0xffff, 3, 3 };

	place((int)syscall(SYS_landlock_create_ruleset, attr, sizeof(attr), 0));
}

static void make_queue(void)
{
	long attr[8] = { 0, 4, 64 }; /* flags, messages, bytes of one */

	place((int)syscall(SYS_mq_open, "q", O_RDWR | O_CREAT | O_NONBLOCK, 0666, attr));
}

static void make_mapping(void)
{
	int flags = one_in(2) ? MAP_PRIVATE : MAP_SHARED;
	int fd = random_fd();

	if (one_in(2)) {
		flags |= MAP_ANONYMOUS;
		fd = -1;
	}
	mmap((void *)(ARENA + PAGE * below(ARENA_PAGES - 64)), PAGE * (1 + below(64)),
	     PROT_READ | PROT_WRITE, flags | MAP_FIXED, fd, 0);
}

static void make_segment(void)
{
	int id = shmget((key_t)below(4), 16 * PAGE, 0666 | IPC_CREAT);

	shmat(id, (void *)(ARENA + 16 * PAGE * below(200)), SHM_REMAP);
}

static void make_names(void)
{
	mkdir("/tmp/d", 0777);
	mkfifo("/tmp/fifo", 0666);
	if (!symlink("/tmp/a", "/tmp/link"))
		place(open("/tmp/d/x", O_CREAT | O_RDWR, 0666));
}

static void make_private(void)
{
	static const int kinds[] = { CLONE_FILES, CLONE_FS,	CLONE_FILES | CLONE_FS,
				     CLONE_NEWNS, CLONE_NEWUTS, CLONE_NEWIPC,
				     CLONE_NEWNET };

	if (one_in(4))
		unshare(kinds[below(N_OF(kinds))]);
}

/* The program itself, which ends at once when it is called like this. */
static void execute(void)
{
	char *argv[] = { "fuzz_calls", "-x", NULL }, *envp[] = { NULL };

	execve("/proc/self/exe", argv, envp);
	_exit(0);
}

static void make_child(void)
{
	if (!one_in(4))
		return;
	if (one_in(2)) {
		if (vfork() == 0)
			execute();
	} else if (fork() == 0) {
		syscall(SYS_close_range, FD_FIRST + FDS / 2, FD_FIRST + FDS, 0);
		_exit(0);
	}
}

/* A child that shares this or that, makes some more calls and ends, by the clock at the latest. */
static void make_clone(void)
{
	static const unsigned long namespaces[] = { CLONE_NEWNS,  CLONE_NEWCGROUP, CLONE_NEWUTS,
						    CLONE_NEWIPC, CLONE_NEWUSER,   CLONE_NEWPID,
						    CLONE_NEWNET };
	unsigned long flags = CLONE_FILES | CLONE_FS | CLONE_SYSVSEM | CLONE_PARENT | CLONE_PTRACE |
			      CLONE_CHILD_SETTID;

	if (!one_in(4))
		return;
	flags = SIGCHLD | (random_bits() & flags);
	if (one_in(10))
		flags |= namespaces[below(N_OF(namespaces))];
	if (syscall(SYS_clone, flags, 0, random_slot(), random_slot(), 0))
		return;
	signal(SIGALRM, SIG_DFL);
	alarm(1);
	for (int i = 0; i < 40; i++)
		call_once();
	execute();
}

static void wait_children(void)
{
	siginfo_t info;

	while (!waitid(P_ALL, 0, &info, WEXITED | WSTOPPED | WCONTINUED | WNOHANG | __WALL) &&
	       info.si_pid)
		;
}

void make_object(void)
{
	static void (*const makes[])(void) = {
		make_pipe,	make_pair,	make_pair,    make_socket,   make_socket,
		make_socket,	make_inet,	make_inet,    make_unix,     make_unix,
		make_event,	make_epoll,	make_epoll,   make_timer,    make_signalfd,
		make_memfd,	make_inotify,	make_file,    make_file,     make_file,
		make_file,	make_proc_file, make_pidfd,   make_terminal, make_uring,
		make_userfault, make_ruleset,	make_queue,   make_mapping,  make_mapping,
		make_segment,	make_names,	make_private, make_child,    make_clone,
		wait_children,
	};

	makes[below(N_OF(makes))]();
}
