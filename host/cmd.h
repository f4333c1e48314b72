/*
 * cmd.h - the verbs of the command line: a file cmd_<verb>.c and a row in main.c's table each.
 */
#ifndef MOAT_HOST_CMD_H
#define MOAT_HOST_CMD_H

/* Exit status of moat's own failures, as container engines use it. */
#define EXIT_MOAT 125

struct command {
	const char *name;
	const char *usage;		   /* "moat do [OPTIONS] -- PROG [ARG...]" */
	const char *summary;		   /* one line */
	const char *help;		   /* the option list, or NULL */
	int (*run)(int argc, char **argv); /* argv[0] is the verb; returns the exit status */
};

extern const struct command cmd_do, cmd_doctor, cmd_help;
extern const struct command cmd_create, cmd_start, cmd_run, cmd_exec, cmd_state, cmd_list, cmd_kill,
	cmd_delete, cmd_ps, cmd_pause, cmd_resume, cmd_update, cmd_events, cmd_spec, cmd_features,
	cmd_checkpoint, cmd_restore, cmd_dmesg, cmd_trace, cmd_debug, cmd_install, cmd_port_forward;
extern const struct command *const commands[]; /* NULL-ended */

#endif
