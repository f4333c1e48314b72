/*
 * systrap.c - the systrap platform on the host: the Sentry as a process, pid 1 of a pid namespace of its own.
 *
 * create() starts the process: it maps its memory, forks the stub template, starts its threads and then waits on an
 * eventfd, so run() after the launcher's seal is one write. The Sentry's death ends its pid namespace and so every
 * stub. The process gets a new session, so that a terminal's signals reach the launcher alone, and nothing of the
 * launcher but the descriptors of systrap_fds.h.
 */
#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <linux/sched.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/auxv.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "host/error.h"
#include "host/sandbox.h"
#include "host/systrap_fds.h"
#include "host/write_all.h"

#define FILES_MAX 2048

struct systrap {
	int pidfd;
	int start_fd;
	pid_t pid;
};

static int systrap_probe(struct error *err)
{
	if (!(getauxval(AT_HWCAP2) & 2)) /* HWCAP2_FSGSBASE */
		return error_set(err, ENOTSUP, "systrap: the host kernel does not offer FSGSBASE");
	return 0;
}

/* A descriptor number that no fixed slot uses, so that moving one source never overwrites another. */
static int park(int fd)
{
	return fcntl(fd, F_DUPFD_CLOEXEC, SYSTRAP_FD_END);
}

/*
 * Files of windows come as long as the Sentry takes them. An honest one has 768 of them (guest/mm/dax.c), and those that are
 * still mapped somewhere; one that was taken over shall not fill the host's table of open files.
 */
static void limit_files(void)
{
	struct rlimit r;

	if (getrlimit(RLIMIT_NOFILE, &r) < 0)
		return;
	if (r.rlim_max > FILES_MAX)
		r.rlim_max = FILES_MAX;
	r.rlim_cur = r.rlim_max;
	setrlimit(RLIMIT_NOFILE, &r);
}

/* In the child: arrange descriptors and execute the image. Never returns. */
static void child_main(struct sandbox *sb, int image_fd, int start_fd)
{
	int src[SYSTRAP_FD_END], i, q;
	char cpus[16];
	char *argv[] = { "moat-sentry", cpus, NULL };
	char *envp[] = { NULL };
	struct __user_cap_header_struct cap = { _LINUX_CAPABILITY_VERSION_3, 0 };
	struct __user_cap_data_struct none[2] = { { 0 } };

	memset(src, 0xff, sizeof(src));
	src[SYSTRAP_FD_RAM] = park(sb->ram_fd);
	src[SYSTRAP_FD_ARENA] = park(sb->arena_fd);
	src[SYSTRAP_FD_START] = park(start_fd);
	if (sb->dax)
		src[SYSTRAP_FD_DAX] = park(sb->dax_fd[0]);
	for (q = 0; q < RING_QUEUES; q++) {
		src[SYSTRAP_FD_KICK + q] = park(sb->kick_fd[q]);
		src[SYSTRAP_FD_CALL + q] = park(sb->call_fd[q]);
	}
	image_fd = park(image_fd);
	if (image_fd < 0)
		_exit(3);
	for (i = 0; i < SYSTRAP_FD_END; i++) {
		if (src[i] >= 0 && dup2(src[i], i) < 0)
			_exit(3);
		if (src[i] < 0 && i != STDERR_FILENO)
			close(i);
	}
	if (image_fd != SYSTRAP_FD_END) {
		dup3(image_fd, SYSTRAP_FD_END, O_CLOEXEC);
		image_fd = SYSTRAP_FD_END;
	}
	syscall(SYS_close_range, SYSTRAP_FD_END + 1, ~0U, 0);
	for (i = 1; i < 32; i++)
		signal(i, SIG_DFL);
	limit_files();
	/* Its seal leaves nothing that a capability is good for. */
	if (syscall(SYS_capset, &cap, none) < 0)
		_exit(3);
	setsid();
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
	snprintf(cpus, sizeof(cpus), "%u", sb->cpus);
	fexecve(image_fd, argv, envp);
	dprintf(STDERR_FILENO, "moat: systrap: cannot execute the Sentry: %s\n", strerror(errno));
	_exit(3);
}

/* What execve reads: up to the end of the last segment. Symbols and debug data lie behind it. */
static size_t loadable_size(const void *image, size_t size)
{
	const Elf64_Ehdr *eh = image;
	const Elf64_Phdr *ph = (const Elf64_Phdr *)((const char *)image + eh->e_phoff);
	size_t end = eh->e_phoff + eh->e_phnum * sizeof(*ph);

	for (int i = 0; i < eh->e_phnum; i++)
		if (ph[i].p_type == PT_LOAD && ph[i].p_offset + ph[i].p_filesz > end)
			end = ph[i].p_offset + ph[i].p_filesz;
	return end < size ? end : size;
}

static int image_memfd(struct sandbox *sb, struct error *err)
{
	size_t size = loadable_size(sb->image, sb->image_size);
	int fd = memfd_create("moat-sentry", MFD_CLOEXEC);

	if (fd < 0)
		return error_set(err, errno, "systrap: memfd_create: %s", strerror(errno));
	if (write_all(fd, sb->image, size) < 0) {
		error_set(err, errno, "systrap: cannot write the Sentry's image: %s",
			  strerror(errno));
		close(fd);
		return -1;
	}
	/* The pages of our own file that were read for this are not needed again: 0.7 MiB less for each sandbox. */
	madvise((void *)sb->image, size & ~(size_t)4095, MADV_DONTNEED);
	return fd;
}

static int systrap_create(struct sandbox *sb, struct error *err)
{
	struct systrap *s = calloc(1, sizeof(*s));
	struct clone_args args = { .flags = CLONE_NEWPID | CLONE_PIDFD, .exit_signal = SIGCHLD };
	sigset_t all, old;
	int image_fd;

	if (!s)
		return error_set(err, ENOMEM, "systrap: out of memory");
	image_fd = image_memfd(sb, err);
	if (image_fd < 0)
		goto free;
	s->start_fd = eventfd(0, EFD_CLOEXEC);
	if (s->start_fd < 0) {
		error_set(err, errno, "systrap: eventfd: %s", strerror(errno));
		goto image;
	}
	args.pidfd = (uintptr_t)&s->pidfd;
	sigfillset(&all);
	sigprocmask(SIG_SETMASK, &all, &old);
	s->pid = syscall(SYS_clone3, &args, sizeof(args));
	if (s->pid == 0) {
		sigemptyset(&all);
		sigprocmask(SIG_SETMASK, &all, NULL);
		child_main(sb, image_fd, s->start_fd);
	}
	sigprocmask(SIG_SETMASK, &old, NULL);
	if (s->pid < 0) {
		error_set(err, errno, "systrap: cannot start the Sentry in a new pid namespace: %s",
			  strerror(errno));
		goto start;
	}
	close(image_fd);
	sb->priv = s;
	return 0;
start:
	close(s->start_fd);
image:
	close(image_fd);
free:
	free(s);
	return -1;
}

static int systrap_run(struct sandbox *sb, int *exit_fd, struct error *err)
{
	struct systrap *s = sb->priv;
	uint64_t one = 1;

	if (write(s->start_fd, &one, sizeof(one)) != sizeof(one))
		return error_set(err, errno, "systrap: cannot start the Sentry: %s",
				 strerror(errno));
	*exit_fd = s->pidfd;
	return 0;
}

static int systrap_reap(struct sandbox *sb, struct error *err)
{
	struct systrap *s = sb->priv;
	siginfo_t si = { 0 };

	if (waitid(P_PIDFD, s->pidfd, &si, WEXITED) < 0) {
		error_set(err, errno, "systrap: waitid: %s", strerror(errno));
		return 2;
	}
	if (si.si_code == CLD_EXITED && si.si_status <= 1)
		return si.si_status;
	if (si.si_code == CLD_EXITED)
		error_set(err, EIO, "systrap: the Sentry ended early with status %d", si.si_status);
	else
		error_set(err, EIO, "systrap: the Sentry was killed by signal %d", si.si_status);
	return 2;
}

static const char *const systrap_syscalls[] = { "write", "waitid", "close", NULL };

const struct platform_ops platform_systrap = {
	.name = "systrap",
	.windows = true,
	.probe = systrap_probe,
	.create = systrap_create,
	.run = systrap_run,
	.reap = systrap_reap,
	.syscalls = systrap_syscalls,
};
