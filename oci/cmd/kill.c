/*
 * kill.c - `moat kill`: a signal for a container's first process, or for all of them.
 */
#include <errno.h>
#include <getopt.h>
#include <signal.h>
#include <string.h>
#include <unistd.h>

#include "host/cmd.h"
#include "oci/cgroup.h"
#include "oci/client.h"
#include "oci/names.h"

#define KILL_SECONDS 10 /* for a sandbox to say that it kills, and then to do it */

/* A sandbox that was taken may answer nothing, or lie: SIGKILL then ends the stand-in, and with it the rest. */
static int ask(const struct container *c, struct chan_msg *m, struct error *err)
{
	bool sure = m->a == SIGKILL;
	int fd = client_attach(c, err), ret = 0;

	if (fd < 0 && err->err != EAGAIN)
		return error_set(err, ESRCH, "container '%s' is not running", c->s.id);
	if (fd >= 0) {
		client_patience(fd, sure ? KILL_SECONDS : 0);
		ret = client_ask(fd, m, NULL, 0, err);
		close(fd);
		if (ret < 0 && err->err != EAGAIN)
			return -1;
	}
	if (!sure)
		return fd < 0 ? -1 : ret;
	if (fd < 0 || ret < 0 || !container_await_end(c, 1000 * KILL_SECONDS))
		container_kill(c, 1000 * KILL_SECONDS);
	return 0;
}

/* A frozen process does not die. That the state says paused does no harm: it is that of an ended container soon. */
static void thaw(struct container *c)
{
	struct cgroup g;

	if (cgroup_find(c->s.cgroups, &c->pool, &g, NULL) == 0)
		cgroup_freeze(&g, false, NULL);
}

/*
 * The sandbox delivers it. A container that was not started yet has no process inside: what would end a program ends its
 * stand-in. That of a paused one passes it on once it runs again; nobody else could take it before. `--all` of a stopped
 * container is no error: engines send it to sweep up.
 */
static int signal_container(struct container *c, int signo, bool all, struct error *err)
{
	enum container_status s = container_status(c);
	struct chan_msg m = { .type = CHAN_SIGNAL,
			      .a = (uint64_t)signo,
			      .b = all ? CHAN_TO_ALL : CHAN_TO_PROCESS };
	int ret;

	if (s == STATUS_STOPPED || s == STATUS_CREATING)
		return all ? 0 : error_set(err, ESRCH, "container '%s' is not running", c->s.id);
	if (!signo)
		return 0; /* it is there */
	if (s == STATUS_PAUSED && signo == SIGKILL)
		thaw(c);
	if (!c->s.started || (s == STATUS_PAUSED && signo != SIGKILL)) {
		if (container_signal(c, signo) < 0 && !all)
			return error_errno(err, "container '%s'", c->s.id);
		return 0;
	}
	/* The answer is the sandbox's, which may be long in coming: other commands must not wait for it. */
	container_unlock(c);
	ret = ask(c, &m, err);
	return ret < 0 && all && err->err == ESRCH ? 0 : ret;
}

static int run(int argc, char **argv)
{
	static const struct option options[] = { { "all", no_argument, NULL, 'a' }, { 0 } };
	struct error err = { 0 };
	struct container c;
	bool all = false;
	int o, signo = SIGTERM, ret;

	opterr = 0;
	optind = 1;
	while ((o = getopt_long(argc, argv, "+a", options, NULL)) != -1) {
		if (o != 'a') {
			error_set(&err, EINVAL, "kill: unknown option %s", argv[optind - 1]);
			return oci_fail(&err);
		}
		all = true;
	}
	if (optind + 1 != argc && optind + 2 != argc) {
		error_set(&err, EINVAL, "kill: needs a container id and at most one signal");
		return oci_fail(&err);
	}
	if (optind + 2 == argc && (signo = signal_number(argv[optind + 1])) < 0) {
		error_set(&err, EINVAL, "kill: unknown signal '%.40s'", argv[optind + 1]);
		return oci_fail(&err);
	}
	/* The last resort must not wait for whoever holds the lock and waits for the sandbox. */
	if ((signo == SIGKILL ? container_peek : container_open)(oci_globals.root, argv[optind], &c,
								 &err) < 0)
		return oci_fail(&err);
	ret = signal_container(&c, signo, all, &err);
	container_close(&c);
	return ret < 0 ? oci_fail(&err) : 0;
}

const struct command cmd_kill = {
	.name = "kill",
	.usage = "moat kill [--all] ID [SIGNAL]",
	.summary = "Send a signal (default TERM) to a container.",
	.help = "  --all  to every process of the container, not its first alone\n",
	.run = run,
};
