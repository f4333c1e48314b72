/*
 * create.c - see create.h. The order, and what undoes each step when a later one fails:
 *
 *   state directory, locked        removed
 *   cgroups (named in the state    killed and removed; a crash of this command leaves them to `delete`, since they were
 *   before they are made)          written down first
 *   the stand-in, in its           killed, and with its pid namespace all that it started
 *   namespaces, in the cgroups
 *   hooks: prestart,               poststop hooks are not run: the container never was
 *   createRuntime, createContainer
 *   the sandbox, by the stand-in   as the stand-in
 *   pid-file, state
 */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "host/channel.h"
#include "host/label.h"
#include "host/net/net.h"
#include "host/platform_choice.h"
#include "host/write_all.h"
#include "oci/cgroup.h"
#include "oci/client.h"
#include "oci/console.h"
#include "oci/create.h"
#include "oci/hooks.h"
#include "oci/launch.h"
#include "oci/limits.h"
#include "oci/mounts.h"
#include "oci/namespaces.h"
#include "oci/oci.h"
#include "oci/pod.h"
#include "oci/report.h"
#include "oci/standin.h"
#include "oci/standin_root.h"

static char *absolute(const char *path, struct pool *pool, struct error *err)
{
	char full[PATH_MAX];

	if (!realpath(path, full)) {
		error_errno(err, "%s", path);
		return NULL;
	}
	return pool_strndup(pool, full, strlen(full));
}

static char *now_text(struct pool *pool)
{
	struct timespec ts;
	struct tm tm;
	char text[64], when[40];

	clock_gettime(CLOCK_REALTIME, &ts);
	gmtime_r(&ts.tv_sec, &tm);
	strftime(when, sizeof(when), "%Y-%m-%dT%H:%M:%S", &tm);
	snprintf(text, sizeof(text), "%s.%09ldZ", when, ts.tv_nsec);
	return pool_strndup(pool, text, strlen(text));
}

/* There must be a program; its terminal must have somewhere to go, and nothing else may. */
static int check_process(const struct create_options *o, const struct oci_config *config,
			 struct error *err)
{
	bool terminal;

	if (!config->process)
		return error_set(err, EINVAL, "config.json: process: is missing");
	terminal = config->process->terminal;
	if (terminal && !o->console_socket && !o->foreground)
		return error_set(
			err, EINVAL,
			"process.terminal is true: --console-socket must say where the terminal goes");
	if (!terminal && o->console_socket)
		return error_set(
			err, EINVAL,
			"--console-socket: process.terminal is false, there is no terminal to send");
	return 0;
}

/* Keep config.json: the bundle may be gone or changed when exec, start or delete need it. */
static int keep_config(const struct container *c, struct error *err)
{
	int fd = open("config.json", O_RDONLY | O_CLOEXEC);
	struct stat st;
	char *text = NULL;
	int ret = -1;

	if (fd < 0 || fstat(fd, &st) < 0 || !(text = malloc((size_t)st.st_size + 1)) ||
	    read(fd, text, (size_t)st.st_size) != st.st_size)
		error_errno(err, "config.json");
	else
		ret = container_write(c, "config.json", text, (size_t)st.st_size, err);
	free(text);
	if (fd >= 0)
		close(fd);
	return ret;
}

/* A user's own containers may have no cgroups to write: they go without, with a line. */
static int make_cgroups(struct container *c, const struct oci_config *config, struct cgroup *g,
			struct error *err)
{
	*g = (struct cgroup){ 0 };
	if (oci_globals.no_cgroups)
		return 0;
	if (cgroup_plan(config->linux_.cgroups_path, c->s.id, oci_globals.systemd_cgroup, &c->pool,
			g, err) < 0)
		return -1;
	if (cgroup_check_empty(g, err) < 0) {
		*g = (struct cgroup){ 0 }; /* not ours to undo */
		return -1;
	}
	c->s.cgroups = cgroup_paths(g, &c->pool);
	if (container_save(c, err) < 0)
		return -1;
	if (cgroup_make(g, err) < 0) {
		bool user = geteuid() != 0 || in_user_namespace();

		if (!user && err->err != EROFS)
			return -1;
		/* A user without groups of their own knows; without --log the line would be among the container's. */
		oci_log(user ? "debug" : "warning", "no cgroup limits: %s", err->msg);
		*g = (struct cgroup){ 0 };
		c->s.cgroups = NULL;
		return 0;
	}
	return cgroup_limit(g, &config->linux_.resources, PIDS_OF_OURS, oci_warn, err);
}

struct standin_plan {
	struct launch_plan launch;
	const struct cgroup *cgroup;
	int sig_fd, go, back;
	bool own_network;    /* its network namespace is not one that the host lives in */
	bool keeps_terminal; /* `run` in the foreground: the caller's terminal stays its stdio */
};

/* What engines look for in the namespace; the container's own are the Sentry's, made from these. */
static int set_names(const struct oci_config *config, struct error *err)
{
	const struct oci_namespace *uts = oci_namespace(config, OCI_NS_UTS);

	if (!uts || uts->path)
		return 0;
	if (config->hostname && sethostname(config->hostname, strlen(config->hostname)) < 0)
		return error_errno(err, "hostname");
	if (config->domainname && setdomainname(config->domainname, strlen(config->domainname)) < 0)
		return error_errno(err, "domainname");
	return 0;
}

/* The label that launcher and gofer take; one of a module that this host does not have is left out, with a line. */
static void choose_label(const struct oci_process *p)
{
	enum label_module m = label_module("/sys");

	if (p && p->apparmor && *p->apparmor && strcmp(p->apparmor, "unconfined") != 0) {
		if (m == LABEL_APPARMOR)
			label_choose(m, p->apparmor);
		else
			oci_log("warning",
				"process.apparmorProfile: '%.64s' is not applied, this host has no AppArmor",
				p->apparmor);
	}
	if (p && p->selinux && *p->selinux) {
		if (m == LABEL_SELINUX)
			label_choose(m, p->selinux);
		else
			oci_log("warning",
				"process.selinuxLabel: '%.64s' is not applied, this host has no SELinux",
				p->selinux);
	}
}

static void __attribute__((noreturn)) standin_main(struct standin_plan *p)
{
	const struct oci_config *config = p->launch.config;
	const struct container *c = p->launch.c;
	bool tty = config->process->terminal;
	struct error err = { 0 };
	struct launched l;
	static struct loopback lo;
	bool has_lo;
	struct oom oom;
	char go;

	/* Born in an engine's process group; its signals are for the engine. */
	if (!p->keeps_terminal)
		setsid();
	p->sig_fd = standin_signals(&err);
	if (p->sig_fd < 0)
		goto fail;
	if (set_names(config, &err) < 0)
		goto fail;
	choose_label(config->process);
	if (p->launch.console >= 0 && console_become(p->launch.console, &err) < 0)
		goto fail;
	if (read(p->go, &go, 1) != 1)
		_exit(1); /* `create` gave up, or died */
	if (launch(&p->launch, &l, &err) < 0)
		goto fail;
	oom_open(&oom, p->cgroup);
	has_lo = p->own_network && !p->launch.sandbox && loopback_open(&lo, c);
	if (standin_enter_root(c->s.rootfs, p->launch.root_fd, c->s.bundle, p->launch.mounts,
			       &err) < 0)
		goto fail;
	if (report_send(p->back, NULL) < 0)
		_exit(1);
	close(p->back);
	close(p->go);
	standin_serve(&(struct standin){ .chan = l.chan,
					 .sig_fd = p->sig_fd,
					 .tty = tty,
					 .launcher = l.launcher,
					 .gofer = l.gofer,
					 .loopback = has_lo ? &lo : NULL,
					 .oom = oom });
fail:
	report_send(p->back, &err);
	_exit(1);
}

/* Hooks between the namespaces' making and the program's, config.md "POSIX-platform Hooks". */
static int create_hooks(const struct container *c, const struct oci_config *config,
			struct error *err)
{
	if (hooks_run(config, HOOK_PRESTART, &c->s, "creating", 0, err) < 0 ||
	    hooks_run(config, HOOK_CREATE_RUNTIME, &c->s, "creating", 0, err) < 0)
		return -1;
	return hooks_run(config, HOOK_CREATE_CONTAINER, &c->s, "creating", (pid_t)c->s.pid, err);
}

int write_pid_file(const char *path, pid_t pid, struct error *err)
{
	char tmp[PATH_MAX], text[16];
	int fd, n;

	if (!path)
		return 0;
	if ((size_t)snprintf(tmp, sizeof(tmp), "%s.moat", path) >= sizeof(tmp))
		return error_set(err, ENAMETOOLONG, "--pid-file: the path is too long");
	fd = open(tmp, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
	n = snprintf(text, sizeof(text), "%d", pid);
	if (fd < 0 || write_all(fd, text, (size_t)n) < 0 || close(fd) < 0 || rename(tmp, path) < 0)
		return error_errno(err, "--pid-file %s", path);
	return 0;
}

/* The stand-in may have died already: why, is in its report. */
static int let_go(int go, struct error *err)
{
	if (send(go, "", 1, MSG_NOSIGNAL) < 0 && errno != EPIPE)
		return error_errno(err, "the container's process");
	return 0;
}

/* From the fork of the stand-in to its report. Its pid goes to c->s.pid; the caller kills it on failure. */
static int make_standin(const struct create_options *o, struct container *c,
			struct standin_plan *plan, const struct cgroup *g, struct error *err)
{
	struct namespace_plan ns;
	int go[2], back[2], ret = -1;
	bool enters;
	pid_t pid;

	if (namespaces_plan(plan->launch.config, &ns, err) < 0)
		return -1;
	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, go) < 0 ||
	    pipe2(back, O_CLOEXEC) < 0) {
		namespaces_close(&ns);
		return error_errno(err, "pipe");
	}
	enters = !(ns.make & CLONE_NEWUSER);
	plan->own_network = ns.make & CLONE_NEWNET ||
			    (ns.join[OCI_NS_NETWORK] >= 0 &&
			     net_check_namespace(ns.join[OCI_NS_NETWORK], NULL) == 0);
	pid = namespaces_fork(plan->launch.config, &ns, enters ? g : NULL, err);
	if (pid == 0) {
		plan->cgroup = g;
		plan->go = go[0];
		plan->back = back[1];
		close(go[1]);
		close(back[0]);
		standin_main(plan);
	}
	namespaces_close(&ns);
	close(go[0]);
	close(back[1]);
	if (pid > 0) {
		c->s.pid = pid;
		c->s.pid_start = process_start_time(pid);
		if (container_save(c, err) == 0 && (enters || cgroup_attach(g, pid, err) == 0) &&
		    create_hooks(c, plan->launch.config, err) == 0 && let_go(go[1], err) == 0 &&
		    report_hear(back[0], "the container's process died while it started", err) == 0)
			ret = write_pid_file(o->pid_file, pid, err);
	}
	close(go[1]);
	close(back[0]);
	return ret;
}

static void undo(struct container *c, const struct cgroup *g)
{
	struct error ignored;

	if (c->s.pid > 0) {
		kill((pid_t)c->s.pid, SIGKILL);
		waitpid((pid_t)c->s.pid, NULL, 0);
	}
	if (g->n && cgroup_kill(g, 5000, &ignored) == 0)
		cgroup_remove(g, &ignored);
	if (container_remove(c, &ignored) < 0)
		oci_log("warning", "%s", ignored.msg);
	container_close(c);
}

/* linux.sysctl as "name=value". */
static int sysctls(const struct oci_config *config, struct standin_plan *p, struct pool *pool,
		   struct error *err)
{
	const struct string_map *m = &config->linux_.sysctl;
	char **list = pool_zalloc(pool, m->n + 1, sizeof(*list));

	for (size_t i = 0; list && i < m->n; i++) {
		size_t n = strlen(m->items[i].key) + strlen(m->items[i].value) + 2;

		list[i] = pool_zalloc(pool, n, 1);
		if (!list[i])
			return error_set(err, ENOMEM, "out of memory");
		snprintf(list[i], n, "%s=%s", m->items[i].key, m->items[i].value);
	}
	p->launch.sysctl = list;
	return list ? 0 : error_set(err, ENOMEM, "out of memory");
}

/* What the stand-in needs and only we, in the caller's namespaces and with its rights, can open. */
static int open_things(const struct create_options *o, struct container *c, struct standin_plan *p,
		       struct mount_table *mounts, struct error *err)
{
	const struct oci_config *config = p->launch.config;

	p->launch.platform = platform_choose(oci_globals.platform, err);
	if (!p->launch.platform)
		return -1;
	if (oci_mounts(config, c->s.bundle, mounts, &c->pool, err) < 0)
		return -1;
	p->launch.mounts = mounts;
	if (sysctls(config, p, &c->pool, err) < 0)
		return -1;
	if (config->linux_.seccomp &&
	    (seccomp_compile(config->linux_.seccomp, &p->launch.seccomp, &c->pool, err) < 0 ||
	     seccomp_keep(c, &p->launch.seccomp, err) < 0))
		return -1;
	p->launch.socket = p->launch.sandbox ? client_connect(c, err) : chan_listen(c->dir_fd, err);
	if (p->launch.socket < 0)
		return -1;
	p->launch.root_fd = open(c->s.rootfs, O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (p->launch.root_fd < 0)
		return error_errno(err, "root.path: %s", c->s.rootfs);
	if (!o->console_socket)
		return 0;
	p->launch.console = console_make(o->console_socket, &config->process->console, err);
	return p->launch.console < 0 ? -1 : 0;
}

static void close_things(struct standin_plan *p, struct mount_table *mounts)
{
	const int fds[] = { p->launch.root_fd, p->launch.console, p->launch.socket };

	for (size_t i = 0; i < sizeof(fds) / sizeof(*fds); i++)
		if (fds[i] >= 0)
			close(fds[i]);
	for (unsigned i = 0; i < mounts->nexports; i++)
		close(mounts->exports[i].fd);
}

static int fill_state(struct container *c, const struct oci_config *config, struct error *err)
{
	c->s.bundle = absolute(".", &c->pool, err);
	c->s.rootfs = absolute(config->root->path, &c->pool, err);
	if (!c->s.rootfs)
		return error_wrap(err, "root.path");
	c->s.created = now_text(&c->pool);
	c->s.annotations = config->annotations;
	return c->s.bundle && c->s.created ? 0 : -1;
}

/* The host kills what exceeds a limit without a word to anybody. */
static void blame_limit(const struct oci_config *config, struct error *err)
{
	const struct opt_int *limit = &config->linux_.resources.memory.limit;
	size_t n = strlen(err->msg);

	if ((err->err == ECHILD || err->err == ECONNRESET) && limit->set && limit->value > 0 &&
	    limit->value < MEMORY_OF_OURS)
		snprintf(
			err->msg + n, sizeof(err->msg) - n,
			"; linux.resources.memory.limit is %lld, and a sandbox itself takes %lld MiB",
			(long long)limit->value, MEMORY_OF_OURS >> 20);
}

int container_create(const struct create_options *o, struct container *c, struct oci_config *config,
		     struct pool *pool, struct error *err)
{
	struct standin_plan plan = {
		.launch = { .c = c, .config = config, .root_fd = -1, .console = -1, .socket = -1 },
		.keeps_terminal = o->foreground
	};
	struct mount_table mounts = { 0 };
	struct cgroup g = { 0 };
	int ret = -1;

	clock_sample(&plan.launch.clock_start);
	if (o->bundle && chdir(o->bundle) < 0)
		return error_errno(err, "--bundle %s", o->bundle);
	if (access("config.json", F_OK) < 0 && errno == ENOENT)
		return error_set(err, ENOENT,
				 "config.json: not in the bundle %s; 'moat spec' writes one",
				 o->bundle ? o->bundle : "(this directory)");
	if (oci_config_read("config.json", config, pool, err) < 0 ||
	    check_process(o, config, err) < 0 ||
	    container_make(oci_globals.root, o->id, c, err) < 0)
		return -1;
	if (fill_state(c, config, err) < 0 || pod_of(c, config, &plan.launch.sandbox, err) < 0)
		goto fail;
	c->s.sandbox = plan.launch.sandbox ? (char *)plan.launch.sandbox : c->s.id;
	if (keep_config(c, err) < 0 || container_save(c, err) < 0 ||
	    make_cgroups(c, config, &g, err) < 0 || open_things(o, c, &plan, &mounts, err) < 0 ||
	    make_standin(o, c, &plan, &g, err) < 0) {
		blame_limit(config, err);
		goto fail;
	}
	ret = 0;
fail:
	close_things(&plan, &mounts);
	if (ret < 0)
		undo(c, &g);
	return ret;
}
