/*
 * systrap.c - the hostile image on systrap: a process with the Sentry's descriptors.
 */
#include "abi/boot.h"
#include "abi/ring.h"
#include "host/systrap_fds.h"
#include "tests/guest/hostile/hostile.h"

#define NR_READ	      0
#define NR_WRITE      1
#define NR_LSEEK      8
#define NR_MMAP	      9
#define NR_EXIT_GROUP 231

__asm__("	.section .text.start, \"ax\"\n"
	"	.globl _start\n"
	"_start:\n"
	"	xor %ebp, %ebp\n"
	"	and $-16, %rsp\n"
	"	call hostile_start\n"
	"	ud2\n"
	"	.text\n");

void hostile_start(void);

static long host(long nr, long a, long b, long c, long d, long e, long f)
{
	register long r10 __asm__("r10") = d;
	register long r8 __asm__("r8") = e;
	register long r9 __asm__("r9") = f;
	long ret;

	__asm__ volatile("syscall"
			 : "=a"(ret)
			 : "a"(nr), "D"(a), "S"(b), "d"(c), "r"(r10), "r"(r8), "r"(r9)
			 : "rcx", "r11", "memory");
	return ret;
}

static void bell(unsigned queue)
{
	uint64_t one = 1;

	host(NR_WRITE, SYSTRAP_FD_KICK + (long)queue, (long)&one, sizeof(one), 0, 0, 0);
}

static void end(long status)
{
	for (;;)
		host(NR_EXIT_GROUP, status, 0, 0, 0, 0, 0);
}

static void halt(void)
{
	end(0);
}

static void crash(void)
{
	end(1);
}

static uint8_t *map(long fd, long size)
{
	return (uint8_t *)host(NR_MMAP, 0, size, 3 /* read, write */, 1 /* shared */, fd, 0);
}

void hostile_start(void)
{
	struct machine m = { .bell = bell, .halt = halt, .crash = crash };
	uint64_t go;

	m.arena_size = (uint64_t)host(NR_LSEEK, SYSTRAP_FD_ARENA, 0, 2, 0, 0, 0);
	m.arena = map(SYSTRAP_FD_ARENA, (long)m.arena_size);
	m.boot_tree = map(SYSTRAP_FD_RAM, BOOT_FDT_PADDR + BOOT_FDT_MAX) + BOOT_FDT_PADDR;
	host(NR_READ, SYSTRAP_FD_START, (long)&go, sizeof(go), 0, 0, 0);
	hostile_main(&m);
}
