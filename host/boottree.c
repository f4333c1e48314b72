/*
 * boottree.c - see boottree.h.
 */
#include <errno.h>
#include <libfdt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/resource.h>
#include <time.h>
#include <x86intrin.h>

#include "host/boottree.h"
#include "host/error.h"
#include "host/systrap_fds.h"

#define SAMPLE_GAP_NS 1000000 /* 30 ns of reading error in 1 ms: 30 ppm until the first CTL_TIME */
#define FDT_FIRST     16384   /* bytes: the tree of most programs fits */

static uint64_t now_ns(clockid_t clock)
{
	struct timespec ts;

	clock_gettime(clock, &ts);
	return (uint64_t)ts.tv_sec * 1000000000 + (uint64_t)ts.tv_nsec;
}

/* The reading whose two TSC values lie closest wins: it was not interrupted. */
void clock_sample(struct clock_sample *s)
{
	uint64_t best = ~0ULL;

	for (int i = 0; i < 5; i++) {
		uint64_t a = __rdtsc(), mono = now_ns(CLOCK_MONOTONIC), b = __rdtsc();

		if (b - a < best) {
			best = b - a;
			s->tsc = a + (b - a) / 2;
			s->mono = mono;
		}
	}
}

uint64_t clock_tsc_hz(const struct clock_sample *from, const struct clock_sample *to)
{
	return (uint64_t)((unsigned __int128)(to->tsc - from->tsc) * 1000000000 /
			  (to->mono - from->mono));
}

/* All of these remember the first error in *rc, so that the tree is written without a check per line. */
struct tree {
	void *fdt;
	int rc;
};

static void check(struct tree *t, int rc)
{
	if (rc < 0 && !t->rc)
		t->rc = rc;
}

static void begin(struct tree *t, const char *name)
{
	check(t, fdt_begin_node(t->fdt, name));
}

static void end(struct tree *t)
{
	check(t, fdt_end_node(t->fdt));
}

static void u32(struct tree *t, const char *name, uint32_t v)
{
	check(t, fdt_property_u32(t->fdt, name, v));
}

static void u64(struct tree *t, const char *name, uint64_t v)
{
	check(t, fdt_property_u64(t->fdt, name, v));
}

static void u64s(struct tree *t, const char *name, const uint64_t *v, int n)
{
	fdt64_t be[64];

	for (int i = 0; i < n; i++)
		be[i] = cpu_to_fdt64(v[i]);
	check(t, fdt_property(t->fdt, name, be, n * 8));
}

static void fd_range(struct tree *t, const char *name, uint32_t first)
{
	fdt32_t be[RING_QUEUES];

	for (uint32_t i = 0; i < RING_QUEUES; i++)
		be[i] = cpu_to_fdt32(first + i);
	check(t, fdt_property(t->fdt, name, be, sizeof(be)));
}

static void string(struct tree *t, const char *name, const char *v)
{
	check(t, fdt_property_string(t->fdt, name, v));
}

/* A string list: the strings with their NULs, one after the other. */
static void strings(struct tree *t, const char *name, char **v)
{
	size_t len = 0, at = 0;
	void *p;

	for (char **s = v; *s; s++)
		len += strlen(*s) + 1;
	check(t, len > BOOT_FDT_MAX ? -FDT_ERR_NOSPACE
				    : fdt_property_placeholder(t->fdt, name, (int)len, &p));
	if (t->rc)
		return;
	for (char **s = v; *s; s++) {
		memcpy((char *)p + at, *s, strlen(*s) + 1);
		at += strlen(*s) + 1;
	}
}

static void mounts(struct tree *t, const struct container_spec *spec)
{
	char name[16];

	begin(t, "mounts");
	for (unsigned i = 0; i < spec->nmounts; i++) {
		const struct mount_spec *m = &spec->mounts[i];

		snprintf(name, sizeof(name), "%u", i);
		begin(t, name);
		string(t, "destination", m->destination);
		string(t, "type", m->type);
		string(t, "source", m->source ? m->source : m->type);
		if (m->data)
			string(t, "data", m->data);
		if (m->attach)
			string(t, "attach", m->attach);
		u64(t, "flags", m->flags);
		u64(t, "propagation", m->propagation);
		u32(t, "options", m->options);
		end(t);
	}
	end(t);
}

static void container(struct tree *t, const struct container_spec *spec)
{
	uint64_t limits[RLIM_NLIMITS * 3];
	int n = 0;

	begin(t, "container");
	strings(t, "argv", spec->argv);
	strings(t, "envp", spec->envp);
	string(t, "cwd", spec->cwd);
	string(t, "hostname", spec->hostname);
	u32(t, "uid", spec->uid);
	u32(t, "gid", spec->gid);
	u64(t, "caps", spec->caps);
	u32(t, "umask", spec->umask);
	u32(t, "tty", spec->tty);
	u32(t, "rows", spec->rows);
	u32(t, "cols", spec->cols);
	u64(t, "memory-limit", spec->memory);
	u32(t, "root-rw", spec->root_rw);
	u32(t, "overlay", spec->overlay);
	u64(t, "overlay-size", spec->overlay_size);
	u64(t, "cpu-quota", spec->cpu_quota);
	u64(t, "cpu-period", spec->cpu_period);
	u64(t, "pids-max", spec->pids_max);
	u32(t, "root-readonly", spec->root_readonly);
	for (int r = 0; r < RLIM_NLIMITS; r++) {
		struct rlimit lim;

		if (getrlimit(r, &lim) < 0)
			continue;
		limits[n++] = (uint64_t)r;
		limits[n++] = lim.rlim_cur;
		limits[n++] = lim.rlim_max;
	}
	u64s(t, "rlimits", limits, n);
	mounts(t, spec);
	end(t);
}

/* The tree in `size` bytes of the sandbox's memory; 0 or libfdt's error. */
static int build(struct sandbox *sb, const struct container_spec *spec,
		 const struct clock_sample *start, const unsigned char seed[64], int size)
{
	struct tree t = { sb->ram + BOOT_FDT_PADDR, 0 };
	struct clock_sample now;

	check(&t, fdt_create(t.fdt, size));
	check(&t, fdt_finish_reservemap(t.fdt));
	begin(&t, "");
	string(&t, "compatible", "moat,sandbox");
	u32(&t, "moat,version", BOOT_VERSION);

	begin(&t, "memory");
	u64s(&t, "reg", (uint64_t[]){ RAM_PADDR, sb->ram_size, ARENA_PADDR, sb->arena_size }, 4);
	end(&t);
	begin(&t, "cpus");
	u32(&t, "moat,count", sb->cpus);
	end(&t);
	begin(&t, "chosen");
	check(&t, fdt_property(t.fdt, "moat,seed", seed, 64));
	u32(&t, "moat,debug", sb->debug);
	u32(&t, "moat,hints", sb->hints);
	check(&t, fdt_property(t.fdt, "moat,trace", sb->trace, sizeof(sb->trace)));
	u32(&t, "moat,net", sb->net.wanted && sb->net.fd >= 0);
	u32(&t, "moat,dmesg-seed", (uint32_t)seed[0] | (uint32_t)seed[1] << 8);
	end(&t);
	begin(&t, "systrap");
	u32(&t, "moat,ram-fd", SYSTRAP_FD_RAM);
	u32(&t, "moat,arena-fd", SYSTRAP_FD_ARENA);
	fd_range(&t, "moat,kick-fds", SYSTRAP_FD_KICK);
	fd_range(&t, "moat,call-fds", SYSTRAP_FD_CALL);
	end(&t);
	container(&t, spec);

	do {
		clock_sample(&now);
	} while (now.mono - start->mono < SAMPLE_GAP_NS);
	begin(&t, "clock");
	u64(&t, "moat,tsc-hz", clock_tsc_hz(start, &now));
	u64(&t, "moat,tsc", now.tsc);
	u64(&t, "moat,monotonic-ns", now.mono);
	u64(&t, "moat,realtime-ns", now.mono + (now_ns(CLOCK_REALTIME) - now_ns(CLOCK_MONOTONIC)));
	end(&t);

	end(&t);
	check(&t, fdt_finish(t.fdt));
	return t.rc;
}

int boottree_build(struct sandbox *sb, const struct container_spec *spec,
		   const struct clock_sample *start, struct error *err)
{
	unsigned char seed[64];
	int size = FDT_FIRST, rc;

	if (getrandom(seed, sizeof(seed), 0) != sizeof(seed))
		return error_errno(err, "getrandom");
	/* libfdt clears the whole buffer, which stays the sandbox's memory for ever: begin with a small one. */
	for (;;) {
		rc = build(sb, spec, start, seed, size);
		if (rc != -FDT_ERR_NOSPACE || size == (int)BOOT_FDT_MAX)
			break;
		size = size * 4 < (int)BOOT_FDT_MAX ? size * 4 : (int)BOOT_FDT_MAX;
	}
	explicit_bzero(seed, sizeof(seed));
	if (rc == -FDT_ERR_NOSPACE)
		return error_set(err, E2BIG, "arguments and environment are longer than %llu KiB",
				 BOOT_FDT_MAX >> 10);
	if (rc)
		return error_set(err, EINVAL, "device tree: %s", fdt_strerror(rc));
	return 0;
}
