/*
 * dmesg.c - `moat dmesg`: the log of the kernel inside a container, from its boot on.
 */
#include <stdio.h>
#include <unistd.h>

#include "host/cmd.h"
#include "host/printable.h"
#include "oci/client.h"

#define PARTS_MAX 4096 /* messages of a log: more than it can be long */

static int print_log(int fd, struct error *err)
{
	struct chan_msg m = { 0 };

	for (unsigned parts = 0; parts < PARTS_MAX; parts++) {
		uint64_t next = m.b;

		m = (struct chan_msg){ .type = CHAN_DMESG, .a = next };
		if (client_ask(fd, &m, NULL, 0, err) < 0)
			return -1;
		if (!m.len)
			return 0;
		printable(m.data, m.len, true);
		fwrite(m.data, 1, m.len, stdout);
	}
	return 0;
}

static int run(int argc, char **argv)
{
	struct error err = { 0 };
	const char *id = operand_id(argc, argv, 1, &err);
	int fd = id ? client_talk(id, &err) : -1, ret;

	if (fd < 0)
		return oci_fail(&err);
	ret = print_log(fd, &err);
	close(fd);
	return ret < 0 ? oci_fail(&err) : 0;
}

const struct command cmd_dmesg = {
	.name = "dmesg",
	.usage = "moat dmesg ID",
	.summary = "Print the log of a container's kernel.",
	.run = run,
};
