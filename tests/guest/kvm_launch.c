/*
 * kvm_launch.c - runs the KVM platform's test image with the launcher's own code: kvm_launch IMAGE CPUS [ROUNDS] for the
 * tests, kvm_launch IMAGE crash for all ways to crash, each in a process of its own.
 * Exit 0 pass, 1 fail, 77 this host has no usable KVM.
 */
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "host/crash.h"
#include "host/error.h"
#include "host/kvm/kvm.h"
#include "tests/guest/kvm_test.h"

static void die(const char *what)
{
	perror(what);
	exit(1);
}

static char *memory(int *fd, const char *name, uint64_t size)
{
	char *p;

	*fd = memfd_create(name, MFD_CLOEXEC);
	if (*fd < 0 || ftruncate(*fd, size) < 0)
		die(name);
	p = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, *fd, 0);
	if (p == MAP_FAILED)
		die(name);
	return p;
}

/* What the reason must begin with. */
static const char *const crash_reason[CRASH_MODES] = {
	[CRASH_TEXT_ALIAS] = "page fault",  [CRASH_TEXT] = "page fault",
	[CRASH_EXEC_DATA] = "page fault",   [CRASH_NULL] = "page fault",
	[CRASH_USER_ACCESS] = "page fault", [CRASH_USER_EXEC] = "page fault",
	[CRASH_STACK] = "double fault",	    [CRASH_PORT] = "access to an unknown port",
	[CRASH_NO_MEMORY] = "page fault",   [CRASH_TRIPLE] = "triple fault",
	[CRASH_MSR] = "general protection",
};

/* The sandbox's memory and queues, as the launcher would make them. */
static void sandbox_make(struct sandbox *sb, const char *image, uint64_t ram_size)
{
	struct stat st;
	int i, fd = open(image, O_RDONLY);

	if (fd < 0 || fstat(fd, &st) < 0)
		die(image);
	sb->image_size = st.st_size;
	sb->image = mmap(NULL, st.st_size, PROT_READ, MAP_PRIVATE, fd, 0);
	close(fd);
	sb->ram_size = ram_size;
	sb->arena_size = 8ULL << 20;
	sb->ram = memory(&sb->ram_fd, "ram", sb->ram_size);
	sb->arena = memory(&sb->arena_fd, "arena", sb->arena_size);
	for (i = 0; i < RING_QUEUES; i++) {
		sb->kick_fd[i] = eventfd(0, EFD_NONBLOCK);
		sb->call_fd[i] = eventfd(0, EFD_NONBLOCK);
	}
}

/* Until the end; rings back what rings at queue 3. False after a minute. */
static bool serve(const struct sandbox *sb, int exit_fd)
{
	struct pollfd p[2] = { { .fd = exit_fd, .events = POLLIN },
			       { .fd = sb->kick_fd[3], .events = POLLIN } };
	uint64_t n;

	while (poll(p, 2, 60000) > 0) {
		if (p[0].revents)
			return true;
		if (read(sb->kick_fd[3], &n, 8) == 8 &&
		    write(sb->call_fd[3], &(uint64_t){ 1 }, 8) != 8)
			die("call eventfd");
	}
	return false;
}

/* A crash on CPU 0 must find the other at work (CRASH_TRIPLE) or not yet started, and say so. */
static bool looked_at(const struct sandbox *sb, uint32_t mode)
{
	const struct kvm_vm *vm = sb->priv;
	const struct kvm_look *l = &vm->vcpu[1].look;

	return vm->vcpu[0].look.valid && l->valid && (mode != CRASH_TRIPLE || l->depth > 1);
}

static int run(struct sandbox *sb, uint32_t mode, uint32_t rounds)
{
	struct report *r = (struct report *)(sb->arena + ARENA_FRAMES);
	const struct crash_record *c = (struct crash_record *)(sb->arena + ARENA_CRASH);
	struct error err = { 0 };
	int exit_fd, end;

	r->mode = mode;
	r->rounds = rounds;
	if (platform_kvm.create(sb, &err) < 0 || prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0 ||
	    platform_kvm.run(sb, &exit_fd, &err) < 0) {
		printf("%s\n", err.msg);
		return 1;
	}
	if (!serve(sb, exit_fd)) {
		printf("%.*stimeout\n", (int)r->len, r->text);
		return 1;
	}
	if (sb->debug)
		platform_kvm.stats(sb);
	end = platform_kvm.reap(sb, &err);
	if (mode) {
		if (end == 1 && c->magic == CRASH_MAGIC &&
		    !strncmp(c->reason, crash_reason[mode], strlen(crash_reason[mode])) &&
		    looked_at(sb, mode)) {
			printf("ok crash %u: %s\n", mode, c->reason);
			if (mode == CRASH_TRIPLE)
				crash_report(sb);
			return 0;
		}
		printf("FAILED crash %u: end %d\n", mode, end);
	}
	printf("%.*s", (int)r->len, r->text);
	if (end == 1)
		crash_report(sb);
	if (end == 2)
		printf("%s\n", err.msg);
	return mode || end || r->failed || !strstr(r->text, "PASSED");
}

/* In a process of its own, since the vCPU threads stay. 0: passed. */
static int run_apart(struct sandbox *sb, const char *image, uint32_t mode, uint32_t rounds)
{
	int status;
	pid_t pid = fork();

	if (pid < 0)
		die("fork");
	if (pid == 0) {
		sandbox_make(sb, image, 256ULL << 20);
		_exit(run(sb, mode, rounds));
	}
	if (waitpid(pid, &status, 0) < 0 || status)
		printf("mode %u: wait status 0x%x\n", mode, status);
	return status;
}

int main(int argc, char **argv)
{
	bool crash = argc > 2 && !strcmp(argv[2], "crash");
	struct sandbox sb = { .platform = &platform_kvm,
			      .cpus = crash || argc < 3 ? 2 : atoi(argv[2]) };
	struct error err = { 0 };
	uint32_t mode;

	setvbuf(stdout, NULL, _IONBF, 0);
	if (argc < 3) {
		fprintf(stderr, "usage: kvm_launch IMAGE CPUS [ROUNDS] | crash\n");
		return 2;
	}
	if (platform_kvm.probe(&err) < 0) {
		printf("skip: %s\n", err.msg);
		return 77;
	}
	if (!crash) {
		sb.debug = true;
		return run_apart(&sb, argv[1], 0, argc > 3 ? atoi(argv[3]) : 200) != 0;
	}
	for (mode = 1; mode < CRASH_MODES; mode++)
		if (run_apart(&sb, argv[1], mode, 0))
			return 1;
	return 0;
}
