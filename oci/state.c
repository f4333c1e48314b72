/*
 * state.c - see state.h. The lock is taken on the directory and then looked at again: `delete` may have removed it, and a new
 * `create` made another of the same name, while this command waited.
 */
#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <jansson.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "host/write_all.h"
#include "oci/state.h"

/* clang-format off */
#define F(name, kind, flags, member) { name, kind, flags, offsetof(struct container_state, member), 0, 0, NULL, NULL }
static const struct field state_fields[] = {
	F("id", FIELD_STRING, FIELD_REQUIRED | FIELD_NOT_EMPTY, id),
	F("bundle", FIELD_STRING, 0, bundle),
	F("rootfs", FIELD_STRING, 0, rootfs),
	F("created", FIELD_STRING, 0, created),
	F("sandbox", FIELD_STRING, 0, sandbox),
	F("pid", FIELD_INT, 0, pid),
	F("pidStart", FIELD_INT, 0, pid_start),
	F("started", FIELD_BOOL, 0, started),
	F("paused", FIELD_BOOL, 0, paused),
	F("laterMemory", FIELD_INT, 0, later_memory),
	F("laterPids", FIELD_INT, 0, later_pids),
	F("cgroups", FIELD_STRINGS, 0, cgroups),
	F("annotations", FIELD_MAP, 0, annotations),
	{ 0 }
};
/* clang-format on */
static const struct object state_object = { sizeof(struct container_state), state_fields };

/* A name a container may have: letters, digits, _ + - . and not . or .. ; at most 255. 0, or -1. */
static int container_id_check(const char *id, struct error *err)
{
	size_t n = 0;

	while (isalnum((unsigned char)id[n]) || (id[n] && strchr("_+-.", id[n])))
		n++;
	if (!n || id[n] || n > 255 || strcmp(id, ".") == 0 || strcmp(id, "..") == 0)
		return error_set(
			err, EINVAL,
			"container id '%.64s': invalid: use letters, digits, _ + - . and at most 255",
			id);
	return 0;
}

/* /run is root's; mkdir -p with the mode of what holds sockets. */
static int open_root(const char *root, bool make, struct error *err)
{
	char path[PATH_MAX];
	int fd;

	if ((size_t)snprintf(path, sizeof(path), "%s", root) >= sizeof(path))
		return error_set(err, ENAMETOOLONG, "--root: the path is too long");
	for (char *p = path + 1; make && *p; p++) {
		if (*p != '/')
			continue;
		*p = 0;
		if (mkdir(path, 0755) < 0 && errno != EEXIST)
			return error_errno(err, "--root %s: make %s", root, path);
		*p = '/';
	}
	if (make && mkdir(path, 0700) < 0 && errno != EEXIST)
		return error_errno(err, "make %s", path);
	fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	return fd < 0 ? error_errno(err, "%s", path) : fd;
}

/* Lock dir_fd; 0 if it still is ROOT/ID, 1 if not (any more), -1. */
static int lock_dir(int root_fd, int dir_fd, const char *id, struct error *err)
{
	struct stat locked, now;

	while (flock(dir_fd, LOCK_EX) < 0)
		if (errno != EINTR)
			return error_errno(err, "lock container '%s'", id);
	if (fstat(dir_fd, &locked) < 0)
		return error_errno(err, "container '%s'", id);
	if (fstatat(root_fd, id, &now, AT_SYMLINK_NOFOLLOW) < 0)
		return 1;
	return locked.st_ino != now.st_ino || locked.st_dev != now.st_dev;
}

static int open_dir(int root_fd, const char *id, struct error *err)
{
	int fd = openat(root_fd, id, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);

	if (fd >= 0)
		return fd;
	return errno == ENOENT ? error_set(err, ENOENT, "container '%s' does not exist", id)
			       : error_errno(err, "container '%s'", id);
}

static int open_locked(int root_fd, const char *id, struct error *err)
{
	for (;;) {
		int fd = open_dir(root_fd, id, err), again;

		if (fd < 0)
			return -1;
		again = lock_dir(root_fd, fd, id, err);
		if (again == 0)
			return fd;
		close(fd);
		if (again < 0)
			return -1;
	}
}

int container_make(const char *root, const char *id, struct container *c, struct error *err)
{
	*c = (struct container){ .root_fd = -1, .dir_fd = -1 };
	if (container_id_check(id, err) < 0)
		return -1;
	c->root_fd = open_root(root, true, err);
	if (c->root_fd < 0)
		return -1;
	if (mkdirat(c->root_fd, id, 0700) < 0) {
		if (errno == EEXIST)
			error_set(err, EEXIST, "container with id exists: %s", id);
		else
			error_errno(err, "make the directory of container '%s'", id);
		goto fail;
	}
	c->dir_fd = open_locked(c->root_fd, id, err);
	c->s.id = pool_strndup(&c->pool, id, strlen(id));
	if (c->dir_fd < 0 || !c->s.id)
		goto fail;
	/* Before the lock was ours, a `delete` may have removed the directory and another `create` made its own. */
	if (faccessat(c->dir_fd, "state.json", F_OK, 0) == 0) {
		error_set(err, EEXIST, "container with id exists: %s", id);
		goto fail;
	}
	if (container_save(c, err) == 0)
		return 0;
fail:
	container_close(c);
	return -1;
}

static int read_state(struct container *c, const char *id, struct error *err)
{
	int fd = openat(c->dir_fd, "state.json", O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
	struct stat st;
	char *text = NULL;
	ssize_t n = -1;
	int ret = -1;

	/* A `create` that died between its mkdir and its first save: id is all there is. */
	if (fd < 0 && errno == ENOENT) {
		c->s.id = pool_strndup(&c->pool, id, strlen(id));
		return c->s.id ? 0 : error_set(err, ENOMEM, "out of memory");
	}
	if (fd < 0 || fstat(fd, &st) < 0 || !(text = malloc((size_t)st.st_size + 1)) ||
	    (n = read(fd, text, (size_t)st.st_size)) != st.st_size)
		error_errno(err, "container '%s': state.json", id);
	else
		ret = read_json("state.json", text, (size_t)n, &state_object, &c->s, &c->pool, err);
	free(text);
	if (fd >= 0)
		close(fd);
	return ret;
}

static int open_container(const char *root, const char *id, bool locked, struct container *c,
			  struct error *err)
{
	*c = (struct container){ .root_fd = -1, .dir_fd = -1 };
	if (container_id_check(id, err) < 0)
		return -1;
	c->root_fd = open(root, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (c->root_fd < 0)
		return errno == ENOENT ? error_set(err, ENOENT, "container '%s' does not exist", id)
				       : error_errno(err, "%s", root);
	c->dir_fd = locked ? open_locked(c->root_fd, id, err) : open_dir(c->root_fd, id, err);
	if (c->dir_fd < 0 || read_state(c, id, err) < 0) {
		container_close(c);
		return -1;
	}
	return 0;
}

int container_open(const char *root, const char *id, struct container *c, struct error *err)
{
	return open_container(root, id, true, c, err);
}

int container_peek(const char *root, const char *id, struct container *c, struct error *err)
{
	return open_container(root, id, false, c, err);
}

int container_write(const struct container *c, const char *name, const void *data, size_t len,
		    struct error *err)
{
	char tmp[64];
	int fd;

	snprintf(tmp, sizeof(tmp), ".%s.new", name);
	fd = openat(c->dir_fd, tmp, O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC, 0600);
	if (fd < 0)
		return error_errno(err, "container '%s': make %s", c->s.id, name);
	if (write_all(fd, data, len) < 0)
		goto fail;
	if (close(fd) == 0 && renameat(c->dir_fd, tmp, c->dir_fd, name) == 0)
		return 0;
	fd = -1;
fail:
	error_errno(err, "container '%s': write %s", c->s.id, name);
	if (fd >= 0)
		close(fd);
	unlinkat(c->dir_fd, tmp, 0);
	return -1;
}

static json_t *strings_json(char **list)
{
	json_t *a = json_array();

	for (; list && *list; list++)
		json_array_append_new(a, json_string(*list));
	return a;
}

static json_t *map_json(const struct string_map *m)
{
	json_t *o = json_object();

	for (size_t i = 0; i < m->n; i++)
		json_object_set_new(o, m->items[i].key, json_string(m->items[i].value));
	return o;
}

int container_save(const struct container *c, struct error *err)
{
	const struct container_state *s = &c->s;
	json_t *o = json_pack(
		"{s:s, s:s*, s:s*, s:s*, s:s*, s:I, s:I, s:b, s:b, s:I, s:I, s:o, s:o}", "id",
		s->id, "bundle", s->bundle, "rootfs", s->rootfs, "created", s->created, "sandbox",
		s->sandbox, "pid", (json_int_t)s->pid, "pidStart", (json_int_t)s->pid_start,
		"started", s->started, "paused", s->paused, "laterMemory",
		(json_int_t)s->later_memory, "laterPids", (json_int_t)s->later_pids, "cgroups",
		strings_json(s->cgroups), "annotations", map_json(&s->annotations));
	char *text = o ? json_dumps(o, JSON_INDENT(1) | JSON_SORT_KEYS) : NULL;
	int ret = text ? container_write(c, "state.json", text, strlen(text), err)
		       : error_set(err, ENOMEM, "container '%s': out of memory", s->id);

	free(text);
	json_decref(o);
	return ret;
}

int container_remove(struct container *c, struct error *err)
{
	int fd = dup(c->dir_fd);
	DIR *d = fd < 0 ? NULL : fdopendir(fd);
	struct dirent *e;

	if (!d)
		return error_errno(err, "container '%s': read its directory", c->s.id);
	rewinddir(d);
	while ((e = readdir(d)))
		if (strcmp(e->d_name, ".") != 0 && strcmp(e->d_name, "..") != 0)
			unlinkat(c->dir_fd, e->d_name, 0);
	closedir(d);
	if (unlinkat(c->root_fd, c->s.id, AT_REMOVEDIR) < 0)
		return error_errno(err, "container '%s': remove its directory", c->s.id);
	return 0;
}

void container_unlock(struct container *c)
{
	flock(c->dir_fd, LOCK_UN);
}

void container_close(struct container *c)
{
	/* A stand-in was forked with a copy of the descriptor: closing ours alone would leave the lock. */
	if (c->dir_fd >= 0)
		container_unlock(c);
	if (c->dir_fd >= 0)
		close(c->dir_fd);
	if (c->root_fd >= 0)
		close(c->root_fd);
	c->root_fd = c->dir_fd = -1;
	pool_free(&c->pool);
}

int64_t process_start_time(pid_t pid)
{
	char path[32], buf[1024], *p;
	unsigned long long start = 0;
	char state = 'Z';
	ssize_t n;
	int fd;

	snprintf(path, sizeof(path), "/proc/%d/stat", pid);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return 0;
	n = read(fd, buf, sizeof(buf) - 1);
	close(fd);
	if (n <= 0)
		return 0;
	buf[n] = 0;
	p = strrchr(buf, ')'); /* the name may hold anything */
	/* proc(5): state is field 3, starttime field 22. */
	if (!p ||
	    sscanf(p + 1,
		   " %c %*d %*d %*d %*d %*d %*u %*u %*u %*u %*u %*u %*u %*d %*d %*d %*d %*d %*d %llu",
		   &state, &start) != 2)
		return 0;
	return state == 'Z' || state == 'X' ? 0 : (int64_t)start;
}

enum container_status container_status(const struct container *c)
{
	const struct container_state *s = &c->s;

	if (!s->pid)
		return STATUS_CREATING;
	if (process_start_time((pid_t)s->pid) != s->pid_start)
		return STATUS_STOPPED;
	if (s->paused)
		return STATUS_PAUSED;
	return s->started ? STATUS_RUNNING : STATUS_CREATED;
}

const char *status_name(enum container_status s)
{
	static const char *const names[] = { "creating", "created", "running", "paused",
					     "stopped" };

	return names[s];
}

/* The container's process, and not a later one of its number; -1: it has ended. */
static int open_process(const struct container *c)
{
	int fd = c->s.pid > 0 ? (int)syscall(SYS_pidfd_open, (pid_t)c->s.pid, 0) : -1;

	if (fd < 0 || process_start_time((pid_t)c->s.pid) == c->s.pid_start)
		return fd;
	close(fd);
	return -1;
}

bool container_await_end(const struct container *c, int ms)
{
	struct pollfd p = { open_process(c), POLLIN, 0 };
	bool ended = p.fd < 0 || poll(&p, 1, ms) > 0;

	if (p.fd >= 0)
		close(p.fd);
	return ended;
}

int container_signal(const struct container *c, int signo)
{
	int fd = open_process(c), ret, err;

	if (fd < 0) {
		errno = ESRCH;
		return -1;
	}
	ret = (int)syscall(SYS_pidfd_send_signal, fd, signo, NULL, 0);
	err = errno;
	close(fd);
	errno = err;
	return ret;
}

void container_kill(const struct container *c, int ms)
{
	struct pollfd p = { open_process(c), POLLIN, 0 };

	if (p.fd < 0)
		return;
	syscall(SYS_pidfd_send_signal, p.fd, SIGKILL, NULL, 0);
	poll(&p, 1, ms);
	close(p.fd);
}

static int by_name(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

char **container_list(const char *root, struct pool *pool, struct error *err)
{
	DIR *d = opendir(root);
	struct dirent *e;
	size_t n = 0, room = 0;
	char **list = NULL, **bigger;

	if (!d && errno != ENOENT) {
		error_errno(err, "%s", root);
		return NULL;
	}
	do {
		e = d ? readdir(d) : NULL;
		if (e && container_id_check(e->d_name, NULL) < 0)
			continue;
		if (n == room) {
			room = room ? 2 * room : 16;
			bigger = pool_zalloc(pool, room, sizeof(*list));
			if (!bigger)
				goto no_memory;
			if (n)
				memcpy(bigger, list, n * sizeof(*list));
			list = bigger;
		}
		if (e && !(list[n++] = pool_strndup(pool, e->d_name, strlen(e->d_name))))
			goto no_memory;
	} while (e);
	if (d)
		closedir(d);
	qsort(list, n, sizeof(*list), by_name);
	return list;
no_memory:
	if (d)
		closedir(d);
	error_set(err, ENOMEM, "%s: out of memory", root);
	return NULL;
}
