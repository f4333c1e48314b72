/*
 * mount_table.c - see mount_table.h: the table, and what opens the things that it exports.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include "abi/boot.h"
#include "host/error.h"
#include "host/mount_table.h"
#include "host/overlay_dir.h"
#include "host/size.h"

int mount_table_add(struct mount_table *t, const struct mount_spec *m, struct error *err)
{
	struct mount_spec *more = realloc(t->mounts, (t->nmounts + 1) * sizeof(*more));

	if (!more)
		return error_set(err, ENOMEM, "out of memory");
	t->mounts = more;
	t->mounts[t->nmounts++] = *m;
	return 0;
}

/* A directory or something that nobody opens by O_PATH; a file for data, since the gofer cannot open it again. */
static int open_source(const char *path, struct mount_spec *m, struct stat *st, struct error *err)
{
	int fd = open(path, O_PATH | O_CLOEXEC), data;
	bool ro = m->flags & MS_RDONLY;

	if (fd < 0 || fstat(fd, st) < 0)
		return error_errno(err, "%s", path);
	if (!S_ISDIR(st->st_mode))
		m->options |= BOOT_MOUNT_FILE;
	if (!S_ISREG(st->st_mode))
		return fd;
	data = ro ? -1 : open(path, O_RDWR | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
	if (data < 0) {
		m->flags |= MS_RDONLY;
		data = open(path, O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
	}
	close(fd);
	if (data < 0 || fstat(data, st) < 0)
		return error_errno(err, "%s", path);
	return data;
}

static int add_export(struct mount_table *t, const char *name, int fd, bool ro, bool recursive,
		      struct error *err)
{
	struct gofer_export *more = realloc(t->exports, (t->nexports + 1) * sizeof(*more));

	if (!more || t->nexports == GOFER_EXPORTS_MAX)
		return error_set(err, more ? E2BIG : ENOMEM, "too many mounts");
	t->exports = more;
	t->exports[t->nexports++] = (struct gofer_export){
		.name = name, .fd = fd, .read_only = ro, .cross_mounts = recursive
	};
	return 0;
}

int mount_table_export(struct mount_table *t, int fd, bool recursive, struct mount_spec *m,
		       struct error *err)
{
	char *name;

	if (asprintf(&name, "%u", t->nexports + 1) < 0) {
		close(fd);
		return error_set(err, ENOMEM, "out of memory");
	}
	m->attach = name;
	if (add_export(t, name, fd, m->flags & MS_RDONLY, recursive, err) < 0 ||
	    mount_table_add(t, m, err) < 0)
		return -1;
	return 0;
}

int mount_table_bind(struct mount_table *t, const char *path, bool recursive, struct mount_spec *m,
		     struct error *err)
{
	struct stat st;
	int fd;

	fd = open_source(path, m, &st, err);
	return fd < 0 ? -1 : mount_table_export(t, fd, recursive, m, err);
}

int mount_table_defaults(struct mount_table *t, struct error *err)
{
	static const struct mount_spec table[] = {
		{ "/proc", "proc", "proc", NULL, NULL, MS_NOSUID | MS_NODEV | MS_NOEXEC, 0, 0 },
		{ "/sys", "sysfs", "sysfs", NULL, NULL, MS_NOSUID | MS_NODEV | MS_NOEXEC, 0, 0 },
		{ "/sys/fs/cgroup", "cgroup2", "cgroup2", NULL, NULL,
		  MS_NOSUID | MS_NODEV | MS_NOEXEC, 0, 0 },
		{ "/dev", "devtmpfs", "devtmpfs", NULL, NULL, MS_NOSUID | MS_NOEXEC, 0, 0 },
		{ "/dev/pts", "devpts", "devpts", "mode=620,ptmxmode=666", NULL,
		  MS_NOSUID | MS_NOEXEC, 0, 0 },
		{ "/dev/shm", "tmpfs", "tmpfs", "mode=1777", NULL, MS_NOSUID | MS_NODEV, 0, 0 },
		{ "/dev/mqueue", "mqueue", "mqueue", NULL, NULL, MS_NOSUID | MS_NODEV | MS_NOEXEC,
		  0, 0 },
		{ "/run", "tmpfs", "tmpfs", "mode=755", NULL, MS_NOSUID | MS_NODEV, 0, 0 },
		{ "/run/lock", "tmpfs", "tmpfs", "mode=1777", NULL,
		  MS_NOSUID | MS_NODEV | MS_NOEXEC, 0, 0 }, /* where Debian's /var/lock points */
	};

	for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
		struct mount_spec m = table[i];

		m.options = BOOT_MOUNT_OPTIONAL; /* a root without /proc has to do without it */
		if (mount_table_add(t, &m, err) < 0)
			return -1;
	}
	return 0;
}

/* ---- options of `moat do` ---- */

struct words {
	const char *type, *src, *dst, *size, *mode;
	bool ro;
};

static int split(char *arg, struct words *w, struct error *err)
{
	static const char usage[] = "give type=bind,src=PATH,dst=PATH[,ro] or "
				    "type=tmpfs,dst=PATH[,size=N][,mode=M][,ro]";

	for (char *key, *rest = arg; (key = strsep(&rest, ",")) != NULL;) {
		char *v = strchr(key, '=');

		if (v)
			*v++ = 0;
		if (v && !strcmp(key, "type"))
			w->type = v;
		else if (v && (!strcmp(key, "src") || !strcmp(key, "source")))
			w->src = v;
		else if (v && (!strcmp(key, "dst") || !strcmp(key, "destination") ||
			       !strcmp(key, "target")))
			w->dst = v;
		else if (v && !strcmp(key, "size"))
			w->size = v;
		else if (v && !strcmp(key, "mode"))
			w->mode = v;
		else if (!v && (!strcmp(key, "ro") || !strcmp(key, "readonly")))
			w->ro = true;
		else if (v || strcmp(key, "rw"))
			return error_set(err, EINVAL, "--mount: '%s' is not known; %s", key, usage);
	}
	if (!w->type || !w->dst)
		return error_set(err, EINVAL, "--mount: %s is missing; %s",
				 w->type ? "dst" : "type", usage);
	if (w->dst[0] != '/')
		return error_set(err, EINVAL, "--mount dst=%s: give an absolute path", w->dst);
	return 0;
}

int mount_table_option(struct mount_table *t, char *arg, struct error *err)
{
	struct words w = { 0 };
	struct mount_spec m = { 0 };
	char *data;

	if (split(arg, &w, err) < 0)
		return -1;
	m.destination = w.dst;
	m.type = w.type;
	m.flags = w.ro ? MS_RDONLY : 0;
	if (!strcmp(w.type, "bind")) {
		if (!w.src || w.size || w.mode)
			return error_set(err, EINVAL,
					 "--mount type=bind: give src and dst, and ro or nothing");
		m.source = w.src;
		m.flags |= MS_NOSUID | MS_NODEV;
		if (mount_table_bind(t, w.src, true, &m, err) < 0)
			return error_wrap(err, "--mount");
		return 0;
	}
	if (strcmp(w.type, "tmpfs") != 0 || w.src)
		return error_set(err, EINVAL, "--mount type=%s%s: types are bind and tmpfs", w.type,
				 w.src ? ",src=..." : "");
	if (asprintf(&data, "mode=%s%s%s", w.mode ? w.mode : "1777", w.size ? ",size=" : "",
		     w.size ? w.size : "") < 0)
		return error_set(err, ENOMEM, "out of memory");
	m.source = "tmpfs";
	m.data = data;
	m.flags |= MS_NOSUID | MS_NODEV;
	return mount_table_add(t, &m, err);
}

/* file:DIR[:SIZE], where a colon in DIR is one if no size follows it. */
static int overlay_file(struct mount_table *t, const char *arg, struct container_spec *spec,
			int root_fd, struct error *err)
{
	char *dir = strdup(arg), *colon = dir ? strrchr(dir, ':') : NULL;
	struct overlay_dir d;
	int ret;

	if (!dir)
		return error_set(err, ENOMEM, "out of memory");
	spec->overlay = BOOT_OVERLAY_FILE;
	if (colon)
		spec->overlay_size = size_parse(colon + 1);
	if (spec->overlay_size)
		*colon = 0;
	ret = overlay_dir_open(&d, dir, root_fd, spec->overlay_size != 0, err);
	if (ret < 0) {
		error_wrap(err, "--overlay file:%s", dir);
	} else {
		spec->overlay_used = d.used;
		ret = add_export(t, BOOT_OVERLAY_EXPORT, d.fd, false, false, err);
		if (!ret)
			t->exports[t->nexports - 1].whiteouts = true;
	}
	free(dir);
	return ret;
}

int mount_table_overlay(struct mount_table *t, const char *arg, struct container_spec *spec,
			int root_fd, struct error *err)
{
	if (!strcmp(arg, "none")) {
		spec->overlay = BOOT_OVERLAY_NONE;
		return 0;
	}
	if (spec->root_rw)
		return error_set(err, EINVAL,
				 "--overlay %s: --rw asks for changes of the root itself", arg);
	if (!strncmp(arg, "file:", 5) && arg[5])
		return overlay_file(t, arg + 5, spec, root_fd, err);
	spec->overlay = BOOT_OVERLAY_MEMORY;
	if (!strcmp(arg, "memory"))
		return 0;
	if (strncmp(arg, "memory:", 7) != 0)
		return error_set(
			err, EINVAL,
			"--overlay %s: give none, memory, memory:SIZE, file:DIR or file:DIR:SIZE",
			arg);
	spec->overlay_size = size_parse(arg + 7);
	if (!spec->overlay_size)
		return error_set(err, EINVAL, "--overlay %s: give a size such as 512M", arg);
	return 0;
}
