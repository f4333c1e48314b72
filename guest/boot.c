/*
 * boot.c - parsing the device tree with libfdt; see boot.h and abi/boot.h for the names.
 */
#include <libfdt.h>
#include <string.h>

#include "abi/boot.h"
#include "boot.h"
#include "fs/vfs.h"
#include "lib/log.h"
#include "mm/slab.h"

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

static void *need(void *p)
{
	if (!p)
		panic("out of memory at boot");
	return p;
}

/* A string list property as a NULL-ended vector; one allocation for the strings, one for the vector. */
static char **strings(const void *fdt, const char *name)
{
	int len, n = 0;
	const char *list = property(fdt, "/container", name, 0, &len);
	char *copy = need(kmalloc((size_t)len + 1)), **v;

	memcpy(copy, list, (size_t)len);
	copy[len] = 0;
	for (int i = 0; i < len; i += (int)strlen(copy + i) + 1)
		n++;
	v = need(kzalloc(((size_t)n + 1) * sizeof(*v)));
	for (int i = 0, k = 0; i < len; i += (int)strlen(copy + i) + 1)
		v[k++] = copy + i;
	return v;
}

/* A string property of the node at off, in the heap; NULL if it has none. */
static char *text_at(const void *fdt, int off, const char *name)
{
	int len;
	const char *p = fdt_getprop(fdt, off, name, &len);

	if (!p || len < 1 || p[len - 1])
		return NULL;
	return need(kstrdup(p));
}

static u64 number_at(const void *fdt, int off, const char *name)
{
	int len;
	const void *p = fdt_getprop(fdt, off, name, &len);

	return p && len == 8 ? fdt64_ld(p) : p && len == 4 ? fdt32_ld(p) : 0;
}

static void mounts(const void *fdt, struct boot_info *b)
{
	int top = fdt_path_offset(fdt, "/container/mounts"), off;

	b->nmounts = 0;
	if (top < 0)
		return;
	fdt_for_each_subnode(off, fdt, top) b->nmounts++;
	b->mounts = need(kzalloc((b->nmounts + 1) * sizeof(*b->mounts)));
	b->nmounts = 0;
	fdt_for_each_subnode(off, fdt, top)
	{
		struct fs_mount *m = &b->mounts[b->nmounts++];

		m->destination = text_at(fdt, off, "destination");
		m->type = text_at(fdt, off, "type");
		m->source = text_at(fdt, off, "source");
		m->data = text_at(fdt, off, "data");
		m->attach = text_at(fdt, off, "attach");
		m->flags = number_at(fdt, off, "flags");
		m->propagation = number_at(fdt, off, "propagation");
		m->options = (u32)number_at(fdt, off, "options");
		if (!m->destination || !m->type || !m->source)
			panic("device tree: mount %u is not whole", b->nmounts - 1);
	}
}

void boot_parse_container(const void *fdt, struct boot_info *b)
{
	static const char node[] = "/container";
	const fdt64_t *lim;
	int len;

	b->argv = strings(fdt, "argv");
	b->envp = strings(fdt, "envp");
	b->cwd = need(kstrdup(property(fdt, node, "cwd", 1, NULL)));
	b->hostname = need(kstrdup(property(fdt, node, "hostname", 1, NULL)));
	b->uid = get32(fdt, node, "uid");
	b->gid = get32(fdt, node, "gid");
	b->umask = get32(fdt, node, "umask");
	b->caps = get64(fdt, node, "caps");
	b->memory_limit = get64(fdt, node, "memory-limit");
	b->tty = get32(fdt, node, "tty");
	b->root_rw = get32(fdt, node, "root-rw");
	b->overlay = get32(fdt, node, "overlay");
	b->overlay_size = get64(fdt, node, "overlay-size");
	b->root_readonly = get32(fdt, node, "root-readonly");
	b->cpu_quota = number_at(fdt, fdt_path_offset(fdt, node), "cpu-quota");
	b->cpu_period = number_at(fdt, fdt_path_offset(fdt, node), "cpu-period");
	b->pids_max = number_at(fdt, fdt_path_offset(fdt, node), "pids-max");
	mounts(fdt, b);
	b->rows = (u16)get32(fdt, node, "rows");
	b->cols = (u16)get32(fdt, node, "cols");
	lim = property(fdt, node, "rlimits", 0, &len);
	for (int i = 0; i + 24 <= len && b->nrlimits < BOOT_RLIMITS; i += 24, lim += 3) {
		b->rlimits[b->nrlimits].resource = (u32)fdt64_ld(&lim[0]);
		b->rlimits[b->nrlimits].cur = fdt64_ld(&lim[1]);
		b->rlimits[b->nrlimits].max = fdt64_ld(&lim[2]);
		b->nrlimits++;
	}
}
