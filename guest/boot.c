/*
 * boot.c - parsing the machine's part of the device tree with libfdt; see boot.h and abi/boot.h for the names.
 */
#include <libfdt.h>
#include <string.h>

#include "abi/boot.h"
#include "boot.h"
#include "lib/log.h"

static const void *property(const void *fdt, const char *node, const char *name, int min_len,
			    int *len)
{
	int n, off = fdt_path_offset(fdt, node);
	const void *p = off < 0 ? NULL : fdt_getprop(fdt, off, name, &n);

	if (!p || n < min_len)
		panic("device tree: %s has no %s", node, name);
	if (len)
		*len = n;
	return p;
}

static u32 get32(const void *fdt, const char *node, const char *name)
{
	return fdt32_ld(property(fdt, node, name, 4, NULL));
}

static u64 get64(const void *fdt, const char *node, const char *name)
{
	return fdt64_ld(property(fdt, node, name, 8, NULL));
}

void boot_parse_machine(const void *fdt, struct boot_info *b)
{
	const fdt64_t *reg;

	if (fdt_check_header(fdt) < 0)
		panic("device tree: bad header");
	if (get32(fdt, "/", "moat,version") != BOOT_VERSION)
		panic("device tree: version %u, want %u", get32(fdt, "/", "moat,version"),
		      BOOT_VERSION);
	reg = property(fdt, "/memory", "reg", 32, NULL);
	b->ram = fdt64_ld(&reg[0]);
	b->ram_size = fdt64_ld(&reg[1]);
	b->arena = fdt64_ld(&reg[2]);
	b->arena_size = fdt64_ld(&reg[3]);
	b->cpus = get32(fdt, "/cpus", "moat,count");
	b->debug = get32(fdt, "/chosen", "moat,debug");
	b->hints = get32(fdt, "/chosen", "moat,hints");
	memcpy(b->trace, property(fdt, "/chosen", "moat,trace", sizeof(b->trace), NULL),
	       sizeof(b->trace));
	b->net = get32(fdt, "/chosen", "moat,net");
	b->dmesg_seed = get32(fdt, "/chosen", "moat,dmesg-seed");
	memcpy(b->seed, property(fdt, "/chosen", "moat,seed", sizeof(b->seed), NULL),
	       sizeof(b->seed));
	b->tsc_hz = get64(fdt, "/clock", "moat,tsc-hz");
	b->tsc = get64(fdt, "/clock", "moat,tsc");
	b->monotonic = get64(fdt, "/clock", "moat,monotonic-ns");
	b->realtime = get64(fdt, "/clock", "moat,realtime-ns");
}
