/*
 * mounts.c - see mounts.h. The words are those of mount(8), as runc takes them.
 *
 * Differs from runc where a bind's source is on several mounts: the gofer shows all of them as one, so the recursive forms
 * (rro, rnosuid ...) mean what the plain ones mean.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>

#include "abi/boot.h"
#include "host/error.h"
#include "oci/mounts.h"
#include "oci/pool.h"

#ifndef MS_NOSYMFOLLOW
#define MS_NOSYMFOLLOW 256
#endif

static const struct word {
	const char *name;
	unsigned long set, clear;
} words[] = {
	{ "defaults", 0, 0 },
	{ "async", 0, MS_SYNCHRONOUS },
	{ "atime", 0, MS_NOATIME },
	{ "dev", 0, MS_NODEV },
	{ "diratime", 0, MS_NODIRATIME },
	{ "dirsync", MS_DIRSYNC, 0 },
	{ "exec", 0, MS_NOEXEC },
	{ "iversion", MS_I_VERSION, 0 },
	{ "lazytime", MS_LAZYTIME, 0 },
	{ "loud", 0, MS_SILENT },
	{ "mand", MS_MANDLOCK, 0 },
	{ "noatime", MS_NOATIME, MS_RELATIME | MS_STRICTATIME },
	{ "nodev", MS_NODEV, 0 },
	{ "nodiratime", MS_NODIRATIME, 0 },
	{ "noexec", MS_NOEXEC, 0 },
	{ "noiversion", 0, MS_I_VERSION },
	{ "nolazytime", 0, MS_LAZYTIME },
	{ "nomand", 0, MS_MANDLOCK },
	{ "norelatime", 0, MS_RELATIME },
	{ "nostrictatime", 0, MS_STRICTATIME },
	{ "nosuid", MS_NOSUID, 0 },
	{ "nosymfollow", MS_NOSYMFOLLOW, 0 },
	{ "relatime", MS_RELATIME, MS_NOATIME | MS_STRICTATIME },
	{ "remount", MS_REMOUNT, 0 },
	{ "ro", MS_RDONLY, 0 },
	{ "rw", 0, MS_RDONLY },
	{ "silent", MS_SILENT, 0 },
	{ "strictatime", MS_STRICTATIME, MS_NOATIME | MS_RELATIME },
	{ "suid", 0, MS_NOSUID },
	{ "symfollow", 0, MS_NOSYMFOLLOW },
	{ "sync", MS_SYNCHRONOUS, 0 },
}, recursive_words[] = {
	{ "rro", MS_RDONLY, 0 },
	{ "rrw", 0, MS_RDONLY },
	{ "rnosuid", MS_NOSUID, 0 },
	{ "rsuid", 0, MS_NOSUID },
	{ "rnodev", MS_NODEV, 0 },
	{ "rdev", 0, MS_NODEV },
	{ "rnoexec", MS_NOEXEC, 0 },
	{ "rexec", 0, MS_NOEXEC },
	{ "rnodiratime", MS_NODIRATIME, 0 },
	{ "rdiratime", 0, MS_NODIRATIME },
	{ "rrelatime", MS_RELATIME, MS_NOATIME | MS_STRICTATIME },
	{ "rnorelatime", 0, MS_RELATIME },
	{ "rnoatime", MS_NOATIME, MS_RELATIME | MS_STRICTATIME },
	{ "ratime", 0, MS_NOATIME },
	{ "rstrictatime", MS_STRICTATIME, MS_NOATIME | MS_RELATIME },
	{ "rnostrictatime", 0, MS_STRICTATIME },
	{ "rnosymfollow", MS_NOSYMFOLLOW, 0 },
	{ "rsymfollow", 0, MS_NOSYMFOLLOW },
}, propagation_words[] = {
	{ "private", MS_PRIVATE, 0 },		 { "rprivate", MS_PRIVATE | MS_REC, 0 },
	{ "shared", MS_SHARED, 0 },		 { "rshared", MS_SHARED | MS_REC, 0 },
	{ "slave", MS_SLAVE, 0 },		 { "rslave", MS_SLAVE | MS_REC, 0 },
	{ "unbindable", MS_UNBINDABLE, 0 },	 { "runbindable", MS_UNBINDABLE | MS_REC, 0 },
};

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

static const struct word *find(const struct word *list, size_t n, const char *name)
{
	for (size_t i = 0; i < n; i++)
		if (!strcmp(list[i].name, name))
			return &list[i];
	return NULL;
}

/* a,b in the pool; NULL without memory. */
static char *join(const char *a, const char *b, struct pool *pool)
{
	size_t n = (a ? strlen(a) + 1 : 0) + strlen(b) + 1;
	char *s = pool_zalloc(pool, n, 1);

	if (s)
		snprintf(s, n, "%s%s%s", a ? a : "", a ? "," : "", b);
	return s;
}

int oci_mount_options(char *const *options, struct mount_spec *m, bool *bind, bool *recursive,
		      struct pool *pool, struct error *err)
{
	*bind = *recursive = false;
	for (; options && *options; options++) {
		const char *o = *options;
		const struct word *w = find(words, COUNT(words), o);

		if (!w)
			w = find(recursive_words, COUNT(recursive_words), o);
		if (w) {
			m->flags = (m->flags & ~w->clear) | w->set;
			continue;
		}
		w = find(propagation_words, COUNT(propagation_words), o);
		if (w) {
			m->propagation = w->set;
		} else if (!strcmp(o, "bind")) {
			*bind = true;
		} else if (!strcmp(o, "rbind")) {
			*bind = *recursive = true;
		} else if (!strcmp(o, "tmpcopyup")) {
			m->options |= BOOT_MOUNT_COPYUP;
		} else if (!strcmp(o, "idmap") || !strcmp(o, "ridmap")) {
			return error_set(err, EINVAL,
					 "option %s: idmapped mounts are not supported", o);
		} else {
			m->data = join(m->data, o, pool);
			if (!m->data)
				return error_set(err, ENOMEM, "out of memory");
		}
	}
	return 0;
}

/* What the Sentry can mount; it has no other file system, and no device to find one on. */
static bool known_type(const char *type)
{
	static const char *const types[] = { "tmpfs",  "proc",	  "sysfs",    "devpts", "mqueue",
					     "cgroup", "cgroup2", "devtmpfs", "ramfs" };

	for (size_t i = 0; i < COUNT(types); i++)
		if (!strcmp(types[i], type))
			return true;
	return false;
}

static const char *below(const char *bundle, const char *source, struct pool *pool)
{
	size_t n = strlen(bundle) + strlen(source) + 2;
	char *s;

	if (source[0] == '/')
		return source;
	s = pool_zalloc(pool, n, 1);
	if (s)
		snprintf(s, n, "%s/%s", bundle, source);
	return s;
}

static int add_one(const struct oci_mount *o, const char *bundle, struct mount_table *t,
		   struct pool *pool, struct error *err)
{
	struct mount_spec m = { .destination = o->destination,
				.type = o->type,
				.source = o->source };
	bool bind, recursive;
	const char *path;

	if (o->destination[0] != '/') /* an old form that runc still takes */
		m.destination = below("", o->destination, pool);
	if (!m.destination)
		return error_set(err, ENOMEM, "out of memory");
	if (oci_mount_options(o->options, &m, &bind, &recursive, pool, err) < 0)
		return -1;
	if (bind || (o->type && !strcmp(o->type, "bind"))) {
		if (!o->source || !o->source[0])
			return error_set(err, EINVAL, "a bind without source");
		m.type = "bind";
		m.data = NULL; /* mount(2) ignores it */
		path = below(bundle, o->source, pool);
		if (!path)
			return error_set(err, ENOMEM, "out of memory");
		return mount_table_bind(t, path, recursive, &m, err);
	}
	if (!m.type)
		return error_set(err, EINVAL, "no type");
	if (!known_type(m.type) && !(m.flags & MS_REMOUNT))
		return error_set(err, ENODEV, "type '%s' does not exist in a sandbox", m.type);
	if (!m.source)
		m.source = m.type;
	return mount_table_add(t, &m, err);
}

static int add_paths(char *const *paths, const char *type, struct mount_table *t, struct error *err)
{
	for (; paths && *paths; paths++) {
		struct mount_spec m = { .destination = *paths, .type = type, .source = type };

		if (mount_table_add(t, &m, err) < 0)
			return -1;
	}
	return 0;
}

/* The last word on what was mounted; a line with nothing but a destination. */
static int add_propagation(const char *word, struct mount_table *t, struct error *err)
{
	struct mount_spec m = { .destination = "/", .type = "propagation", .source = "none" };
	const struct word *w;

	if (!word || !*word)
		return 0;
	w = find(propagation_words, COUNT(propagation_words), word);
	if (!w)
		return error_set(err, EINVAL, "linux.rootfsPropagation: no such type: '%s'", word);
	m.propagation = w->set;
	return mount_table_add(t, &m, err);
}

int oci_mounts(const struct oci_config *c, const char *bundle, struct mount_table *t,
	       struct pool *pool, struct error *err)
{
	for (size_t i = 0; i < c->mounts.n; i++)
		if (add_one(&c->mounts.items[i], bundle, t, pool, err) < 0)
			return error_wrap(err, "mounts[%zu] (%s)", i,
					  c->mounts.items[i].destination);
	if (add_propagation(c->linux_.rootfs_propagation, t, err) < 0)
		return -1;
	if (add_paths(c->linux_.readonly_paths, "readonly", t, err) < 0)
		return -1;
	return add_paths(c->linux_.masked_paths, "mask", t, err);
}

void oci_mounts_spec(const struct oci_config *c, const struct mount_table *t,
		     struct container_spec *spec)
{
	spec->root_rw = !c->root->readonly;
	spec->root_readonly = c->root->readonly;
	spec->overlay = c->root->readonly ? BOOT_OVERLAY_MEMORY : BOOT_OVERLAY_NONE;
	spec->mounts = t->mounts;
	spec->nmounts = t->nmounts;
}
