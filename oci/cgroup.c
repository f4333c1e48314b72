/*
 * cgroup.c - finding, making and removing a container's cgroups; cgroup.h. Their limits are in cgroup_limit.c.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "oci/cgroup_priv.h"

const char *const cgroup_controllers[CGROUP_CONTROLLERS] = {
	[CG_CPU] = "cpu",	  [CG_CPUSET] = "cpuset",   [CG_MEMORY] = "memory",
	[CG_PIDS] = "pids",	  [CG_FREEZER] = "freezer", [CG_BLKIO] = "blkio",
	[CG_HUGETLB] = "hugetlb",
};

static unsigned controller_bits(const char *list, const char *separators)
{
	unsigned bits = 0;

	while (*list) {
		size_t n = strcspn(list, separators);

		for (unsigned i = 0; i < CGROUP_CONTROLLERS; i++)
			if (strlen(cgroup_controllers[i]) == n &&
			    strncmp(list, cgroup_controllers[i], n) == 0)
				bits |= 1u << i;
		list += n + (list[n] != 0);
	}
	return bits;
}

/* What a v2 hierarchy has to give is in a file at its top. */
static unsigned v2_controllers(const char *mount)
{
	char path[PATH_MAX + 32], text[256];
	FILE *f;
	unsigned bits = 0;

	snprintf(path, sizeof(path), "%s/cgroup.controllers", mount);
	f = fopen(path, "re");
	if (f && fgets(text, sizeof(text), f))
		bits = controller_bits(text, " \n");
	if (f)
		fclose(f);
	/* Every v2 group can be frozen. */
	return bits | 1u << CG_FREEZER;
}

/* /proc/self/cgroup, to be freed; NULL: there is none. */
static char *own_groups(void)
{
	FILE *f = fopen("/proc/self/cgroup", "re");
	char *text = NULL;
	size_t size = 0;

	if (f && getdelim(&text, &size, 0, f) < 0) {
		free(text);
		text = NULL;
	}
	if (f)
		fclose(f);
	return text;
}

/* The caller's own group in the hierarchy whose controllers are `names` ("" for v2), from own_groups. */
static void own_group(const char *text, const char *names, char *out, size_t size)
{
	size_t n = strlen(names);

	snprintf(out, size, "/");
	for (const char *line = text, *end; line && *line; line = *end ? end + 1 : end) {
		const char *list = strchr(line, ':');

		end = strchrnul(line, '\n');
		if (list && list + n + 1 < end && strncmp(list + 1, names, n) == 0 &&
		    list[n + 1] == ':')
			snprintf(out, size, "%.*s", (int)(end - list) - (int)n - 2, list + n + 2);
	}
}

struct hierarchy {
	char mount[PATH_MAX], root[PATH_MAX];
	char names[512]; /* of its controllers, as /proc/self/cgroup spells them; v2: none */
	unsigned controllers;
	bool v2;
};

/* The next cgroup mount of mountinfo (proc(5)); false at its end. */
static bool next_hierarchy(FILE *f, struct hierarchy *h)
{
	char line[3 * PATH_MAX], type[32], options[512];
	const char *names;

	while (fgets(line, sizeof(line), f)) {
		char *tail = strstr(line, " - ");

		if (!tail || sscanf(line, "%*d %*d %*s %4095s %4095s", h->root, h->mount) != 2 ||
		    sscanf(tail, " - %31s %*s %511s", type, options) != 2)
			continue;
		h->v2 = strcmp(type, "cgroup2") == 0;
		if (!h->v2 && strcmp(type, "cgroup") != 0)
			continue;
		/* The super block's options end with the controllers, as /proc/self/cgroup spells them. */
		names = options + (strncmp(options, "rw,", 3) == 0 ? 3 : 0);
		names += strncmp(names, "xattr,", 6) == 0 ? 6 : 0;
		if (h->v2)
			names = "";
		h->controllers = h->v2 ? v2_controllers(h->mount) : controller_bits(names, ",");
		snprintf(h->names, sizeof(h->names), "%s", names);
		return true;
	}
	return false;
}

/* systemd's "slice:prefix:name" as a path: a-b.slice lies in a.slice. */
static int systemd_path(const char *path, char *out, size_t size, struct error *err)
{
	char slice[256], prefix[256], name[256], grown[256] = "";
	size_t n = 0;
	int fields = sscanf(path, "%255[^:]:%255[^:]:%255s", slice, prefix, name);

	if (fields != 3)
		return error_set(
			err, EINVAL,
			"linux.cgroupsPath: '%.80s' must be slice:prefix:name with --systemd-cgroup",
			path);
	out[0] = 0;
	for (char *p = slice; *p && strcmp(p, ".slice") != 0; p++) {
		if (*p == '-')
			n += (size_t)snprintf(out + n, n < size ? size - n : 0, "/%s.slice", grown);
		snprintf(grown, sizeof(grown), "%.*s", (int)(p + 1 - slice), slice);
	}
	n += (size_t)snprintf(out + n, n < size ? size - n : 0, "/%s.slice/%s-%s.scope", grown,
			      prefix, name);
	return n < size ? 0 : error_set(err, ENAMETOOLONG, "linux.cgroupsPath: too long");
}

/* No component may be "..": the group must stay where the engine put it. */
static bool climbs(const char *path)
{
	for (const char *p = path; (p = strstr(p, "..")); p += 2)
		if ((p == path || p[-1] == '/') && (p[2] == '/' || p[2] == 0))
			return true;
	return false;
}

static int add_dir(struct cgroup *g, const struct hierarchy *h, const char *path, struct pool *pool,
		   struct error *err)
{
	struct cgroup_dir *d, *more = pool_zalloc(pool, g->n + 1, sizeof(*more));

	if (!more)
		return error_set(err, ENOMEM, "out of memory");
	if (g->n)
		memcpy(more, g->dirs, g->n * sizeof(*more));
	g->dirs = more;
	d = &g->dirs[g->n++];
	d->path = pool_strndup(pool, path, strlen(path));
	d->mount = pool_strndup(pool, h->mount, strlen(h->mount));
	d->controllers = h->controllers;
	d->v2 = h->v2;
	return d->path && d->mount ? 0 : error_set(err, ENOMEM, "out of memory");
}

/* Several mounts may show one hierarchy: the first counts. A v2 one without controllers, beside v1, is still a home. */
static bool seen(const struct cgroup *g, const struct hierarchy *h)
{
	for (size_t i = 0; i < g->n; i++)
		if (strcmp(g->dirs[i].mount, h->mount) == 0 || (h->v2 && g->dirs[i].v2) ||
		    (h->controllers && !h->v2 && g->dirs[i].controllers == h->controllers))
			return true;
	return false;
}

int cgroup_plan(const char *path, const char *id, bool systemd, struct pool *pool,
		struct cgroup *out, struct error *err)
{
	static struct hierarchy h; /* large; one command, one thread */
	char where[PATH_MAX], full[3 * PATH_MAX], group[PATH_MAX];
	char *groups = NULL;
	int ret = 0;
	FILE *f;

	*out = (struct cgroup){ 0 };
	if (path && climbs(path))
		return error_set(err, EINVAL, "linux.cgroupsPath: '%.80s' climbs with '..'", path);
	if (path && systemd) {
		if (systemd_path(path, where, sizeof(where), err) < 0)
			return -1;
	} else if ((size_t)snprintf(where, sizeof(where), "%s", path && *path ? path : id) >=
		   sizeof(where)) {
		return error_set(err, ENAMETOOLONG, "linux.cgroupsPath: too long");
	}
	f = fopen("/proc/self/mountinfo", "re");
	if (!f)
		return error_errno(err, "/proc/self/mountinfo");
	if (*where != '/')
		groups = own_groups();
	while (ret == 0 && next_hierarchy(f, &h)) {
		const char *own = group;
		size_t r = strlen(h.root);

		if (seen(out, &h))
			continue;
		own_group(groups, h.names, group, sizeof(group));
		if (strcmp(group, "/") == 0)
			own = "";
		/* Within a cgroup namespace or a bind mount the mount's root is not the hierarchy's. */
		if (r > 1 && strncmp(own, h.root, r) == 0)
			own += r;
		snprintf(full, sizeof(full), "%s%s%s%s", h.mount, *where == '/' ? "" : own,
			 *where == '/' ? "" : "/", where);
		ret = strlen(full) >= PATH_MAX
			      ? error_set(err, ENAMETOOLONG, "linux.cgroupsPath: too long")
			      : add_dir(out, &h, full, pool, err);
	}
	fclose(f);
	free(groups);
	return ret;
}

int cgroup_find(char *const *paths, struct pool *pool, struct cgroup *out, struct error *err)
{
	static struct hierarchy h;

	*out = (struct cgroup){ 0 };
	for (; paths && *paths; paths++) {
		FILE *f = fopen("/proc/self/mountinfo", "re");
		bool found = false;

		while (f && !found && next_hierarchy(f, &h)) {
			size_t n = strlen(h.mount);

			found = strncmp(*paths, h.mount, n) == 0 && (*paths)[n] == '/';
		}
		if (f)
			fclose(f);
		if (found && add_dir(out, &h, *paths, pool, err) < 0)
			return -1;
	}
	return 0;
}

char **cgroup_paths(const struct cgroup *g, struct pool *pool)
{
	char **list = pool_zalloc(pool, g->n + 1, sizeof(*list));

	for (size_t i = 0; list && i < g->n; i++)
		list[i] = g->dirs[i].path;
	return list;
}

int cgroup_write(const char *dir, const char *file, const char *value)
{
	char path[PATH_MAX];
	ssize_t n;
	int fd, e;

	if ((size_t)snprintf(path, sizeof(path), "%s/%s", dir, file) >= sizeof(path)) {
		errno = ENAMETOOLONG;
		return -1;
	}
	fd = open(path, O_WRONLY | O_CLOEXEC);
	if (fd < 0)
		return -1;
	n = write(fd, value, strlen(value));
	e = errno;
	close(fd);
	errno = e;
	return n < 0 ? -1 : 0;
}

static bool read_file(const char *dir, const char *file, char *buf, size_t size)
{
	char path[PATH_MAX];
	ssize_t n;
	int fd;

	if ((size_t)snprintf(path, sizeof(path), "%s/%s", dir, file) >= sizeof(path))
		return false;
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return false;
	n = read(fd, buf, size - 1);
	close(fd);
	if (n < 0)
		return false;
	buf[n] = 0;
	while (n > 0 && buf[n - 1] == '\n')
		buf[--n] = 0;
	return true;
}

char *cgroup_read(const struct cgroup *g, const char *v1_controller, const char *v1_file,
		  const char *v2_file, struct pool *pool)
{
	unsigned bit = controller_bits(v1_controller, "");
	char buf[4096];

	for (size_t i = 0; i < g->n; i++)
		if (g->dirs[i].controllers & bit &&
		    read_file(g->dirs[i].path, g->dirs[i].v2 ? v2_file : v1_file, buf, sizeof(buf)))
			return pool_strndup(pool, buf, strlen(buf));
	return NULL;
}

/* A new v1 cpuset is empty, and takes no process until it has CPUs and memory nodes: those of its parent. */
static void inherit_cpuset(const char *dir)
{
	static const char *const files[] = { "cpuset.cpus", "cpuset.mems" };
	char parent[PATH_MAX], value[4096];

	snprintf(parent, sizeof(parent), "%s", dir);
	*strrchr(parent, '/') = 0;
	for (size_t i = 0; i < 2; i++)
		if (read_file(dir, files[i], value, sizeof(value)) && !*value &&
		    read_file(parent, files[i], value, sizeof(value)))
			cgroup_write(dir, files[i], value);
}

/* v2: a group's children get only the controllers that it hands down. Fails where processes are in the way: no harm. */
static void hand_down(const char *dir, unsigned controllers)
{
	for (unsigned i = 0; i < CGROUP_CONTROLLERS; i++) {
		char word[32];

		snprintf(word, sizeof(word), "+%s", cgroup_controllers[i]);
		if (controllers & 1u << i && i != CG_FREEZER)
			cgroup_write(dir, "cgroup.subtree_control", word);
	}
}

static int make_dir(const struct cgroup_dir *d, struct error *err)
{
	char path[PATH_MAX];
	char *p = path + strlen(d->mount);

	snprintf(path, sizeof(path), "%s", d->path);
	if (d->v2)
		hand_down(d->mount, d->controllers);
	for (;;) {
		p = strchr(p + 1, '/');
		if (p)
			*p = 0;
		if (mkdir(path, 0755) < 0 && errno != EEXIST)
			return error_errno(err, "make cgroup %s", path);
		if (d->controllers & 1u << CG_CPUSET && !d->v2)
			inherit_cpuset(path);
		if (!p)
			return 0;
		if (d->v2)
			hand_down(path, d->controllers);
		*p = '/';
	}
}

/* Processes in it, each given to fn. */
static unsigned each_process(const char *dir, void (*fn)(int pid))
{
	char path[PATH_MAX];
	unsigned n = 0;
	FILE *f;
	int pid;

	snprintf(path, sizeof(path), "%s/cgroup.procs", dir);
	f = fopen(path, "re");
	for (; f && fscanf(f, "%d", &pid) == 1; n++)
		if (fn)
			fn(pid);
	if (f)
		fclose(f);
	return n;
}

int cgroup_check_empty(const struct cgroup *g, struct error *err)
{
	for (size_t i = 0; i < g->n; i++) {
		unsigned n = each_process(g->dirs[i].path, NULL);

		if (n)
			return error_set(
				err, EBUSY,
				"container's cgroup is not empty: %u process(es) found in %s", n,
				g->dirs[i].path);
	}
	return 0;
}

int cgroup_make(const struct cgroup *g, struct error *err)
{
	for (size_t i = 0; i < g->n; i++)
		if (make_dir(&g->dirs[i], err) < 0)
			return -1;
	return 0;
}

int cgroup_attach(const struct cgroup *g, pid_t pid, struct error *err)
{
	char text[16];

	snprintf(text, sizeof(text), "%d", pid);
	for (size_t i = 0; i < g->n; i++)
		if (cgroup_write(g->dirs[i].path, "cgroup.procs", text) < 0)
			return error_errno(err, "put process %d into cgroup %s", pid,
					   g->dirs[i].path);
	return 0;
}

int cgroup_enter(const struct cgroup *g, bool in_v2, struct error *err)
{
	for (size_t i = 0; i < g->n; i++) {
		const struct cgroup_dir *d = &g->dirs[i];

		/*
		 * A thread that moves itself alone needs no lock over all forks and exits of the host, whose first taker waits
		 * some milliseconds for a grace period of RCU (cgroup_procs_write_start in Linux).
		 */
		if (!(d->v2 && in_v2) &&
		    cgroup_write(d->path, d->v2 ? "cgroup.procs" : "tasks", "0") < 0)
			return error_errno(err, "enter cgroup %s", d->path);
	}
	return 0;
}

int cgroup_v2_fd(const struct cgroup *g)
{
	for (size_t i = 0; i < g->n; i++)
		if (g->dirs[i].v2)
			return open(g->dirs[i].path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	return -1;
}

int cgroup_freeze(const struct cgroup *g, bool frozen, struct error *err)
{
	for (size_t i = 0; i < g->n; i++) {
		const struct cgroup_dir *d = &g->dirs[i];
		int ret;

		if (!(d->controllers & 1u << CG_FREEZER))
			continue;
		ret = d->v2 ? cgroup_write(d->path, "cgroup.freeze", frozen ? "1" : "0")
			    : cgroup_write(d->path, "freezer.state", frozen ? "FROZEN" : "THAWED");
		if (ret == 0)
			return 0;
		if (errno != ENOENT)
			return error_errno(err, "%s cgroup %s", frozen ? "freeze" : "thaw",
					   d->path);
	}
	return error_set(err, ENOTSUP, "this host has no freezer cgroup");
}

static void kill_other(int pid)
{
	if (pid > 0 && pid != getpid())
		kill(pid, SIGKILL);
}

int cgroup_kill(const struct cgroup *g, int ms, struct error *err)
{
	static const struct timespec pause = { .tv_nsec = 2000000 };

	for (int waited = 0;; waited += 2) {
		unsigned left = 0;

		for (size_t i = 0; i < g->n; i++)
			left += each_process(g->dirs[i].path, kill_other);
		if (!left)
			return 0;
		if (waited >= ms)
			return error_set(err, EBUSY, "%u processes are left in cgroup %s", left,
					 g->dirs[0].path);
		nanosleep(&pause, NULL);
	}
}

int cgroup_remove(const struct cgroup *g, struct error *err)
{
	static const struct timespec pause = { .tv_nsec = 5000000 };
	int ret = 0;

	for (size_t i = 0; i < g->n; i++) {
		/* A process that has just died leaves its group a moment later. */
		for (int try = 0; rmdir(g->dirs[i].path) < 0 && errno != ENOENT; try++) {
			if (errno != EBUSY || try == 200) {
				ret = error_errno(err, "remove cgroup %s", g->dirs[i].path);
				break;
			}
			nanosleep(&pause, NULL);
		}
	}
	return ret;
}
