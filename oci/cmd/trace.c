/*
 * trace.c - `moat trace`: the system calls of a running container, a line each, until this command or the container ends. There
 * is one trace of a sandbox at a time.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "abi/control.h"
#include "host/cmd.h"
#include "host/printable.h"
#include "host/trace_filter.h"
#include "oci/client.h"

_Static_assert(TRACE_FILTER_BYTES == CTL_TRACE_BYTES, "a filter as it travels");

/* Lines until the sandbox ends. */
static int print_lines(int fd, struct error *err)
{
	struct chan_msg m;
	int got;

	while ((got = chan_recv(fd, &m, NULL, NULL, 0, err)) > 0) {
		if (m.type != CHAN_NOTE)
			continue;
		printable(m.data, m.len, true);
		if (fwrite(m.data, 1, m.len, stdout) != m.len || fflush(stdout))
			return error_errno(err, "standard output");
	}
	return got;
}

static int run(int argc, char **argv)
{
	struct chan_msg m = { .type = CHAN_TRACE, .len = TRACE_FILTER_BYTES };
	struct error err = { 0 };
	int fd, ret;

	if (argc != 2 && argc != 3) {
		error_set(&err, EINVAL, "trace: needs a container id, and perhaps a filter");
		return oci_fail(&err);
	}
	if (trace_filter_parse(m.data, argv[2], &err) < 0)
		return oci_fail(&err);
	fd = client_talk(argv[1], &err);
	if (fd < 0)
		return oci_fail(&err);
	ret = client_ask(fd, &m, NULL, 0, &err);
	if (ret == 0)
		ret = print_lines(fd, &err);
	close(fd);
	return ret < 0 ? oci_fail(&err) : 0;
}

const struct command cmd_trace = {
	.name = "trace",
	.usage = "moat trace ID [FILTER]",
	.summary = "Print each system call of a running container.",
	.help = "FILTER is what `moat do --trace=FILTER` takes: a list of calls and families (file, desc,\n"
		"process, memory, network, signal, ipc), with ! before it all but these.\n",
	.run = run,
};
