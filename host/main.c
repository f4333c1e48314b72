/*
 * main.c - moat's entry: one table of verbs.
 */
#include <stdio.h>
#include <string.h>

#include "host/cmd.h"

const struct command *const commands[] = { &cmd_do, &cmd_doctor, &cmd_help, NULL };

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
		printf("  %-8s %s\n", (*v)->name, (*v)->summary);
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
	const struct command *c;

	if (argc < 2) {
		help(1, argv);
		return EXIT_MOAT;
	}
	if (strcmp(argv[1], "--version") == 0 || strcmp(argv[1], "-v") == 0) {
		printf("moat version %s\n", MOAT_VERSION);
		return 0;
	}
	if (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "-h") == 0)
		return help(1, argv);
	c = find(argv[1]);
	if (!c) {
		fprintf(stderr, "moat: no command '%s'; 'moat help' lists them\n", argv[1]);
		return EXIT_MOAT;
	}
	return c->run(argc - 1, argv + 1);
}
