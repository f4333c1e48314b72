/*
 * init.c - pid 1 of the emulated test machine. Mounts what a command expects, loads the modules named in /modules/order,
 * then runs commands that come as frames over a virtio-serial port (proto.h), one at a time, and sends back their output
 * and exit status. Between commands nothing survives: every process left over is killed and counted.
 * A static program of ours rather than a shell script, so that status, signals and terminals are exact.
 */
#define _GNU_SOURCE
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <net/if.h>
#include <poll.h>
#include <pty.h>
#include <sched.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/reboot.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "proto.h"

#define MAX_STRINGS 4096
/* musl has no <linux/kvm.h> */
#define KVM_CREATE_VM	   _IO(0xae, 0x01)
#define KVM_CREATE_VCPU	   _IO(0xae, 0x41)
#define KVM_CREATE_IRQCHIP _IO(0xae, 0x60)
#define GRACE_MS	   200 /* how long its children may take to die after it */
/* how long a background process may hold stdout open after the command's exit */
#define DRAIN_MS 300

static int port = -1;
static int sigfd = -1;
static char inbuf[FRAME_MAX];
static char outbuf[FRAME_MAX];

static struct job {
	pid_t pid; /* 0: none */
	int in, out, err;
	int exited;
	int status;
	int timed_out;
	uint64_t started, deadline, drain_end, beat;
	char *input; /* bytes for stdin that it could not take yet; no frame is read before it took them */
	size_t input_len;
} job = { .in = -1, .out = -1, .err = -1 };

static void die(const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	dprintf(2, "init: ");
	vdprintf(2, fmt, ap);
	dprintf(2, ": %s\n", strerror(errno));
	va_end(ap);
	reboot(RB_POWER_OFF);
	_exit(1);
}

static uint64_t now_ms(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * 1000 + (uint64_t)ts.tv_nsec / 1000000;
}

static void write_all(int fd, const void *buf, size_t len)
{
	const char *p = buf;

	while (len) {
		ssize_t n = write(fd, p, len);

		if (n < 0 && errno != EINTR)
			die("write to the port");
		if (n > 0) {
			p += n;
			len -= (size_t)n;
		}
	}
}

static void read_all(int fd, void *buf, size_t len)
{
	char *p = buf;

	while (len) {
		ssize_t n = read(fd, p, len);

		if (n == 0 || (n < 0 && errno != EINTR))
			die("read from the port");
		if (n > 0) {
			p += n;
			len -= (size_t)n;
		}
	}
}

static void send_frame(char type, const void *buf, size_t len)
{
	struct frame f = { .len = (uint32_t)len, .type = (uint8_t)type };

	write_all(port, &f, sizeof(f));
	write_all(port, buf, len);
}

static void close_fd(int *fd)
{
	if (*fd >= 0)
		close(*fd);
	*fd = -1;
}

static void try_mount(const char *type, const char *dir, unsigned long flags, const char *opts)
{
	mkdir(dir, 0755);
	if (mount(type, dir, type, flags, opts) < 0 && errno != EBUSY)
		dprintf(2, "init: mount %s on %s: %s\n", type, dir, strerror(errno));
}

/* pivot_root refuses the initramfs itself; as a bind mount over itself it is a root like any other. */
static void make_root(void)
{
	if (mount("/", "/mnt", NULL, MS_BIND, NULL) < 0 || chdir("/mnt") < 0 ||
	    mount(".", "/", NULL, MS_MOVE, NULL) < 0 || chroot(".") < 0 || chdir("/") < 0)
		die("bind mount of the root");
}

static void mount_all(void)
{
	try_mount("proc", "/proc", MS_NOSUID | MS_NODEV | MS_NOEXEC, NULL);
	try_mount("sysfs", "/sys", MS_NOSUID | MS_NODEV | MS_NOEXEC, NULL);
	try_mount("devtmpfs", "/dev", MS_NOSUID, NULL);
	try_mount("devpts", "/dev/pts", MS_NOSUID | MS_NOEXEC, "gid=5,mode=620,ptmxmode=666");
	try_mount("tmpfs", "/dev/shm", MS_NOSUID | MS_NODEV, NULL);
	try_mount("tmpfs", "/tmp", MS_NOSUID | MS_NODEV, "mode=1777,nr_inodes=0");
	try_mount("tmpfs", "/run", MS_NOSUID | MS_NODEV, "mode=755");
	try_mount("cgroup2", "/sys/fs/cgroup", MS_NOSUID | MS_NODEV | MS_NOEXEC, NULL);
	if (symlink("/proc/self/fd", "/dev/fd") == 0) {
		symlink("/proc/self/fd/0", "/dev/stdin");
		symlink("/proc/self/fd/1", "/dev/stdout");
		symlink("/proc/self/fd/2", "/dev/stderr");
	}
}

static void load_modules(void)
{
	char name[128], path[160];
	FILE *f = fopen("/modules/order", "re");

	if (!f)
		return;
	while (fgets(name, sizeof(name), f)) {
		int fd;

		name[strcspn(name, "\n")] = 0;
		snprintf(path, sizeof(path), "/modules/%s", name);
		fd = open(path, O_RDONLY | O_CLOEXEC);
		if (fd < 0 || (syscall(SYS_finit_module, fd, "", 0) < 0 && errno != EEXIST))
			dprintf(2, "init: %s: %s\n", path, strerror(errno));
		close_fd(&fd);
	}
	fclose(f);
}

/*
 * A virtual machine of our own, with one vCPU that never runs, for as long as we live. Linux patches its scheduler's text
 * when the first VM comes and when the last one goes (preempt_notifier_key), and KVM's when the number of vCPUs with a
 * disabled APIC leaves or reaches 0 (apic_sw_disabled). QEMU before 8.1 can miss a write of one CPU to text that another
 * is translating just then: that CPU keeps the breakpoint by which Linux patches, and takes it again and again, with
 * interrupts off. With this VM neither number ever changes to or from 0.
 */
static void hold_vm(void)
{
	int kvm = open("/dev/kvm", O_RDWR | O_CLOEXEC), vm;

	if (kvm < 0)
		return; /* a machine without SVM */
	vm = ioctl(kvm, KVM_CREATE_VM, 0);
	if (vm < 0 || ioctl(vm, KVM_CREATE_IRQCHIP, 0) < 0 || ioctl(vm, KVM_CREATE_VCPU, 0) < 0)
		dprintf(2, "init: a VM to hold: %s\n", strerror(errno));
	close(kvm);
}

/*
 * Commands, and so the vCPUs of their virtual machines, never run on CPU 0. Whenever any CPU of the machine restores the
 * FPU, QEMU (7.2 to 10.0, cpu_clear_ignne) rewrites a word of CPU 0's state without a lock, and that word also says whether
 * CPU 0 is inside a nested guest: if that ends in between, Linux goes on with the guest's nested page tables, which
 * ends, a moment later, in a triple fault of a vCPU that did nothing wrong.
 */
static void spare_cpu_0(void)
{
	cpu_set_t set;

	if (sched_getaffinity(0, sizeof(set), &set) < 0 || CPU_COUNT(&set) < 2)
		return;
	CPU_CLR(0, &set);
	if (sched_setaffinity(0, sizeof(set), &set) < 0)
		dprintf(2, "init: sched_setaffinity: %s\n", strerror(errno));
}

static void loopback_up(void)
{
	struct ifreq ifr = { .ifr_name = "lo", .ifr_flags = IFF_UP | IFF_RUNNING };
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	if (fd < 0 || ioctl(fd, SIOCSIFFLAGS, &ifr) < 0)
		dprintf(2, "init: lo: %s\n", strerror(errno));
	close_fd(&fd);
}

/* The port's device node appears some time after the driver was loaded. */
static void open_port(void)
{
	for (int tries = 0; tries < 2000; tries++) {
		DIR *d = opendir("/sys/class/virtio-ports");
		struct dirent *e;
		char path[300];

		while (d && (e = readdir(d))) {
			if (e->d_name[0] == '.')
				continue;
			snprintf(path, sizeof(path), "/dev/%s", e->d_name);
			port = open(path, O_RDWR | O_CLOEXEC);
			if (port >= 0)
				break;
		}
		if (d)
			closedir(d);
		if (port >= 0)
			return;
		usleep(1000);
	}
	die("no virtio-serial port");
}

/* Strings of a job up to the empty one; advances *p. Only the host side of our own rig writes these. */
static char **strings(char **p, char *end)
{
	char **list = calloc(MAX_STRINGS + 1, sizeof(*list));
	size_t n = 0;

	while (list && *p < end && **p && n < MAX_STRINGS) {
		list[n++] = *p;
		*p += strlen(*p) + 1;
	}
	*p += 1;
	return list;
}

static void child(char **argv, char **envp, const char *cwd, int in, int out, int err, int tty)
{
	sigset_t none;

	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	signal(SIGPIPE, SIG_DFL);
	if (tty) {
		setsid();
		ioctl(in, TIOCSCTTY, 0);
	} else {
		setpgid(0, 0);
	}
	if (dup2(in, 0) < 0 || dup2(out, 1) < 0 || dup2(err, 2) < 0)
		_exit(126);
	if (chdir(cwd) < 0) {
		dprintf(2, "%s: %s\n", cwd, strerror(errno));
		_exit(126);
	}
	environ = envp;
	execvp(argv[0], argv);
	dprintf(2, "%s: %s\n", argv[0], strerror(errno));
	_exit(errno == ENOENT ? 127 : 126);
}

static void job_start(char *buf, size_t len)
{
	struct frame_job *j = (void *)buf;
	char *p = buf + sizeof(*j), *end = buf + len, *cwd = p;
	char **argv, **envp;
	int in[2] = { -1, -1 }, out[2] = { -1, -1 }, err[2] = { -1, -1 };
	int tty = j->flags & JOB_TTY;

	p += strlen(p) + 1;
	argv = strings(&p, end);
	envp = strings(&p, end);
	if (tty) {
		struct winsize ws = { .ws_row = j->rows, .ws_col = j->cols };

		if (openpty(&out[0], &out[1], NULL, NULL, &ws) < 0)
			die("openpty");
		fcntl(out[0], F_SETFD, FD_CLOEXEC);
		in[1] = dup(out[0]);
		in[0] = dup(out[1]);
		err[1] = dup(out[1]);
		fcntl(in[1], F_SETFD, FD_CLOEXEC);
	} else {
		if (pipe2(out, O_CLOEXEC) < 0 || pipe2(err, O_CLOEXEC) < 0)
			die("pipe");
		if (!(j->flags & JOB_STDIN))
			in[0] = open("/dev/null", O_RDONLY | O_CLOEXEC);
		else if (pipe2(in, O_CLOEXEC) < 0)
			die("pipe");
	}
	job = (struct job){ .in = in[1], .out = out[0], .err = err[0], .started = now_ms() };
	if (j->timeout_ms)
		job.deadline = job.started + j->timeout_ms;
	job.pid = fork();
	if (job.pid < 0)
		die("fork");
	if (job.pid > 0 && in[1] >= 0)
		fcntl(in[1], F_SETFL,
		      O_NONBLOCK); /* shared with out[0] on a terminal, which is read only after poll */
	if (job.pid == 0) {
		if (tty) { /* not close-on-exec, as they came from openpty and dup */
			int i = dup(in[0]);

			fcntl(in[0], F_SETFD, FD_CLOEXEC);
			fcntl(out[1], F_SETFD, FD_CLOEXEC);
			fcntl(err[1], F_SETFD, FD_CLOEXEC);
			fcntl(i, F_SETFD, FD_CLOEXEC);
			child(argv, envp, cwd, i, out[1], err[1], 1);
		}
		child(argv, envp, cwd, in[0], out[1], err[1], 0);
	}
	free(argv);
	free(envp);
	close_fd(&in[0]);
	close_fd(&out[1]);
	close_fd(&err[1]);
}

/* A line of stderr for each process that outlived the command; kernel threads have no command line. */
static void tell_left(void)
{
	DIR *d = opendir("/proc");
	struct dirent *e;

	while (d && (e = readdir(d))) {
		char path[300], text[256], line[320];
		long pid = strtol(e->d_name, NULL, 10);
		ssize_t n;
		int fd;

		if (pid <= 1 || pid == getpid())
			continue;
		snprintf(path, sizeof(path), "/proc/%ld/cmdline", pid);
		fd = open(path, O_RDONLY | O_CLOEXEC);
		n = fd < 0 ? 0 : read(fd, text, sizeof(text) - 1);
		close_fd(&fd);
		if (n <= 0)
			continue;
		text[n] = 0;
		for (ssize_t i = 0; i < n - 1; i++)
			if (!text[i])
				text[i] = ' ';
		snprintf(line, sizeof(line), "it left process %ld: %s\n", pid, text);
		send_frame('E', line, strlen(line));
	}
	if (d)
		closedir(d);
}

/* Kills and reaps all but ourselves; returns how many there were. What is dying anyway gets a moment for it. */
static uint32_t sweep(void)
{
	uint32_t left = 0;

	for (int i = 0; i < GRACE_MS; i++) {
		while (waitpid(-1, NULL, WNOHANG) > 0)
			;
		if (errno == ECHILD)
			return 0;
		usleep(1000);
	}
	tell_left();
	for (;;) { /* kernel threads count as reached, so only a pass that reaps none is the last */
		uint32_t before = left;

		kill(-1, SIGKILL);
		while (waitpid(-1, NULL, 0) > 0)
			left++;
		if (left == before)
			return left;
	}
}

static void job_finish(void)
{
	struct frame_exit x = { .status = job.status, .timed_out = (uint32_t)job.timed_out };

	x.ms = (uint32_t)(now_ms() - job.started);
	x.left = sweep();
	close_fd(&job.in);
	close_fd(&job.out);
	close_fd(&job.err);
	job.pid = 0;
	job.input_len = 0;
	send_frame('X', &x, sizeof(x));
}

static void pump(int *fd, char type)
{
	ssize_t n = read(*fd, outbuf, sizeof(outbuf));

	if (n > 0)
		send_frame(type, outbuf, (size_t)n);
	else if (n == 0 || (errno != EINTR && errno != EAGAIN))
		close_fd(fd); /* EIO: the terminal's last user is gone */
}

static void reap(void)
{
	struct signalfd_siginfo si;
	int status;
	pid_t pid;

	if (read(sigfd, &si, sizeof(si)) < 0)
		return;
	while ((pid = waitpid(-1, &status, WNOHANG)) > 0) {
		if (pid != job.pid)
			continue;
		job.exited = 1;
		job.status = status;
		job.drain_end = now_ms() + DRAIN_MS;
	}
}

static void give_input(void)
{
	ssize_t n = write(job.in, job.input, job.input_len);

	if (n > 0) {
		job.input += n;
		job.input_len -= (size_t)n;
	} else if (errno != EAGAIN && errno != EINTR) {
		job.input_len = 0;
		close_fd(&job.in);
	}
}

static void handle_frame(void)
{
	struct frame f;

	read_all(port, &f, sizeof(f));
	if (f.len >= sizeof(inbuf))
		die("frame of %u bytes", f.len);
	read_all(port, inbuf, f.len);
	inbuf[f.len] = 0;
	switch (f.type) {
	case 'J': job_start(inbuf, f.len); break;
	case 'I':
		if (!f.len) {
			close_fd(&job.in);
		} else if (job.in >= 0) {
			job.input = inbuf;
			job.input_len = f.len;
			give_input();
		}
		break;
	case 'S':
		if (job.pid && !job.exited)
			kill(-job.pid, *(int *)(void *)inbuf);
		break;
	case 'Q':
		sync();
		reboot(RB_POWER_OFF);
		break;
	default: die("frame of type %d", f.type);
	}
}

static int poll_timeout(void)
{
	uint64_t until = job.exited ? job.drain_end : job.deadline, now = now_ms();

	if (!job.pid)
		return -1;
	if (!until || until > job.beat)
		until = job.beat;
	return until <= now ? 0 : (int)(until - now);
}

static void beat(void)
{
	uint64_t now = now_ms();

	if (job.pid && now >= job.beat) {
		send_frame('B', NULL, 0);
		job.beat = now + BEAT_MS;
	}
}

static void step(void)
{
	struct pollfd p[5] = {
		{ .fd = job.input_len ? -1 : port, .events = POLLIN },
		{ .fd = sigfd, .events = POLLIN },
		{ .fd = job.pid ? job.out : -1, .events = POLLIN },
		{ .fd = job.pid ? job.err : -1, .events = POLLIN },
		{ .fd = job.input_len ? job.in : -1, .events = POLLOUT },
	};

	if (poll(p, 5, poll_timeout()) < 0 && errno != EINTR)
		die("poll");
	beat();
	if (p[2].revents)
		pump(&job.out, 'O');
	if (p[3].revents)
		pump(&job.err, 'E');
	if (p[1].revents)
		reap();
	if (job.pid && !job.exited && job.deadline && now_ms() >= job.deadline) {
		job.timed_out = 1;
		job.deadline = 0;
		kill(job.pid, SIGKILL);
	}
	if (job.pid && job.exited && ((job.out < 0 && job.err < 0) || now_ms() >= job.drain_end))
		job_finish();
	if (p[4].revents && job.input_len)
		give_input();
	if (p[0].revents & POLLIN)
		handle_frame();
}

/*
 * A child of pid 1 itself is always in an orphaned process group, where SIGTSTP does nothing. So a process between does
 * the work, in a session of its own; pid 1 only waits for it.
 */
static void split(void)
{
	pid_t pid = fork();

	if (pid < 0)
		die("fork");
	if (pid > 0) {
		while (waitpid(pid, NULL, 0) < 0 && errno == EINTR)
			;
		reboot(RB_POWER_OFF);
	}
	setsid();
	prctl(PR_SET_CHILD_SUBREAPER, 1);
}

int main(void)
{
	struct timespec ts;
	sigset_t chld;
	uint32_t ms;
	int fd;

	make_root();
	mount_all();
	fd = open("/dev/null", O_RDWR);
	if (fd > 0) { /* the kernel gives the console as 0, 1, 2; ours goes on to it */
		dup2(fd, 0);
		close(fd);
	}
	load_modules();
	loopback_up();
	hold_vm();
	spare_cpu_0();
	split();
	sethostname("moat-vm", 7);
	signal(SIGPIPE, SIG_IGN);
	sigemptyset(&chld);
	sigaddset(&chld, SIGCHLD);
	sigprocmask(SIG_BLOCK, &chld, NULL);
	sigfd = signalfd(-1, &chld, SFD_CLOEXEC);
	if (sigfd < 0)
		die("signalfd");
	open_port();
	clock_gettime(CLOCK_BOOTTIME, &ts);
	ms = (uint32_t)(ts.tv_sec * 1000 + ts.tv_nsec / 1000000);
	send_frame('H', &ms, sizeof(ms));
	for (;;)
		step();
}
