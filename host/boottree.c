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
#include "host/channel.h"
#include "host/clock.h"
#include "host/error.h"
#include "host/systrap_fds.h"

#define SAMPLE_GAP_NS 1000000 /* 30 ns of reading error in 1 ms: 30 ppm until the first CTL_TIME */
#define FDT_FIRST     16384   /* bytes: the tree of most programs fits */

/* The reading whose two TSC values lie closest wins: it was not interrupted. */
void clock_sample(struct clock_sample *s)
{
	uint64_t best = ~0ULL;

	for (int i = 0; i < 5; i++) {
		uint64_t a = __rdtsc(), mono = clock_now_ns(CLOCK_MONOTONIC), b = __rdtsc();

		if (b - a < best) {
			best = b - a;
			s->tsc = a + (b - a) / 2;
			s->mono = mono;
		}
	}
}

static uint64_t clock_tsc_hz(const struct clock_sample *from, const struct clock_sample *to)
{
	return (uint64_t)((unsigned __int128)(to->tsc - from->tsc) * 1000000000 /
			  (to->mono - from->mono));
}

/* All of these remember the first error in *rc, so that the tree is written without a check per line. */
struct tree {
	void *fdt;
	int rc;
	uint64_t nofile; /* the caller's soft RLIMIT_NOFILE; 0: ours */
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
	check(t, len > BOOT_SPEC_MAX ? -FDT_ERR_NOSPACE
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

static void devices(struct tree *t, const struct container_spec *spec)
{
	char name[16];

	begin(t, "devices");
	for (unsigned i = 0; i < spec->ndevices; i++) {
		const struct device_spec *d = &spec->devices[i];

		snprintf(name, sizeof(name), "%u", i);
		begin(t, name);
		string(t, "path", d->path);
		u32(t, "mode", d->mode);
		u32(t, "major", d->major);
		u32(t, "minor", d->minor);
		u32(t, "uid", d->uid);
		u32(t, "gid", d->gid);
		end(t);
	}
	end(t);
}

static void hooks(struct tree *t, const struct container_spec *spec)
{
	char name[16];

	begin(t, "hooks");
	for (unsigned i = 0; i < spec->nhooks; i++) {
		const struct hook_spec *h = &spec->hooks[i];

		snprintf(name, sizeof(name), "%u", i);
		begin(t, name);
		string(t, "path", h->path);
		strings(t, "argv", h->argv);
		strings(t, "envp", h->envp);
		u32(t, "timeout", h->timeout);
		end(t);
	}
	end(t);
}

/* Each resource, its soft and its hard limit; without a list of the spec's own, the caller's. */
static void rlimits(struct tree *t, const struct container_spec *spec)
{
	uint64_t limits[RLIM_NLIMITS * 3];
	struct rlimit lim;
	int n = 0;

	for (unsigned i = 0; i < spec->nrlimits && n < RLIM_NLIMITS * 3; i++) {
		limits[n++] = (uint64_t)spec->rlimits[i].resource;
		limits[n++] = spec->rlimits[i].soft;
		limits[n++] = spec->rlimits[i].hard;
	}
	for (int r = 0; !spec->rlimits && r < RLIM_NLIMITS; r++) {
		if (getrlimit(r, &lim) < 0)
			continue;
		limits[n++] = (uint64_t)r;
		limits[n++] = r == RLIMIT_NOFILE && t->nofile ? t->nofile : lim.rlim_cur;
		limits[n++] = lim.rlim_max;
	}
	u64s(t, "rlimits", limits, n);
}

static void user(struct tree *t, const struct container_spec *spec)
{
	const struct cap_sets *c = spec->capsets;
	void *p;

	u32(t, "uid", spec->uid);
	u32(t, "gid", spec->gid);
	check(t, fdt_property_placeholder(t->fdt, "groups", (int)(spec->ngroups * 4), &p));
	for (unsigned i = 0; !t->rc && i < spec->ngroups; i++)
		fdt32_st((fdt32_t *)p + i, spec->groups[i]);
	u64(t, "caps", spec->caps);
	if (c) {
		u64(t, "caps-bounding", c->bounding);
		u64(t, "caps-effective", c->effective);
		u64(t, "caps-inheritable", c->inheritable);
		u64(t, "caps-permitted", c->permitted);
		u64(t, "caps-ambient", c->ambient);
	}
	u32(t, "no-new-privs", spec->no_new_privs);
	if (spec->seccomp) {
		check(t, fdt_property(t->fdt, "seccomp", spec->seccomp, (int)spec->seccomp_len));
		u32(t, "seccomp-flags", spec->seccomp_flags);
	}
}

static void container(struct tree *t, const struct container_spec *spec)
{
	static char *none[] = { NULL };

	begin(t, "container");
	strings(t, "argv", spec->argv);
	strings(t, "envp", spec->envp ? spec->envp : none);
	string(t, "cwd", spec->cwd ? spec->cwd : "/");
	string(t, "hostname", spec->hostname ? spec->hostname : "");
	if (spec->domainname)
		string(t, "domainname", spec->domainname);
	u32(t, "own-namespaces", spec->own_namespaces);
	user(t, spec);
	u32(t, "umask", spec->umask);
	u32(t, "tty", spec->tty);
	u32(t, "rows", spec->rows);
	u32(t, "cols", spec->cols);
	u32(t, "oom-score-adj", (uint32_t)spec->oom_score_adj);
	u32(t, "wait-start", spec->wait_start);
	u32(t, "sched-policy", (uint32_t)spec->sched_policy);
	u32(t, "sched-priority", (uint32_t)spec->sched_priority);
	u32(t, "sched-reset", spec->sched_reset);
	u32(t, "nice", (uint32_t)spec->nice);
	u64(t, "memory-limit", spec->memory);
	u32(t, "root-rw", spec->root_rw);
	u32(t, "overlay", spec->overlay);
	u64(t, "overlay-size", spec->overlay_size);
	u64(t, "overlay-used", spec->overlay_used);
	u64(t, "cpu-quota", spec->cpu_quota);
	u64(t, "cpu-period", spec->cpu_period);
	u64(t, "pids-max", spec->pids_max);
	u32(t, "root-readonly", spec->root_readonly);
	strings(t, "sysctl", spec->sysctl ? spec->sysctl : none);
	if (spec->state)
		string(t, "state", spec->state);
	rlimits(t, spec);
	mounts(t, spec);
	if (spec->ndevices)
		devices(t, spec);
	if (spec->nhooks)
		hooks(t, spec);
	end(t);
}

/* The tree in `size` bytes of the sandbox's memory; 0 or libfdt's error. */
static int build(struct sandbox *sb, const struct container_spec *spec,
		 const struct clock_sample *start, const unsigned char seed[64], int size)
{
	struct tree t = { sb->ram + BOOT_FDT_PADDR, 0, sb->nofile };
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
	u32(&t, "moat,net", sb->net.attached);
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
	u64(&t, "moat,realtime-ns",
	    now.mono + (clock_now_ns(CLOCK_REALTIME) - clock_now_ns(CLOCK_MONOTONIC)));
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

static int spec_tree(void *buf, int size, const struct container_spec *spec)
{
	struct tree t = { buf, 0, 0 };

	check(&t, fdt_create(buf, size));
	check(&t, fdt_finish_reservemap(buf));
	begin(&t, "");
	container(&t, spec);
	end(&t);
	check(&t, fdt_finish(buf));
	return t.rc;
}

int boottree_memfd(const struct container_spec *spec, struct error *err)
{
	int size = FDT_FIRST / 4, rc = -FDT_ERR_NOSPACE, fd = -1;
	void *buf = NULL;

	while (rc == -FDT_ERR_NOSPACE && size < (int)BOOT_SPEC_MAX) {
		free(buf);
		size *= 4;
		buf = malloc((size_t)size);
		if (!buf)
			return error_set(err, ENOMEM, "out of memory");
		rc = spec_tree(buf, size, spec);
	}
	if (rc == 0)
		fd = chan_memfd("moat-spec", buf, fdt_totalsize(buf), err);
	else if (rc == -FDT_ERR_NOSPACE)
		error_set(err, E2BIG, "arguments and environment are too long");
	else
		error_set(err, EINVAL, "device tree: %s", fdt_strerror(rc));
	free(buf);
	return fd;
}
