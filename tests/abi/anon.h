/* Private memory of whole pages, for the tests of mappings. */
#ifndef ABI_ANON_H
#define ABI_ANON_H

#include "abi_fault.h"

#define RW (PROT_READ | PROT_WRITE)

static char *anon(size_t pages)
{
	char *p = mmap(NULL, pages * PAGE, RW, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (p == MAP_FAILED)
		ABI_FAIL("mmap: %s", abi_errname(errno));
	return p;
}

#endif
