/*
 * host_files.c - maps a file, waits until the host has cut it short, and touches it: for host_files.sh.
 *
 *   host_files FILE: prints "mapped", then, after a line of input, what happens at each of some pages and at a read
 */
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

static sigjmp_buf out;

static void on_bus(int sig, siginfo_t *si, void *ctx)
{
	(void)sig;
	(void)ctx;
	siglongjmp(out, si->si_code == BUS_ADRERR ? 1 : 2);
}

static const char *touch(const char *p)
{
	int code = sigsetjmp(out, 1);

	if (code)
		return code == 1 ? "SIGBUS" : "SIGBUS with another code";
	return *(const volatile char *)p ? "data" : "zero";
}

int main(int argc, char **argv)
{
	struct sigaction sa = { .sa_sigaction = on_bus, .sa_flags = SA_SIGINFO };
	int fd = argc > 1 ? open(argv[1], O_RDONLY) : -1;
	struct stat st;
	char buf[8];
	const char *p;

	if (fd < 0 || fstat(fd, &st) < 0)
		return 2;
	p = mmap(NULL, (size_t)st.st_size, PROT_READ, MAP_SHARED, fd, 0);
	if (p == MAP_FAILED)
		return 2;
	sigaction(SIGBUS, &sa, NULL);
	printf("first %s\nmapped\n", touch(p));
	fflush(stdout);
	if (read(0, buf, sizeof(buf)) < 0)
		return 2;
	printf("first %s\n", touch(p));
	printf("before the new end %s\n", touch(p + 599999));
	printf("behind it, same page %s\n", touch(p + 600064));
	printf("next page %s\n", touch(p + 602112));
	printf("last %s\n", touch(p + st.st_size - 1));
	printf("read %s\n", pread(fd, buf, 8, 900000) >= 0 ? "something"
			    : errno == EIO		   ? "EIO"
							   : "another error");
	return 0;
}
