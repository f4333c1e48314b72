/*
 * ram.c - frames that go back to the host: a hole in the RAM file.
 */
#include "platform/systrap/systrap.h"

#include "abi/boot.h"
#include "host/systrap_fds.h"

void ram_release(paddr_t pa, u64 len, void (*done)(void *), void *arg)
{
	BUG_ON(pa + len > RAM_MAX);
	/* FALLOC_FL_KEEP_SIZE | FALLOC_FL_PUNCH_HOLE */
	if (hc4(HC_fallocate, SYSTRAP_FD_RAM, 3, pa - RAM_PADDR, len) < 0)
		__builtin_memset(paddr_to_ptr(pa), 0, len); /* the promise is zeroes */
	done(arg);
}
