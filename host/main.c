/*
 * main.c - moat's entry: one table of commands. The options before the command are runc's, for engines (oci/oci.h).
 */
#include <stdio.h>
#include <string.h>

#include "host/cmd.h"
#include "oci/oci.h"

const struct command *const commands[] = {
	&cmd_do,      &cmd_doctor,  &cmd_create, &cmd_start,  &cmd_run,	     &cmd_exec,
	&cmd_state,   &cmd_list,    &cmd_kill,	 &cmd_delete, &cmd_ps,	     &cmd_pause,
	&cmd_resume,  &cmd_update,  &cmd_events, &cmd_spec,   &cmd_features, &cmd_checkpoint,
	&cmd_restore, &cmd_install, &cmd_dmesg,	 &cmd_trace,  &cmd_debug,    &cmd_port_forward,
	&cmd_help,    NULL,
};

static const struct command *find(const char *name)
{
	for (const struct command *const *c = commands; *c; c++)
		if (strcmp((*c)->name, name) == 0)
			return *c;
	return NULL;
}

static int help(int argc, char **argv)
{
	const struct command *c = argc > 1 ? find(argv[1]) : NULL;

	if (argc > 1 && !c) {
		fprintf(stderr, "moat: no command '%s'; 'moat help' lists them\n", argv[1]);
		return EXIT_MOAT;
	}
	if (c) {
		printf("usage: %s\n\n%s\n%s%s", c->usage, c->summary, c->help ? "\n" : "",
		       c->help ? c->help : "");
		return 0;
	}
	printf("moat runs Linux programs on a kernel of its own, in a sandbox.\n\nusage: moat COMMAND ...\n\n");
	for (const struct command *const *v = commands; *v; v++)
		printf("  %-12s %s\n", (*v)->name, (*v)->summary);
	printf("\n'moat help COMMAND' tells more; 'moat --version' the version.\n");
	return 0;
}

const struct command cmd_help = {
	.name = "help",
	.usage = "moat help [COMMAND]",
	.summary = "List the commands, or explain one.",
	.run = help,
};

int main(int argc, char **argv)
{
	struct error err = { 0 };
	const struct command *c;
	int first;

	if (argc < 2) {
		help(1, argv);
		return EXIT_MOAT;
	}
	if (strcmp(argv[1], "--version") == 0 || strcmp(argv[1], "-v") == 0) {
		printf("moat version %s\nspec: 1.2.0\n", MOAT_VERSION);
		return 0;
	}
	if (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "-h") == 0)
		return help(1, argv);
	first = oci_global_options(argc, argv, &err);
	if (first < 0 || first == argc) {
		fprintf(stderr, "moat: %s\n",
			first < 0 ? err.msg : "no command; 'moat help' lists them");
		return EXIT_MOAT;
	}
	c = find(argv[first]);
	if (!c) {
		fprintf(stderr, "moat: no command '%s'; 'moat help' lists them\n", argv[first]);
		return EXIT_MOAT;
	}
	return c->run(argc - first, argv + first);
}
