// cc: bare
/*
 * The first program that a new kernel can run: no libc, no memory but its stack, only write and
 * exit_group. Looks at what execve leaves (stack layout, registers) and what SYSCALL keeps.
 */
#define SYS_write      1
#define SYS_getpid     39
#define SYS_exit_group 231
#define EBADF	       9
#define ENOSYS	       38

static int passed, failed;

static long sys3(long n, long a, long b, long c)
{
	long r;

	__asm__ volatile("syscall"
			 : "=a"(r)
			 : "a"(n), "D"(a), "S"(b), "d"(c)
			 : "rcx", "r11", "memory");
	return r;
}

static unsigned long len(const char *s)
{
	unsigned long n = 0;

	while (s[n])
		n++;
	return n;
}

static void say(const char *s)
{
	sys3(SYS_write, 1, (long)s, len(s));
}

static void say_num(long n)
{
	char b[24], *p = b + sizeof(b);
	int neg = n < 0;

	if (neg)
		n = -n;
	*--p = 0;
	do
		*--p = '0' + n % 10;
	while (n /= 10);
	if (neg)
		*--p = '-';
	say(p);
}

static void check(int ok, const char *what)
{
	if (ok) {
		passed++;
		return;
	}
	failed++;
	say("FAIL ");
	say(what);
	say("\n");
}

/* r8-r10, rbx, rbp, r12-r15, rdi, rsi, rdx survive; rcx is the return address, r11 the flags. */
static int registers_survive(void)
{
	register long r8 __asm__("r8") = 0x1818, r9 __asm__("r9") = 0x1919,
			 r10 __asm__("r10") = 0x1010;
	register long r12 __asm__("r12") = 0x1212, r13 __asm__("r13") = 0x1313;
	register long r14 __asm__("r14") = 0x1414, r15 __asm__("r15") = 0x1515;
	long rax = SYS_getpid, rcx, rdi = 0x7777, rsi = 0x6666, rdx = 0x5555, next, r11;

	__asm__ volatile("lea 1f(%%rip), %[next]\n\tsyscall\n1:\tmov %%r11, %[r11]"
			 : "+a"(rax), "=c"(rcx), "+D"(rdi), "+S"(rsi), "+d"(rdx), "+r"(r8),
			   "+r"(r9), "+r"(r10), "+r"(r12), "+r"(r13), "+r"(r14),
			   "+r"(r15), [next] "=&b"(next), [r11] "=m"(r11)
			 :
			 : "r11", "memory");
	return rax > 0 && rcx == next && (r11 & 2) && rdi == 0x7777 && rsi == 0x6666 &&
	       rdx == 0x5555 && r8 == 0x1818 && r9 == 0x1919 && r10 == 0x1010 && r12 == 0x1212 &&
	       r13 == 0x1313 && r14 == 0x1414 && r15 == 0x1515;
}

__attribute__((used)) void start(long *sp)
{
	long argc = sp[0], *auxv;
	char **argv = (char **)(sp + 1), **envp = argv + argc + 1;
	int pagesz = 0, random = 0, entry = 0, phdr = 0, execfn = 0;

	check(((unsigned long)sp & 15) == 0, "stack is 16-byte aligned at entry");
	check(argc >= 1 && argv[0] && argv[0][0], "argv[0] is there");
	check(argv[argc] == 0, "argv ends with NULL");
	while (*envp)
		envp++;
	for (auxv = (long *)(envp + 1); auxv[0]; auxv += 2) {
		switch (auxv[0]) {
		case 3: phdr = auxv[1] != 0; break;
		case 6: pagesz = auxv[1]; break;
		case 9: entry = auxv[1] != 0; break;
		case 25:
			random = *(char *)auxv[1] || 1; /* must be readable */
			break;
		case 31: execfn = len((char *)auxv[1]) > 0; break;
		}
	}
	check(pagesz == 4096, "AT_PAGESZ is 4096");
	check(phdr && entry && random && execfn,
	      "AT_PHDR, AT_ENTRY, AT_RANDOM, AT_EXECFN are there");
	check(registers_survive(), "SYSCALL keeps all but rax, rcx, r11");
	check(sys3(SYS_write, 1, 0, 0) == 0, "write of nothing");
	check(sys3(SYS_write, 999999, (long)argv[0], 1) == -EBADF,
	      "write to no descriptor is EBADF");
	check(sys3(SYS_write, -1, (long)argv[0], 1) == -EBADF, "write to -1 is EBADF");
	check(sys3(100000, 0, 0, 0) == -ENOSYS, "unknown system call is ENOSYS");
	check(sys3(-1, 0, 0, 0) == -ENOSYS, "system call -1 is ENOSYS");
	say_num(passed);
	say(" passed, ");
	say_num(failed);
	say(" failed, 0 skipped\n");
	sys3(SYS_exit_group, failed != 0, 0, 0);
	__builtin_unreachable();
}

__asm__(".globl _start\n_start:\txor %ebp, %ebp\n\tmov %rsp, %rdi\n\tand $-16, %rsp\n\tcall start\n");
