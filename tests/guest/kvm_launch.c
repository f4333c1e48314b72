/*
 * kvm_launch.c - runs the KVM platform's test image with the launcher's own code: kvm_launch IMAGE [CPUS [MEMORY-MiB]].
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
#include <unistd.h>

#include "host/error.h"
#include "host/sandbox.h"
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

static void crash_print(const struct crash_record *c)
{
	static const char name[20][7] = { "rax", "rbx", "rcx", "rdx", "rsi", "rdi", "rbp", "rsp", "r8", "r9", "r10", "r11", "r12", "r13",
					  "r14", "r15", "rip", "rflags", "cr2", "error" };
	unsigned i;

	printf("crash: %s, cpu %u\n", c->reason, c->cpu);
	for (i = 0; i < 20; i++)
		printf("%6s %016llx%c", name[i], (unsigned long long)c->regs[i], i % 4 == 3 ? '\n' : ' ');
	for (i = 0; i < c->depth && i < 32; i++)
		printf("  %016llx\n", (unsigned long long)c->backtrace[i]);
}

int main(int argc, char **argv)
{
	struct sandbox sb = { .cpus = argc > 2 ? atoi(argv[2]) : 1, .debug = true };
	const struct report *r;
	struct error err = { 0 };
	struct pollfd p[2];
	int fd, exit_fd, end, i;
	uint64_t n;
	struct stat st;

	setvbuf(stdout, NULL, _IONBF, 0);
	if (platform_kvm.probe(&err) < 0) {
		printf("skip: %s\n", err.msg);
		return 77;
	}
	fd = open(argv[1], O_RDONLY);
	if (fd < 0 || fstat(fd, &st) < 0)
		die(argv[1]);
	sb.image_size = st.st_size;
	sb.image = mmap(NULL, st.st_size, PROT_READ, MAP_PRIVATE, fd, 0);
	sb.ram_size = (uint64_t)(argc > 3 ? atoi(argv[3]) : 256) << 20;
	sb.arena_size = 8ULL << 20;
	sb.ram = memory(&sb.ram_fd, "ram", sb.ram_size);
	sb.arena = memory(&sb.arena_fd, "arena", sb.arena_size);
	for (i = 0; i < RING_QUEUES; i++) {
		sb.kick_fd[i] = eventfd(0, EFD_NONBLOCK);
		sb.call_fd[i] = eventfd(0, EFD_NONBLOCK);
	}
	if (platform_kvm.create(&sb, &err) < 0 || prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0 ||
	    platform_kvm.run(&sb, &exit_fd, &err) < 0) {
		printf("%s\n", err.msg);
		return 1;
	}
	r = (struct report *)(sb.arena + ARENA_FRAMES);
	p[0] = (struct pollfd){ .fd = exit_fd, .events = POLLIN };
	p[1] = (struct pollfd){ .fd = sb.kick_fd[3], .events = POLLIN };
	for (;;) {
		i = poll(p, 2, 60000);
		if (i <= 0) {
			printf("%.*stimeout\n", (int)r->len, r->text);
			return 1;
		}
		if (p[0].revents)
			break;
		if (read(sb.kick_fd[3], &n, 8) == 8 && write(sb.call_fd[3], &(uint64_t){ 1 }, 8) != 8)
			die("call eventfd");
	}
	printf("%.*s", (int)r->len, r->text);
	end = platform_kvm.reap(&sb, &err);
	if (end == 1)
		crash_print((struct crash_record *)(sb.arena + ARENA_CRASH));
	if (end == 2)
		printf("%s\n", err.msg);
	return end || r->failed || !strstr(r->text, "PASSED");
}
