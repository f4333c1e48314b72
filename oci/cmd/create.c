/*
 * create.c - `moat create`, `moat start`, and `moat run`, which is both.
 */
#include <errno.h>
#include <getopt.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/signalfd.h>
#include <sys/wait.h>
#include <unistd.h>

#include "host/child.h"
#include "host/cmd.h"
#include "host/tty.h"
#include "oci/client.h"
#include "oci/create.h"
#include "oci/start.h"

enum { OPT_PID_FILE = 1, OPT_CONSOLE, OPT_IGNORED, OPT_IGNORED_VALUE, OPT_KEEP };

static const struct option options[] = {
	{ "bundle", required_argument, NULL, 'b' },
	{ "pid-file", required_argument, NULL, OPT_PID_FILE },
	{ "console-socket", required_argument, NULL, OPT_CONSOLE },
	{ "detach", no_argument, NULL, 'd' },
	{ "keep", no_argument, NULL, OPT_KEEP },
	{ "no-pivot", no_argument, NULL, OPT_IGNORED },
	{ "no-new-keyring", no_argument, NULL, OPT_IGNORED },
	{ "no-subreaper", no_argument, NULL, OPT_IGNORED },
	{ "preserve-fds", required_argument, NULL, OPT_IGNORED_VALUE },
	{ "pidfd-socket", required_argument, NULL, OPT_IGNORED_VALUE },
	{ 0 },
};

struct flags {
	struct create_options create;
	bool detach, keep;
};

static int parse(int argc, char **argv, struct flags *f, struct error *err)
{
	int o;

	*f = (struct flags){ 0 };
	opterr = 0;
	optind = 1;
	while ((o = getopt_long(argc, argv, "+b:d", options, NULL)) != -1) {
		switch (o) {
		case 'b': f->create.bundle = optarg; break;
		case 'd': f->detach = true; break;
		case OPT_PID_FILE: f->create.pid_file = optarg; break;
		case OPT_CONSOLE: f->create.console_socket = optarg; break;
		case OPT_KEEP: f->keep = true; break;
		case OPT_IGNORED:
		case OPT_IGNORED_VALUE: break;
		default:
			return error_set(err, EINVAL, "%s: unknown option or missing value: %s",
					 argv[0], argv[optind - 1]);
		}
	}
	f->create.id = operand_id(argc, argv, optind, err);
	return f->create.id ? 0 : -1;
}

static int create(int argc, char **argv)
{
	struct pool pool = POOL_INIT;
	struct error err = { 0 };
	struct oci_config config;
	struct container c;
	struct flags f;
	int ret;

	if (parse(argc, argv, &f, &err) < 0)
		return oci_fail(&err);
	ret = container_create(&f.create, &c, &config, &pool, &err);
	if (ret == 0)
		container_close(&c);
	pool_free(&pool);
	return ret < 0 ? oci_fail(&err) : 0;
}

static int start(int argc, char **argv)
{
	struct error err = { 0 };
	struct container c;
	const char *id = operand_id(argc, argv, 1, &err);
	int ret;

	if (!id || container_open(oci_globals.root, id, &c, &err) < 0)
		return oci_fail(&err);
	ret = container_start(&c, &err);
	container_close(&c);
	return ret < 0 ? oci_fail(&err) : 0;
}

/* Signals for us are for the container, until its stand-in ends. */
static int wait_for(pid_t pid, int sig_fd)
{
	struct signalfd_siginfo si;
	int status = 0;

	while (read(sig_fd, &si, sizeof(si)) == sizeof(si)) {
		if (si.ssi_signo != SIGCHLD)
			kill(pid, (int)si.ssi_signo);
		else if (waitpid(pid, &status, WNOHANG) == pid)
			break;
	}
	return child_status(status);
}

static int watched_signals(void)
{
	static const int list[] = { SIGCHLD, SIGHUP,  SIGINT,	SIGQUIT, SIGTERM,
				    SIGUSR1, SIGUSR2, SIGWINCH, SIGCONT };
	sigset_t set;

	sigemptyset(&set);
	for (size_t i = 0; i < sizeof(list) / sizeof(*list); i++)
		sigaddset(&set, list[i]);
	sigprocmask(SIG_BLOCK, &set, NULL);
	return signalfd(-1, &set, SFD_CLOEXEC);
}

/* What `delete` would do, for the container of this very command. */
static void remove_container(const char *id)
{
	char *argv[] = { (char *)"delete", (char *)"--force", (char *)id, NULL };

	cmd_delete.run(3, argv);
}

static int run(int argc, char **argv)
{
	struct pool pool = POOL_INIT;
	struct error err = { 0 };
	struct oci_config config;
	struct container c;
	struct flags f;
	int sig_fd, status = 0, ret;
	bool tty;
	pid_t pid;

	if (parse(argc, argv, &f, &err) < 0)
		return oci_fail(&err);
	f.create.foreground = !f.detach;
	sig_fd = f.detach ? -1 : watched_signals();
	ret = container_create(&f.create, &c, &config, &pool, &err);
	if (ret < 0) {
		pool_free(&pool);
		return oci_fail(&err);
	}
	pid = (pid_t)c.s.pid;
	tty = config.process && config.process->terminal && !f.create.console_socket && isatty(0);
	ret = container_start(&c, &err);
	if (ret == 0 && tty && !f.detach)
		ret = tty_raw(&err);
	container_close(&c);
	if (ret < 0)
		oci_fail(&err);
	else if (!f.detach)
		status = wait_for(pid, sig_fd);
	tty_restore();
	if ((ret < 0 || !f.detach) && !f.keep)
		remove_container(f.create.id);
	pool_free(&pool);
	return ret < 0 ? 1 : status;
}

const struct command cmd_create = {
	.name = "create",
	.usage = "moat create [--bundle DIR] [--pid-file FILE] [--console-socket SOCKET] ID",
	.summary = "Make a container from an OCI bundle.",
	.run = create,
};

const struct command cmd_start = {
	.name = "start",
	.usage = "moat start ID",
	.summary = "Run the program of a created container.",
	.run = start,
};

const struct command cmd_run = {
	.name = "run",
	.usage =
		"moat run [--bundle DIR] [--pid-file FILE] [--console-socket SOCKET] [--detach] [--keep] ID",
	.summary = "Make a container and run its program.",
	.help = "  --detach  do not wait for its end\n"
		"  --keep    do not delete it when it ended\n",
	.run = run,
};
