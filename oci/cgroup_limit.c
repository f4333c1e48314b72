/*
 * cgroup_limit.c - linux.resources as values of cgroup files, v1 and v2; cgroup.h. Conversions between the two are those of
 * the OCI specification's authors (config-linux.md) and of systemd, which engines expect.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "oci/cgroup_priv.h"

struct writer {
	const struct cgroup *g;
	void (*warn)(const char *line);
	struct error *err;
};

static const struct cgroup_dir *dir_of(const struct writer *w, unsigned controller)
{
	for (size_t i = 0; i < w->g->n; i++)
		if (w->g->dirs[i].controllers & 1u << controller)
			return &w->g->dirs[i];
	return NULL;
}

/* Is there a controller for what was asked? Says so if not. */
static const struct cgroup_dir *need(const struct writer *w, unsigned controller, const char *what)
{
	const struct cgroup_dir *d = dir_of(w, controller);
	char line[160];

	if (!d && w->warn) {
		snprintf(line, sizeof(line),
			 "%s: not enforced on this host: no %s cgroup controller", what,
			 cgroup_controllers[controller]);
		w->warn(line);
	}
	return d;
}

static int put(const struct writer *w, const struct cgroup_dir *d, const char *file,
	       const char *value)
{
	if (cgroup_write(d->path, file, value) == 0)
		return 0;
	return error_errno(w->err, "write '%.40s' to %s/%s", value, d->path, file);
}

/* -1: no limit. */
static int put_limit(const struct writer *w, const struct cgroup_dir *d, const char *file,
		     int64_t v)
{
	char text[32];

	snprintf(text, sizeof(text), "%" PRId64, v);
	return put(w, d, file, v >= 0 ? text : d->v2 ? "max" : "-1");
}

/* v1 says memory plus swap, and wants it above the memory limit at every moment: the order depends on the direction. */
static int v1_memory(const struct writer *w, const struct cgroup_dir *d, const struct oci_memory *m)
{
	bool swap = m->swap.set && m->swap.value;

	if (m->limit.set && m->limit.value &&
	    cgroup_write(d->path, "memory.memsw.limit_in_bytes", "-1") < 0 && swap) {
		if (errno == ENOENT || errno == EACCES)
			swap = false; /* swap accounting is off */
	}
	if (m->limit.set && m->limit.value &&
	    put_limit(w, d, "memory.limit_in_bytes", m->limit.value) < 0)
		return -1;
	if (swap && put_limit(w, d, "memory.memsw.limit_in_bytes", m->swap.value) < 0)
		return -1;
	if (m->reservation.set &&
	    put_limit(w, d, "memory.soft_limit_in_bytes", m->reservation.value) < 0)
		return -1;
	if (m->swappiness.set && put_limit(w, d, "memory.swappiness", m->swappiness.value) < 0)
		return -1;
	return 0;
}

/* v2 says swap alone. */
static int v2_memory(const struct writer *w, const struct cgroup_dir *d, const struct oci_memory *m)
{
	if (m->limit.set && m->limit.value && put_limit(w, d, "memory.max", m->limit.value) < 0)
		return -1;
	if (m->swap.set && m->swap.value) {
		int64_t swap = m->swap.value < 0 ? -1 : m->swap.value - m->limit.value;

		if (swap < -1)
			return error_set(w->err, EINVAL,
					 "linux.resources.memory.swap: is below memory.limit");
		if (put_limit(w, d, "memory.swap.max", swap) < 0 && w->err->err != ENOENT)
			return -1;
	}
	if (m->reservation.set && put_limit(w, d, "memory.low", m->reservation.value) < 0)
		return -1;
	return 0;
}

static int limit_memory(const struct writer *w, const struct oci_memory *m)
{
	const struct cgroup_dir *d;

	if (!(m->limit.set && m->limit.value) && !(m->swap.set && m->swap.value) &&
	    !m->reservation.set && !m->swappiness.set)
		return 0;
	d = need(w, CG_MEMORY, "linux.resources.memory");
	if (!d)
		return 0;
	return d->v2 ? v2_memory(w, d, m) : v1_memory(w, d, m);
}

/* 2..262144 shares, default 1024, to 1..10000 of weight, default 100: as systemd and the kubelet convert. */
static int64_t cpu_weight(int64_t shares)
{
	if (shares < 2)
		shares = 2;
	if (shares > 262144)
		shares = 262144;
	return 1 + (shares - 2) * 9999 / 262142;
}

static int v2_cpu_max(const struct writer *w, const struct cgroup_dir *d, const struct oci_cpu *c)
{
	int64_t period = c->period.set && c->period.value ? c->period.value : 100000;
	char text[64];

	if (c->quota.set && c->quota.value > 0)
		snprintf(text, sizeof(text), "%" PRId64 " %" PRId64, c->quota.value, period);
	else
		snprintf(text, sizeof(text), "max %" PRId64, period);
	return put(w, d, "cpu.max", text);
}

/* Shares, quota and period of 0 mean "not said". */
static int limit_cpu(const struct writer *w, const struct oci_cpu *c)
{
	bool shares = c->shares.set && c->shares.value, period = c->period.set && c->period.value;
	bool quota = c->quota.set && c->quota.value;
	const struct cgroup_dir *d;

	if (!shares && !period && !quota && !(c->burst.set && c->burst.value) && !c->idle.set)
		return 0;
	d = need(w, CG_CPU, "linux.resources.cpu");
	if (!d)
		return 0;
	if (shares && put_limit(w, d, d->v2 ? "cpu.weight" : "cpu.shares",
				d->v2 ? cpu_weight(c->shares.value) : c->shares.value) < 0)
		return -1;
	if (c->idle.set && put_limit(w, d, "cpu.idle", c->idle.value) < 0)
		return -1;
	if (d->v2 && (quota || period) && v2_cpu_max(w, d, c) < 0)
		return -1;
	/* The kernel checks quota against period: while one is being replaced the other may not fit yet. */
	if (!d->v2 && period && put_limit(w, d, "cpu.cfs_period_us", c->period.value) < 0) {
		if (w->err->err != EINVAL || !quota ||
		    put_limit(w, d, "cpu.cfs_quota_us", c->quota.value) < 0 ||
		    put_limit(w, d, "cpu.cfs_period_us", c->period.value) < 0)
			return -1;
	}
	if (!d->v2 && quota && put_limit(w, d, "cpu.cfs_quota_us", c->quota.value) < 0)
		return -1;
	if (c->burst.set && c->burst.value &&
	    put_limit(w, d, d->v2 ? "cpu.max.burst" : "cpu.cfs_burst_us", c->burst.value) < 0)
		return -1;
	return 0;
}

static int limit_cpuset(const struct writer *w, const struct oci_cpu *c)
{
	const struct cgroup_dir *d;

	if (!(c->cpus && *c->cpus) && !(c->mems && *c->mems))
		return 0;
	d = need(w, CG_CPUSET, "linux.resources.cpu.cpus");
	if (!d)
		return 0;
	if (c->cpus && *c->cpus && put(w, d, "cpuset.cpus", c->cpus) < 0)
		return -1;
	return c->mems && *c->mems ? put(w, d, "cpuset.mems", c->mems) : 0;
}

/* Each task of the application may be a process of the host (systrap): twice as many, and ours. */
static int limit_pids(const struct writer *w, const struct oci_pids *p, int64_t extra)
{
	const struct cgroup_dir *d;

	if (!p->limit.set || !p->limit.value)
		return 0;
	d = need(w, CG_PIDS, "linux.resources.pids");
	if (!d)
		return 0;
	if (p->limit.value < 0)
		return put(w, d, "pids.max", "max"); /* v1's word, too */
	return put_limit(w, d, "pids.max", 2 * p->limit.value + extra);
}

static int blkio_weight(const struct cgroup_dir *d, int64_t weight)
{
	char text[24];

	snprintf(text, sizeof(text), "%" PRId64, weight);
	return cgroup_write(d->path, "blkio.weight", text) < 0
		       ? cgroup_write(d->path, "blkio.bfq.weight", text)
		       : 0;
}

static int limit_block_io(const struct writer *w, const struct oci_block_io *b)
{
	const struct cgroup_dir *d;

	if (!b->weight.set || !b->weight.value)
		return 0;
	d = need(w, CG_BLKIO, "linux.resources.blockIO");
	/* Only some I/O schedulers have weights, and the file's name is theirs. */
	if (d && blkio_weight(d, b->weight.value) < 0 && w->warn)
		w->warn("linux.resources.blockIO.weight: not enforced: no I/O scheduler with weights");
	return 0;
}

static int write_unified(const struct writer *w, const struct string_map *m)
{
	const struct cgroup_dir *v2 = NULL;

	for (size_t i = 0; i < w->g->n; i++)
		if (w->g->dirs[i].v2)
			v2 = &w->g->dirs[i];
	for (size_t i = 0; i < m->n; i++) {
		if (strchr(m->items[i].key, '/'))
			return error_set(w->err, EINVAL,
					 "linux.resources.unified: '%.64s' is no file name",
					 m->items[i].key);
		if (!v2)
			return error_set(w->err, ENOTSUP,
					 "linux.resources.unified: this host has no cgroup v2");
		if (put(w, v2, m->items[i].key, m->items[i].value) < 0)
			return -1;
	}
	return 0;
}

int cgroup_limit(const struct cgroup *g, const struct oci_resources *r, int64_t extra_pids,
		 void (*warn)(const char *line), struct error *err)
{
	struct writer w = { g, warn, err };

	if (limit_memory(&w, &r->memory) < 0 || limit_cpu(&w, &r->cpu) < 0 ||
	    limit_cpuset(&w, &r->cpu) < 0 || limit_pids(&w, &r->pids, extra_pids) < 0 ||
	    limit_block_io(&w, &r->block_io) < 0 || write_unified(&w, &r->unified) < 0)
		return -1;
	return 0;
}
