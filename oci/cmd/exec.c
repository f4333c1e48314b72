/*
 * exec.c - `moat exec`: a further process in a running container, with a stand-in of its own.
 */
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "host/boottree.h"
#include "host/child.h"
#include "host/cmd.h"
#include "host/tty.h"
#include "oci/cgroup.h"
#include "oci/client.h"
#include "oci/console.h"
#include "oci/create.h"
#include "oci/names.h"
#include "oci/report.h"
#include "oci/spec.h"
#include "oci/standin.h"

enum {
	OPT_CONSOLE = 1,
	OPT_CWD,
	OPT_PID_FILE,
	OPT_NO_NEW_PRIVS,
	OPT_LABEL,
	OPT_IGNORED,
	OPT_IGNORED_VALUE
};

static const struct option options[] = {
	{ "console-socket", required_argument, NULL, OPT_CONSOLE },
	{ "cwd", required_argument, NULL, OPT_CWD },
	{ "env", required_argument, NULL, 'e' },
	{ "tty", no_argument, NULL, 't' },
	{ "user", required_argument, NULL, 'u' },
	{ "additional-gids", required_argument, NULL, 'g' },
	{ "process", required_argument, NULL, 'p' },
	{ "detach", no_argument, NULL, 'd' },
	{ "pid-file", required_argument, NULL, OPT_PID_FILE },
	{ "cap", required_argument, NULL, 'c' },
	{ "no-new-privs", no_argument, NULL, OPT_NO_NEW_PRIVS },
	{ "ignore-paused", no_argument, NULL, OPT_IGNORED },
	{ "process-label", required_argument, NULL, OPT_LABEL },
	{ "apparmor", required_argument, NULL, OPT_LABEL },
	{ "preserve-fds", required_argument, NULL, OPT_IGNORED_VALUE },
	{ "cgroup", required_argument, NULL, OPT_IGNORED_VALUE },
	{ "pidfd-socket", required_argument, NULL, OPT_IGNORED_VALUE },
	{ 0 },
};

#define FAILED	 255 /* runc's exit status: 1 could be the program's */
#define LIST_MAX 256 /* of --env, --cap, --additional-gids */

struct flags {
	const char *id, *console_socket, *cwd, *user, *process, *pid_file, *label;
	bool tty, detach, no_new_privs;
	char *env[LIST_MAX], *caps[LIST_MAX];
	int64_t gids[LIST_MAX];
	size_t nenv, ncaps, ngids;
	char **args; /* the command, NULL-ended; none with --process */
};

static int parse_gid(struct flags *f, const char *value, struct error *err)
{
	char *end;
	long v = strtol(value, &end, 10);

	if (end == value || *end || v < 0 || v > 0xfffffffeL || f->ngids == LIST_MAX)
		return error_set(err, EINVAL, "--additional-gids '%.40s': is no group number",
				 value);
	f->gids[f->ngids++] = v;
	return 0;
}

static int parse(int argc, char **argv, struct flags *f, struct error *err)
{
	int o;

	memset(f, 0, sizeof(*f));
	opterr = 0;
	optind = 1;
	while ((o = getopt_long(argc, argv, "+e:tu:g:p:dc:", options, NULL)) != -1) {
		switch (o) {
		case OPT_CONSOLE: f->console_socket = optarg; break;
		case OPT_CWD: f->cwd = optarg; break;
		case OPT_PID_FILE: f->pid_file = optarg; break;
		case OPT_NO_NEW_PRIVS: f->no_new_privs = true; break;
		case 't': f->tty = true; break;
		case 'd': f->detach = true; break;
		case 'u': f->user = optarg; break;
		case 'p': f->process = optarg; break;
		case 'e':
			if (f->nenv < LIST_MAX)
				f->env[f->nenv++] = optarg;
			break;
		case 'c':
			if (f->ncaps < LIST_MAX - 1)
				f->caps[f->ncaps++] = optarg;
			break;
		case 'g':
			if (parse_gid(f, optarg, err) < 0)
				return -1;
			break;
		case OPT_LABEL: f->label = optarg; break;
		case OPT_IGNORED:
		case OPT_IGNORED_VALUE: break;
		default:
			return error_set(err, EINVAL, "exec: unknown option or missing value: %s",
					 argv[optind - 1]);
		}
	}
	if (optind >= argc || (!f->process && optind + 1 >= argc))
		return error_set(err, EINVAL,
				 "exec: needs a container id and a command or --process FILE");
	f->id = argv[optind];
	f->args = argv + optind + 1;
	return 0;
}

/* "uid[:gid]" as runc takes it; names are the engine's business. */
static int parse_user(const char *text, struct oci_user *u, struct error *err)
{
	char *end;
	long v = strtol(text, &end, 10);

	if (end == text || v < 0 || v > 0xfffffffeL || (*end && *end != ':'))
		return error_set(err, EINVAL, "--user '%.40s': must be UID or UID:GID", text);
	u->uid = v;
	u->groups.n = 0;
	if (!*end)
		return 0;
	text = end + 1;
	v = strtol(text, &end, 10);
	if (end == text || *end || v < 0 || v > 0xfffffffeL)
		return error_set(err, EINVAL, "--user: '%.40s' is no group number", text);
	u->gid = v;
	return 0;
}

static size_t count(char **list)
{
	size_t n = 0;

	while (list && list[n])
		n++;
	return n;
}

/* What the command line says, over what the container's own process has. */
static int process_of_flags(const struct flags *f, const struct oci_config *config,
			    struct oci_process *p, struct pool *pool, struct error *err)
{
	size_t n;

	if (!config->process)
		return error_set(err, EINVAL, "config.json has no process to take defaults from");
	*p = *config->process;
	p->args = f->args;
	p->terminal = f->tty;
	p->no_new_privileges |= f->no_new_privs;
	if (f->cwd)
		p->cwd = (char *)f->cwd;
	if (f->user && parse_user(f->user, &p->user, err) < 0)
		return -1;
	if (f->ngids)
		p->user.groups = (struct int_list){ (int64_t *)f->gids, f->ngids };
	if (f->nenv) {
		n = count(config->process->env);
		p->env = pool_zalloc(pool, n + f->nenv + 1, sizeof(char *));
		if (!p->env)
			return error_set(err, ENOMEM, "out of memory");
		if (n)
			memcpy(p->env, config->process->env, n * sizeof(char *));
		memcpy(p->env + n, f->env, f->nenv * sizeof(char *));
	}
	for (size_t i = 0; i < f->ncaps; i++)
		if (capability_number(f->caps[i]) < 0)
			return error_set(err, EINVAL, "--cap '%.40s' is unknown", f->caps[i]);
	return oci_process_check("exec", p, err);
}

/*
 * Be where the container's stand-in is: if that dies, the kernel ends us with its pid namespace, which our child will be in.
 * The child enters the mount namespace itself: in it the host's files cannot be named.
 */
static int join(const struct container *c, int pidfd, int namespaces, struct error *err)
{
	if (setns(pidfd, namespaces) < 0)
		return error_errno(err, "join the namespaces of container '%s'", c->s.id);
	return 0;
}

static void __attribute__((noreturn))
standin_main(const struct flags *f, const struct container *c, const struct oci_process *p,
	     int chan, int console, int pidfd, int back)
{
	struct pool pool = POOL_INIT;
	struct error err = { 0 };
	struct chan_msg m = { .type = CHAN_EXEC, .len = (uint32_t)strlen(c->s.id) };
	struct seccomp_program filter;
	struct container_spec spec;
	int sig_fd, fds[4];

	if (f->detach || console >= 0)
		setsid();
	sig_fd = standin_signals(&err);
	if (sig_fd < 0 || (console >= 0 && console_become(console, &err) < 0) ||
	    seccomp_kept(c, &filter, &pool, &err) < 0 ||
	    spec_of_process(p, &filter, &spec, &pool, &err) < 0)
		goto fail;
	fds[0] = boottree_memfd(&spec, &err);
	if (fds[0] < 0 || join(c, pidfd, CLONE_NEWNS, &err) < 0)
		goto fail;
	for (int i = 0; i < 3; i++)
		fds[i + 1] = i;
	memcpy(m.data, c->s.id, m.len);
	if (client_ask(chan, &m, fds, 4, &err) < 0)
		goto fail;
	if (report_send(back, NULL) < 0)
		_exit(1);
	close(back);
	close(fds[0]);
	standin_serve(&(struct standin){ .chan = chan,
					 .sig_fd = sig_fd,
					 .tty = p->terminal,
					 .running = true,
					 .oom = OOM_NONE });
fail:
	report_send(back, &err);
	_exit(255);
}

/* The child's number; its report is read. c is unlocked from the fork on. */
static pid_t start_standin(const struct flags *f, struct container *c, const struct oci_process *p,
			   struct error *err)
{
	int chan, console = -1, pidfd, back[2], ret;
	struct cgroup g;
	pid_t pid;

	chan = client_connect(c, err);
	if (chan < 0)
		return -1;
	if (f->console_socket && (console = console_make(f->console_socket, &p->console, err)) < 0)
		return -1;
	/* The cgroups are named in the host's terms: before the namespaces. */
	if (cgroup_find(c->s.cgroups, &c->pool, &g, err) < 0 || pipe2(back, O_CLOEXEC) < 0 ||
	    cgroup_enter(&g, false, err) < 0)
		return -1;
	pidfd = (int)syscall(SYS_pidfd_open, (pid_t)c->s.pid, 0);
	if (pidfd < 0)
		return error_errno(err, "the process of container '%s'", c->s.id);
	/* The number may be another process's by now. */
	if (container_status(c) == STATUS_STOPPED)
		return error_set(err, ESRCH, "container '%s' is stopped", c->s.id);
	if (join(c, pidfd, CLONE_NEWPID | CLONE_NEWUTS | CLONE_NEWIPC | CLONE_NEWNET, err) < 0)
		return -1;
	/* The sandbox's answer may be long in coming, and the program may run for long: others must not wait. */
	container_unlock(c);
	pid = fork();
	if (pid == 0) {
		close(back[0]);
		standin_main(f, c, p, chan, console, pidfd, back[1]);
	}
	close(pidfd);
	close(back[1]);
	close(chan);
	if (console >= 0)
		close(console);
	if (pid < 0)
		return error_errno(err, "fork");
	ret = report_hear(back[0], "the process died while it started", err);
	close(back[0]);
	if (ret < 0)
		child_wait(pid);
	return ret < 0 ? -1 : pid;
}

static int exec_in(const struct flags *f, struct container *c, struct pool *pool, struct error *err)
{
	struct oci_config config;
	struct oci_process p;
	pid_t pid;

	if (container_status(c) != STATUS_RUNNING)
		return error_set(err, EINVAL, "cannot exec in container '%s' that is %s", c->s.id,
				 status_name(container_status(c)));
	if (f->process ? oci_process_read(f->process, &p, pool, err) < 0
		       : client_config(c, &config, pool, err) < 0 ||
				 process_of_flags(f, &config, &p, pool, err) < 0)
		return -1;
	if (f->label && *f->label)
		oci_log("warning",
			"exec: the label '%.64s' is not applied: the process runs under its sandbox's",
			f->label);
	if (f->tty)
		p.terminal = true;
	if (p.terminal && f->detach && !f->console_socket)
		return error_set(err, EINVAL,
				 "exec: a terminal needs --console-socket with --detach");
	pid = start_standin(f, c, &p, err);
	if (pid < 0 || write_pid_file(f->pid_file, pid, err) < 0)
		return -1;
	if (f->detach)
		return 0;
	if (p.terminal && !f->console_socket && isatty(0) && tty_raw(err) < 0)
		return -1;
	return child_wait(pid);
}

static int run(int argc, char **argv)
{
	static struct flags f; /* large */
	struct pool pool = POOL_INIT;
	struct error err = { 0 };
	struct container c;
	int ret;

	if (parse(argc, argv, &f, &err) < 0 ||
	    container_open(oci_globals.root, f.id, &c, &err) < 0) {
		oci_fail(&err);
		return FAILED;
	}
	ret = exec_in(&f, &c, &pool, &err);
	tty_restore();
	container_close(&c);
	pool_free(&pool);
	if (ret < 0) {
		oci_fail(&err);
		return FAILED;
	}
	return ret;
}

const struct command cmd_exec = {
	.name = "exec",
	.usage = "moat exec [OPTIONS] ID COMMAND [ARG...]",
	.summary = "Run a further process in a container.",
	.help = "  --process FILE           the process as config.json would describe it\n"
		"  --detach                 do not wait for its end\n"
		"  --pid-file FILE          where its stand-in's number goes\n"
		"  --tty                    give it a terminal\n"
		"  --console-socket SOCKET  where the terminal goes\n"
		"  --user UID[:GID]  --additional-gids GID  --cwd DIR  --env K=V  --cap CAP  --no-new-privs\n",
	.run = run,
};
