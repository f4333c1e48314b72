/*
 * spec.c - see spec.h. What a tree does not say has its zero, but umask (022), cwd (/) and capabilities: without sets of
 * their own, effective and permitted are what `caps` says, and so is the bounding set.
 */
#include <string.h>

#include "abi/boot.h"
#include "container/spec.h"
#include "fs/vfs.h"
#include "lib/dtree.h"
#include "lib/err.h"
#include "mm/slab.h"
#include "task/seccomp/seccomp.h"

static char *copy_string(const struct dtree *t, u32 node, const char *name, const char *absent)
{
	const char *s = dtree_string(t, node, name);

	return kstrdup(s ? s : absent);
}

/* A string list as a NULL-ended vector, strings and all in one block. */
static char **copy_strings(const struct dtree *t, u32 node, const char *name)
{
	u32 len = 0, n = 0, k = 0;
	const char *list = dtree_prop(t, node, name, &len);
	char **v, *copy;

	for (u32 i = 0; i < len; i++)
		n += !list[i];
	v = kmalloc((n + 1) * sizeof(*v) + len + 1);
	if (!v)
		return NULL;
	copy = (char *)(v + n + 1);
	memcpy(copy, list, len);
	copy[len] = 0;
	for (u32 i = 0; i < len && k < n; i += (u32)strlen(copy + i) + 1)
		v[k++] = copy + i;
	v[k] = NULL;
	return v;
}

static int parse_groups(struct spec *s, const struct dtree *t, u32 node)
{
	u32 len;
	const u8 *p = dtree_prop(t, node, "groups", &len);

	if (!p || len < 4)
		return 0;
	if (len / 4 > NGROUPS_MAX)
		return -EINVAL;
	s->groups = kmalloc(len);
	if (!s->groups)
		return -ENOMEM;
	for (; s->ngroups < len / 4; p += 4)
		s->groups[s->ngroups++] = dtree_be32(p);
	return 0;
}

static int parse_seccomp(struct spec *s, const struct dtree *t, u32 node)
{
	u32 len = 0;
	const void *p = dtree_prop(t, node, "seccomp", &len);

	if (!p)
		return 0;
	if (!len || len % sizeof(struct bpf_insn) ||
	    len > SECCOMP_INSNS_MAX * sizeof(struct bpf_insn))
		return -EINVAL;
	s->seccomp = kmalloc(len);
	if (!s->seccomp)
		return -ENOMEM;
	memcpy(s->seccomp, p, len);
	s->seccomp_len = len / sizeof(struct bpf_insn);
	s->seccomp_flags = dtree_u32(t, node, "seccomp-flags", 0);
	return 0;
}

static void parse_rlimits(struct spec *s, const struct dtree *t, u32 node)
{
	u32 len = 0;
	const u8 *p = dtree_prop(t, node, "rlimits", &len);

	for (; p && len >= 24; p += 24, len -= 24) {
		u64 r = dtree_be64(p);

		if (r >= RLIM_NLIMITS)
			continue;
		s->rlimits |= 1u << r;
		s->rlimit[r] = (struct rlimit){ dtree_be64(p + 8), dtree_be64(p + 16) };
	}
}

/* NULL, or in the heap; *err if there is no memory. */
static const char *optional(const struct dtree *t, u32 node, const char *name, int *err)
{
	const char *s = dtree_string(t, node, name), *copy = s ? kstrdup(s) : NULL;

	if (s && !copy)
		*err = -ENOMEM;
	return copy;
}

static int parse_mounts(struct spec *s, const struct dtree *t, u32 node)
{
	u32 top = dtree_find(t, node, "mounts"), n = 0;
	int err = 0;

	if (top == DTREE_NONE)
		return 0;
	for (u32 m = dtree_child(t, top); m != DTREE_NONE; m = dtree_sibling(t, m))
		n++;
	s->mounts = kzalloc((n + 1) * sizeof(*s->mounts));
	if (!s->mounts)
		return -ENOMEM;
	for (u32 at = dtree_child(t, top); at != DTREE_NONE && !err; at = dtree_sibling(t, at)) {
		struct fs_mount *m = &s->mounts[s->nmounts++];

		m->destination = optional(t, at, "destination", &err);
		m->type = optional(t, at, "type", &err);
		m->source = optional(t, at, "source", &err);
		m->data = optional(t, at, "data", &err);
		m->attach = optional(t, at, "attach", &err);
		m->flags = dtree_u64(t, at, "flags", 0);
		m->propagation = dtree_u64(t, at, "propagation", 0);
		m->options = dtree_u32(t, at, "options", 0);
		if (!err && (!m->destination || !m->type || !m->source))
			err = -EINVAL;
	}
	return err;
}

/* A list of nodes below node: as many zeroed elements of size bytes; their number in *n. NULL: no memory. */
static void *list_of(const struct dtree *t, u32 top, size_t size, unsigned *n)
{
	*n = 0;
	if (top != DTREE_NONE)
		for (u32 at = dtree_child(t, top); at != DTREE_NONE; at = dtree_sibling(t, at))
			++*n;
	return kzalloc((*n + 1) * size);
}

static int parse_devices(struct spec *s, const struct dtree *t, u32 node)
{
	u32 top = dtree_find(t, node, "devices"), at;
	int err = 0;

	s->devices = list_of(t, top, sizeof(*s->devices), &s->ndevices);
	if (!s->devices)
		return -ENOMEM;
	at = s->ndevices ? dtree_child(t, top) : DTREE_NONE;
	for (unsigned i = 0; i < s->ndevices; i++, at = dtree_sibling(t, at)) {
		struct spec_device *d = &s->devices[i];

		d->path = optional(t, at, "path", &err);
		d->mode = dtree_u32(t, at, "mode", 0);
		d->rdev = DEV(dtree_u32(t, at, "major", 0) & 0xfff,
			      dtree_u32(t, at, "minor", 0) & 0xfffff);
		d->uid = dtree_u32(t, at, "uid", 0);
		d->gid = dtree_u32(t, at, "gid", 0);
		if (!err && (!d->path || d->path[0] != '/' ||
			     (!S_ISCHR(d->mode) && !S_ISBLK(d->mode) && !S_ISFIFO(d->mode))))
			err = -EINVAL;
	}
	return err;
}

static int parse_hooks(struct spec *s, const struct dtree *t, u32 node)
{
	u32 top = dtree_find(t, node, "hooks"), at;
	int err = 0;

	s->state = copy_string(t, node, "state", "");
	s->hooks = list_of(t, top, sizeof(*s->hooks), &s->nhooks);
	if (!s->hooks || !s->state)
		return -ENOMEM;
	at = s->nhooks ? dtree_child(t, top) : DTREE_NONE;
	for (unsigned i = 0; i < s->nhooks; i++, at = dtree_sibling(t, at)) {
		struct spec_hook *h = &s->hooks[i];

		h->path = optional(t, at, "path", &err);
		h->argv = copy_strings(t, at, "argv");
		h->envp = copy_strings(t, at, "envp");
		h->timeout = dtree_u32(t, at, "timeout", 0);
		if (!err)
			err = !h->argv || !h->envp	? -ENOMEM
			      : !h->path || !h->argv[0] ? -EINVAL
							: 0;
	}
	return err;
}

static int parse(struct spec *s, const struct dtree *t, u32 node)
{
	u64 caps = dtree_u64(t, node, "caps", 0);
	int err;

	s->argv = copy_strings(t, node, "argv");
	s->envp = copy_strings(t, node, "envp");
	s->cwd = copy_string(t, node, "cwd", "/");
	s->hostname = copy_string(t, node, "hostname", "");
	s->domainname = copy_string(t, node, "domainname", "(none)");
	s->sysctl = copy_strings(t, node, "sysctl");
	if (!s->argv || !s->envp || !s->cwd || !s->hostname || !s->domainname || !s->sysctl)
		return -ENOMEM;
	s->own_ns = dtree_u32(t, node, "own-namespaces", 0);
	if (!s->argv[0])
		return -EINVAL;
	s->uid = dtree_u32(t, node, "uid", 0);
	s->gid = dtree_u32(t, node, "gid", 0);
	s->umask = dtree_u32(t, node, "umask", 022) & 0777;
	s->cap_bounding = dtree_u64(t, node, "caps-bounding", caps);
	s->cap_permitted = dtree_u64(t, node, "caps-permitted", caps);
	s->cap_effective = dtree_u64(t, node, "caps-effective", caps);
	s->cap_inheritable = dtree_u64(t, node, "caps-inheritable", 0);
	s->cap_ambient = dtree_u64(t, node, "caps-ambient", 0);
	s->no_new_privs = dtree_u32(t, node, "no-new-privs", 0);
	s->tty = dtree_u32(t, node, "tty", 0);
	s->rows = (u16)dtree_u32(t, node, "rows", 0);
	s->cols = (u16)dtree_u32(t, node, "cols", 0);
	s->root_rw = dtree_u32(t, node, "root-rw", 0);
	s->root_readonly = dtree_u32(t, node, "root-readonly", 0);
	s->overlay = dtree_u32(t, node, "overlay", BOOT_OVERLAY_NONE);
	s->overlay_size = dtree_u64(t, node, "overlay-size", 0);
	s->overlay_used = dtree_u64(t, node, "overlay-used", 0);
	s->wait_start = dtree_u32(t, node, "wait-start", 0);
	s->memory_limit = dtree_u64(t, node, "memory-limit", ~0ULL);
	s->cpu_quota = dtree_u64(t, node, "cpu-quota", 0);
	s->cpu_period = dtree_u64(t, node, "cpu-period", 0);
	s->pids_max = dtree_u64(t, node, "pids-max", 0);
	s->oom_score_adj = (int)dtree_u32(t, node, "oom-score-adj", 0);
	s->sched = (struct sched_params){
		.policy = (int)dtree_u32(t, node, "sched-policy", 0),
		.prio = (int)dtree_u32(t, node, "sched-priority", 0),
		.nice = (int)dtree_u32(t, node, "nice", 0),
		.reset_on_fork = dtree_u32(t, node, "sched-reset", 0),
	};
	if (s->sched.policy < 0 || s->sched.policy > 5 || s->sched.prio < 0 || s->sched.prio > 99 ||
	    s->sched.nice < -20 || s->sched.nice > 19)
		return -EINVAL;
	parse_rlimits(s, t, node);
	err = parse_groups(s, t, node);
	if (!err)
		err = parse_seccomp(s, t, node);
	if (!err)
		err = parse_devices(s, t, node);
	if (!err)
		err = parse_hooks(s, t, node);
	return err ? err : parse_mounts(s, t, node);
}

struct spec *spec_parse(const void *blob, size_t len)
{
	struct spec *s = kzalloc(sizeof(*s));
	struct dtree t;
	int err = -EINVAL;
	u32 node;

	if (!s)
		return ERR_PTR(-ENOMEM);
	node = dtree_open(&t, blob, len) ? dtree_find(&t, dtree_root(&t), "container") : DTREE_NONE;
	if (node != DTREE_NONE)
		err = parse(s, &t, node);
	if (!err)
		return s;
	spec_free(s);
	return ERR_PTR(err);
}

void spec_free(struct spec *s)
{
	if (!s || IS_ERR(s))
		return;
	kfree(s->argv);
	kfree(s->envp);
	kfree(s->envp_given);
	kfree(s->cwd);
	kfree(s->hostname);
	kfree(s->domainname);
	kfree(s->sysctl);
	kfree(s->state);
	for (unsigned i = 0; i < s->ndevices; i++)
		kfree((void *)s->devices[i].path);
	kfree(s->devices);
	for (unsigned i = 0; i < s->nhooks; i++) {
		kfree((void *)s->hooks[i].path);
		kfree(s->hooks[i].argv);
		kfree(s->hooks[i].envp);
	}
	kfree(s->hooks);
	kfree(s->groups);
	kfree(s->seccomp);
	for (unsigned i = 0; i < s->nmounts; i++) {
		kfree((void *)s->mounts[i].destination);
		kfree((void *)s->mounts[i].type);
		kfree((void *)s->mounts[i].source);
		kfree((void *)s->mounts[i].data);
		kfree((void *)s->mounts[i].attach);
	}
	kfree(s->mounts);
	kfree(s);
}
