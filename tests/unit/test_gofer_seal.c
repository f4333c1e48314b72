// sources: host/gofer/*.c host/error.c host/ring_dev.c tests/unit/p9_client.c
// libs: -lseccomp -lpthread
/*
 * test_gofer_seal.c - what a sealed gofer can no longer do: each case is a child that seals itself
 * and then tries. Also struct error, whose lines the seal reports by.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "host/error.h"
#include "host/gofer/seal.h"
#include "tests/unit/p9_client.h"

static struct gofer_config cfg = {
	.root_fd = -1, .arena_fd = -1, .stream_fd = -1, .lifeline_fd = -1
};

static void try_read_only(void)
{
	char c;

	syscall(SYS_read, -1, &c, 1);
	syscall(SYS_clock_gettime, 0, NULL);
	mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
}

static void try_unlink(void)
{
	syscall(SYS_unlinkat, -1, "x", 0);
}

static void try_open(void)
{
	syscall(SYS_openat, -1, "x", 0);
}

static void try_socket(void)
{
	syscall(SYS_socket, AF_UNIX, SOCK_STREAM, 0);
}

static void try_exec(void)
{
	syscall(SYS_execve, "/bin/true", NULL, NULL);
}

static void try_fork(void)
{
	syscall(SYS_clone, SIGCHLD, 0, 0, 0, 0);
}

static void try_code(void)
{
	mmap(NULL, 4096, PROT_READ | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
}

static void try_mprotect_code(void)
{
	syscall(SYS_mprotect, 0, 0, PROT_EXEC);
}

static void try_dup(void)
{
	syscall(SYS_fcntl, 2, F_DUPFD, 0);
}

static void try_kill(void)
{
	syscall(SYS_kill, 0, 0);
}

/* The signal that ends a sealed process which tries, or 0. */
static int outcome(bool read_only, void (*try)(void))
{
	struct error err = { 0 };
	int status;
	pid_t pid;

	fflush(stdout);
	pid = fork();
	if (!pid) {
		cfg.read_only = read_only;
		if (seal_descriptors(&cfg, &err) < 0 || seal_privileges(&cfg, &err) < 0 ||
		    seal_syscalls(&cfg, &err) < 0) {
			seal_complain(&err);
			syscall(SYS_exit_group, 1);
		}
		try();
		syscall(SYS_exit_group, 0);
	}
	waitpid(pid, &status, 0);
	CHECK(WIFSIGNALED(status) || WEXITSTATUS(status) == 0);
	return WIFSIGNALED(status) ? WTERMSIG(status) : 0;
}

static void system_calls(void)
{
	CHECK_EQ(outcome(true, try_read_only), 0);
	CHECK_EQ(outcome(false, try_read_only), 0);
	CHECK_EQ(outcome(true, try_unlink), SIGSYS);
	CHECK_EQ(outcome(false, try_unlink), 0);
	CHECK_EQ(outcome(false, try_open), SIGSYS); /* openat2 alone, which can be held below */
	CHECK_EQ(outcome(false, try_socket), SIGSYS);
	CHECK_EQ(outcome(false, try_exec), SIGSYS);
	CHECK_EQ(outcome(false, try_fork), SIGSYS);
	CHECK_EQ(outcome(false, try_code), SIGSYS);
	CHECK_EQ(outcome(false, try_mprotect_code), SIGSYS);
	CHECK_EQ(outcome(false, try_dup), SIGSYS);
	CHECK_EQ(outcome(false, try_kill), SIGSYS);
}

static uint32_t capabilities(void)
{
	struct __user_cap_header_struct head = { .version = _LINUX_CAPABILITY_VERSION_3 };
	struct __user_cap_data_struct data[2];

	if (syscall(SYS_capget, &head, data) < 0)
		return 0xdead;
	return data[0].effective | data[0].permitted | data[0].inheritable |
	       (data[1].permitted ? 1u << 31 : 0);
}

/* Exit status of a child that seals its descriptors and privileges and finds them as they should be. */
static int privileges(bool read_only, bool keep_dac, uint32_t want)
{
	struct error err = { 0 };
	int status;
	pid_t pid;

	fflush(stdout);
	pid = fork();
	if (!pid) {
		cfg.read_only = read_only;
		cfg.keep_dac_read = keep_dac;
		cfg.root_fd = open("/", O_PATH | O_DIRECTORY);
		cfg.lifeline_fd = fcntl(cfg.root_fd, F_DUPFD, 50);
		if (fcntl(cfg.root_fd, F_DUPFD, 40) < 0 || fcntl(cfg.root_fd, F_DUPFD, 60) < 0 ||
		    seal_descriptors(&cfg, &err) < 0 || seal_privileges(&cfg, &err) < 0)
			syscall(SYS_exit_group, 2);
		for (int fd = 0; fd < 200; fd++) {
			bool open = fcntl(fd, F_GETFD) >= 0;

			if (open != (fd == 2 || fd == cfg.root_fd || fd == cfg.lifeline_fd))
				syscall(SYS_exit_group, 3);
		}
		if (capabilities() != want)
			syscall(SYS_exit_group, 4);
		if (prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0) != 1 || prctl(PR_GET_DUMPABLE))
			syscall(SYS_exit_group, 5);
		syscall(SYS_exit_group, 0);
	}
	waitpid(pid, &status, 0);
	return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

static void errors(void)
{
	struct error e = { 0 };
	char longest[2 * ERROR_MSG_MAX];

	CHECK_EQ(error_set(&e, EINVAL, "bad %s %d", "value", 7), -1);
	CHECK(e.err == EINVAL && !strcmp(e.msg, "bad value 7"));
	CHECK_EQ(error_wrap(&e, "%s", "file.json"), -1);
	CHECK(e.err == EINVAL && !strcmp(e.msg, "file.json: bad value 7"));
	errno = ENOENT;
	CHECK_EQ(error_errno(&e, "open %s", "x"), -1);
	CHECK(e.err == ENOENT && !strcmp(e.msg, "open x: No such file or directory"));
	memset(longest, 'x', sizeof(longest));
	longest[sizeof(longest) - 1] = 0;
	error_wrap(&e, "front %s", longest);
	CHECK(strlen(e.msg) == ERROR_MSG_MAX - 1 && !strncmp(e.msg, "front x", 7));
	error_errno(&e, "%s", longest);
	CHECK_EQ(strlen(e.msg), ERROR_MSG_MAX - 1);
	CHECK_EQ(error_set(NULL, 1, "x"), -1);
	CHECK_EQ(error_wrap(NULL, "x"), -1);
	CHECK_EQ(error_errno(NULL, "x"), -1);
}

int main(void)
{
	bool root = !geteuid();

	errors();
	system_calls();
	CHECK_EQ(privileges(true, false, 0), 0);
	CHECK_EQ(privileges(true, true, root ? 1u << CAP_DAC_READ_SEARCH : 0), 0);
	CHECK_EQ(privileges(false, true,
			    root ? 1u << CAP_CHOWN | 1u << CAP_DAC_OVERRIDE | 1u << CAP_FOWNER |
					    1u << CAP_FSETID
				 : 0),
		 0);
	return p9c_failed ? 1 : 0;
}
