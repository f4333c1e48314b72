/*
 * ram.c - what the platform keeps of RAM, and frames that go back to the host: a hole in the RAM file.
 */
#include "platform/systrap/systrap.h"

#include "abi/boot.h"
#include "host/systrap_fds.h"

/* The image is not in RAM; below are the vDSO page and the device tree. */
paddr_t platform_ram_free(void)
{
	return RAM_PADDR + BOOT_FDT_PADDR + BOOT_FDT_MAX;
}

/* Never asked: the hole is punched right here. */
void (*platform_balloon)(paddr_t pa, u64 len, void (*done)(void *), void *arg);

void ram_release(paddr_t pa, u64 len, void (*done)(void *), void *arg)
{
	BUG_ON(pa + len > RAM_MAX);
	/* FALLOC_FL_KEEP_SIZE | FALLOC_FL_PUNCH_HOLE */
	if (hc4(HC_fallocate, SYSTRAP_FD_RAM, 3, pa - RAM_PADDR, len) < 0)
		__builtin_memset(paddr_to_ptr(pa), 0, len); /* the promise is zeroes */
	done(arg);
}
