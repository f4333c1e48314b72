/* mprotect: splitting and merging of areas, W^X flips, errors in Linux's order. */
#include "anon.h"

TEST(errors)
{
	char *p = anon(4);

	CHECK_ERRNO(mprotect(p + 1, PAGE, PROT_READ), EINVAL);
	CHECK_OK(mprotect(p, 0, PROT_READ));
	CHECK_ERRNO(mprotect(p, PAGE, 0x100), EINVAL);
	CHECK_ERRNO(syscall(SYS_mprotect, p, PAGE, PROT_READ | PROT_GROWSUP | PROT_GROWSDOWN),
		    EINVAL);
	CHECK_ERRNO(syscall(SYS_mprotect, p, -1UL, PROT_READ), ENOMEM);
	CHECK_OK(munmap(p + 2 * PAGE, PAGE));
	CHECK_ERRNO(mprotect(p + 2 * PAGE, PAGE, PROT_READ), ENOMEM);
	/* pages before the hole have changed, those behind it have not */
	CHECK_ERRNO(mprotect(p, 4 * PAGE, PROT_READ), ENOMEM);
	CHECK_EQ(FAULT_WRITE(p), SIGSEGV);
	CHECK_EQ(FAULT_WRITE(p + PAGE), SIGSEGV);
	CHECK_EQ(FAULT_WRITE(p + 3 * PAGE), 0);
	CHECK_OK(munmap(p, 4 * PAGE));
}

TEST(split_and_merge)
{
	char *p = anon(16);

	memset(p, 7, 16 * PAGE);
	for (int i = 0; i < 16; i += 2)
		CHECK_OK(mprotect(p + i * PAGE, PAGE, PROT_READ));
	for (int i = 0; i < 16; i++) {
		CHECK_EQ(p[i * PAGE], 7);
		CHECK_EQ(FAULT_WRITE(p + i * PAGE), i & 1 ? 0 : SIGSEGV);
	}
	CHECK_OK(mprotect(p, 16 * PAGE, PROT_NONE));
	for (int i = 0; i < 16; i++)
		CHECK_EQ(FAULT_READ(p + i * PAGE), SIGSEGV);
	CHECK_OK(mprotect(p, 16 * PAGE, RW));
	for (int i = 0; i < 16; i++)
		CHECK_EQ(p[i * PAGE + 100], 7); /* content survives PROT_NONE */
	CHECK_OK(munmap(p, 16 * PAGE));
}

TEST(write_after_read_only)
{
	char *p = anon(1);

	for (int i = 0; i < 200; i++) {
		p[0] = i;
		CHECK_OK(mprotect(p, PAGE, PROT_READ));
		if (i % 50 == 0)
			CHECK_EQ(FAULT_WRITE(p), SIGSEGV);
		CHECK_OK(mprotect(p, PAGE, RW));
		CHECK_EQ(p[0], (char)i);
	}
	CHECK_OK(munmap(p, PAGE));
}

TEST(code_changes_are_seen)
{
	unsigned char *p = (unsigned char *)anon(1);

	for (int i = 0; i < 20; i++) {
		int (*fn)(void);

		CHECK_OK(mprotect(p, PAGE, RW));
		p[0] = 0xb8; /* mov $i, %eax; ret */
		p[1] = i;
		p[2] = p[3] = p[4] = 0;
		p[5] = 0xc3;
		CHECK_OK(mprotect(p, PAGE, PROT_READ | PROT_EXEC));
		fn = (int (*)(void))p;
		CHECK_EQ(fn(), i);
	}
	CHECK_EQ(FAULT_WRITE(p), SIGSEGV);
	CHECK_OK(mprotect(p, PAGE, RW));
	CHECK_EQ(FAULT_EXEC(p), SIGSEGV);
	CHECK_OK(munmap(p, PAGE));
}

TEST(exec_only_syscall_site)
{
	/* A page that the program writes, then runs, and that makes a system call by itself. */
	static const unsigned char code[] = { 0xb8, 39, 0, 0, 0, 0x0f, 0x05, 0xc3 }; /* getpid */
	unsigned char *p = (unsigned char *)anon(1);
	long (*fn)(void) = (long (*)(void))p;

	memcpy(p, code, sizeof(code));
	CHECK_OK(mprotect(p, PAGE, PROT_READ | PROT_EXEC));
	for (int i = 0; i < 100; i++)
		CHECK_EQ(fn(), getpid());
	CHECK_EQ(memcmp(p, code, sizeof(code)), 0); /* a program reads its own code as written */
	CHECK_OK(munmap(p, PAGE));
}

TEST(private_file_read_only_to_write)
{
	char b[4] = "", *p;
	int fd;

	abi_tmpdir();
	fd = abi_file("f", "abc", 0644);
	p = mmap(NULL, PAGE, PROT_READ, MAP_PRIVATE, fd, 0);
	REQUIRE(p != MAP_FAILED);
	CHECK_EQ(p[0], 'a');
	CHECK_OK(mprotect(p, PAGE, RW));
	p[0] = 'X';
	CHECK_EQ(pread(fd, b, 3, 0), 3);
	CHECK_STR(b, "abc");
	CHECK_OK(mprotect(p, PAGE, PROT_READ));
	CHECK_STR(p, "Xbc");
	CHECK_OK(munmap(p, PAGE));
	CHECK_OK(close(fd));
}

TEST(fork_keeps_protection)
{
	char *p = anon(2);

	p[0] = p[PAGE] = 5;
	CHECK_OK(mprotect(p, PAGE, PROT_READ));
	IN_CHILD
	{
		CHECK_EQ(FAULT_WRITE(p), SIGSEGV);
		CHECK_EQ(FAULT_WRITE(p + PAGE), 0);
		CHECK_OK(mprotect(p, PAGE, RW));
		p[0] = 9;
	}
	CHECK_EQ(p[0], 5);
	CHECK_EQ(p[PAGE], 5);
	CHECK_EQ(FAULT_WRITE(p), SIGSEGV);
	CHECK_OK(munmap(p, 2 * PAGE));
}

TEST(grows_down)
{
	char *p = anon(8);

	CHECK_ERRNO(mprotect(p, PAGE, PROT_READ | PROT_GROWSDOWN), EINVAL); /* not such an area */
	CHECK_OK(munmap(p, 8 * PAGE));
}
