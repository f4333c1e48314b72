/*
 * install.c - `moat install`: the runtime's entry in an engine's configuration. The rest of the file stays as it is, the
 * change is shown before it is made, and a second time there is nothing to change.
 */
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "host/cmd.h"
#include "host/error.h"
#include "host/write_all.h"
#include "oci/json_edit.h"
#include "oci/oci.h"
#include "oci/text_diff.h"
#include "oci/toml_edit.h"

#define NAME_LEN_MAX 128

struct entry {
	const char *name, *runtime; /* the entry's, the program's path */
};

/* ---- the engines ---- */

/* Replaces *text, malloc'd. */
static int set(char **text, toml_path table, const char *key, const char *value, struct error *err)
{
	char quoted[PATH_MAX + 3], *new_text;

	snprintf(quoted, sizeof(quoted), "\"%s\"", value);
	new_text = toml_set(*text, table, key, quoted, err);
	if (!new_text)
		return -1;
	free(*text);
	*text = new_text;
	return 0;
}

static bool says_nothing(const char *text)
{
	for (;; text += strcspn(text, "\n")) {
		text += strspn(text, " \t\r\n");
		if (!*text)
			return true;
		if (*text != '#')
			return false;
	}
}

/* The name of the CRI plugin's part that has the runtimes: it depends on the file's version. */
static const char *cri_plugin(char **text, struct error *err)
{
	static const char *const top[] = { NULL };
	const char *plugin = NULL;
	char *version, *new_text;

	if (says_nothing(*text)) {
		new_text = toml_set(*text, top, "version", "2", err);
		if (!new_text)
			return NULL;
		free(*text);
		*text = new_text;
	}
	*err = (struct error){ 0 };
	version = toml_get(*text, top, "version", err);
	if (version && strcmp(version, "2") == 0)
		plugin = "io.containerd.grpc.v1.cri";
	else if (version && strcmp(version, "3") == 0)
		plugin = "io.containerd.cri.v1.runtime";
	else if (!err->err)
		error_set(
			err, EINVAL,
			"it is of version %.8s, not 2 or 3; 'containerd config migrate' prints it as a later one",
			version ? version : "1");
	free(version);
	return plugin;
}

/* Where a file names runtimes at all, containerd knows no others: runc must be among them. */
static char *edit_containerd(const char *old, const struct entry *e, struct error *err)
{
	static const char *const top[] = { NULL };
	char *text = strdup(old), *disabled;
	const char *plugin = text ? cri_plugin(&text, err) : NULL;
	const char *runc[] = { "plugins", plugin, "containerd", "runtimes", "runc", NULL };
	const char *ours[] = { "plugins", plugin, "containerd", "runtimes", e->name, NULL, NULL };

	if (!plugin)
		goto fail;
	if (!toml_has_table(text, runc) &&
	    set(&text, runc, "runtime_type", "io.containerd.runc.v2", err) < 0)
		goto fail;
	if (set(&text, ours, "runtime_type", "io.containerd.runc.v2", err) < 0)
		goto fail;
	ours[5] = "options";
	if (set(&text, ours, "BinaryName", e->runtime, err) < 0)
		goto fail;
	disabled = toml_get(text, top, "disabled_plugins", err);
	if (disabled && strstr(disabled, "cri"))
		fprintf(stderr,
			"moat: disabled_plugins has containerd's CRI plugin: Kubernetes will not reach it\n");
	free(disabled);
	return text;
fail:
	free(text);
	return NULL;
}

static char *edit_docker(const char *old, const struct entry *e, struct error *err)
{
	const char *const path[] = { "runtimes", e->name, "path", NULL };

	return json_set(old, path, e->runtime, err);
}

static char *edit_crio(const char *old, const struct entry *e, struct error *err)
{
	const char *const table[] = { "crio", "runtime", "runtimes", e->name, NULL };
	char *text = strdup(old);

	/* A new line goes below the header: the last comes first. */
	if (text && set(&text, table, "runtime_root", "/run/moat", err) == 0 &&
	    set(&text, table, "runtime_type", "oci", err) == 0 &&
	    set(&text, table, "runtime_path", e->runtime, err) == 0)
		return text;
	free(text);
	return NULL;
}

static const struct engine {
	const char *option, *then;
	char *(*edit)(const char *old, const struct entry *e, struct error *err);
} engines[] = {
	{ "containerd", "restart containerd", edit_containerd },
	{ "docker", "let dockerd read it: systemctl reload docker", edit_docker },
	{ "crio", "restart crio", edit_crio },
};
#define ENGINES (sizeof(engines) / sizeof(*engines))

/* ---- files ---- */

/* "" for one that is not there yet. */
static char *read_text(const char *path, struct error *err)
{
	FILE *f = fopen(path, "re");
	char *text = NULL;
	size_t room = 0;
	struct stat st;

	if (!f && errno == ENOENT)
		return strdup("");
	if (!f || fstat(fileno(f), &st) < 0)
		error_errno(err, "%s", path);
	else if (!S_ISREG(st.st_mode) || st.st_size > 16 << 20)
		error_set(err, EINVAL, "%s: is no configuration file", path);
	else if (getdelim(&text, &room, 0, f) < 0 && !feof(f))
		error_errno(err, "%s", path);
	else if (!text)
		text = strdup("");
	else if (strlen(text) != (size_t)st.st_size)
		error_set(err, EINVAL, "%s: has a NUL byte", path), free(text), text = NULL;
	if (f)
		fclose(f);
	return text;
}

/* As a whole or not at all, with the owner and mode of the one that is there, and behind a link to it. */
static int write_text(const char *name, const char *text, struct error *err)
{
	char path[PATH_MAX], tmp[PATH_MAX + 8];
	struct stat st = { .st_mode = 0644 };
	size_t len = strlen(text);
	bool old = stat(name, &st) == 0;
	int fd;

	if (!realpath(name, path))
		snprintf(path, sizeof(path), "%s", name);
	snprintf(tmp, sizeof(tmp), "%s", path);
	if (strrchr(tmp, '/') > tmp) {
		*strrchr(tmp, '/') = 0;
		mkdir(tmp, 0755);
	}
	snprintf(tmp, sizeof(tmp), "%s.moat", path);
	fd = open(tmp, O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC, 0600);
	if (fd < 0)
		return error_errno(err, "%s", tmp);
	if (write_all(fd, text, len) == 0 && fchmod(fd, st.st_mode & 07777) == 0 &&
	    (!old || fchown(fd, st.st_uid, st.st_gid) == 0) && fsync(fd) == 0 &&
	    rename(tmp, path) == 0) {
		close(fd);
		return 0;
	}
	error_errno(err, "%s", path);
	close(fd);
	unlink(tmp);
	return -1;
}

/* ---- the command ---- */

struct flags {
	struct entry entry;
	const char *file[ENGINES];
	bool dry_run, yes;
};

static bool answered_yes(const char *path)
{
	char line[16] = "";

	printf("Write %s? [y/N] ", path);
	fflush(stdout);
	return fgets(line, sizeof(line), stdin) && (*line == 'y' || *line == 'Y');
}

static int install(const struct engine *e, const char *path, const struct flags *f,
		   struct error *err)
{
	char *old = read_text(path, err), *text = NULL;
	int ret = -1;

	if (old && !(text = e->edit(old, &f->entry, err)))
		error_wrap(err, "%s", path);
	if (text && strcmp(old, text) == 0) {
		printf("%s: nothing to change\n", path);
		ret = 0;
	} else if (text && text_diff(stdout, path, old, text) < 0) {
		error_set(err, ENOMEM, "out of memory");
	} else if (text && f->dry_run) {
		ret = 0;
	} else if (text && !f->yes && !isatty(0)) {
		error_set(err, 0, "%s: not written: --yes writes it", path);
	} else if (text && !f->yes && !answered_yes(path)) {
		error_set(err, 0, "%s: not written", path);
	} else if (text) {
		ret = write_text(path, text, err);
		if (ret == 0)
			printf("%s: written; %s\n", path, e->then);
	}
	free(old);
	free(text);
	return ret;
}

/* What goes between quotes in three languages. */
static int check(const struct entry *e, struct error *err)
{
	if (!e->name[0] || e->name[strspn(e->name, "abcdefghijklmnopqrstuvwxyz0123456789._-"
						   "ABCDEFGHIJKLMNOPQRSTUVWXYZ")])
		return error_set(err, EINVAL,
				 "--name '%.40s': use letters, digits, dots, _ and - alone",
				 e->name);
	if (strlen(e->name) > NAME_LEN_MAX || strlen(e->runtime) >= PATH_MAX)
		return error_set(err, ENAMETOOLONG, "--name and --runtime: at most %d and %d bytes",
				 NAME_LEN_MAX, PATH_MAX - 1);
	if (e->runtime[0] != '/' || strpbrk(e->runtime, "\"\\\n\t\r"))
		return error_set(err, EINVAL, "--runtime '%.80s': must be an absolute path",
				 e->runtime);
	return 0;
}

static int parse(int argc, char **argv, struct flags *f, struct error *err)
{
	static const struct option options[] = {
		{ "containerd", required_argument, NULL, 0 },
		{ "docker", required_argument, NULL, 1 },
		{ "crio", required_argument, NULL, 2 },
		{ "name", required_argument, NULL, 'n' },
		{ "runtime", required_argument, NULL, 'r' },
		{ "dry-run", no_argument, NULL, 'd' },
		{ "yes", no_argument, NULL, 'y' },
		{ 0 },
	};
	static char self[PATH_MAX];
	bool any = false;
	int o;

	*f = (struct flags){ .entry = { "moat", self } };
	if (readlink("/proc/self/exe", self, sizeof(self) - 1) < 0)
		return error_errno(err, "/proc/self/exe");
	opterr = 0;
	optind = 1;
	while ((o = getopt_long(argc, argv, "+y", options, NULL)) != -1) {
		if (o >= 0 && o < (int)ENGINES)
			f->file[o] = optarg, any = true;
		else if (o == 'n')
			f->entry.name = optarg;
		else if (o == 'r')
			f->entry.runtime = optarg;
		else if (o == 'd')
			f->dry_run = true;
		else if (o == 'y')
			f->yes = true;
		else
			return error_set(err, EINVAL, "install: unknown option or missing file: %s",
					 argv[optind - 1]);
	}
	if (!any || optind != argc)
		return error_set(
			err, EINVAL,
			"install: say where: --containerd FILE, --docker FILE or --crio FILE; 'moat help install' tells more");
	return check(&f->entry, err);
}

static int run(int argc, char **argv)
{
	struct error err = { 0 };
	struct flags f;
	int ret = 0;

	if (parse(argc, argv, &f, &err) < 0)
		return oci_fail(&err);
	for (size_t i = 0; i < ENGINES; i++)
		if (f.file[i] && install(&engines[i], f.file[i], &f, &err) < 0)
			ret = oci_fail(&err);
	return ret;
}

const struct command cmd_install = {
	.name = "install",
	.usage =
		"moat install [--containerd FILE] [--docker FILE] [--crio FILE] [--dry-run] [--yes]",
	.summary = "Name moat as a runtime in an engine's configuration.",
	.help = "  --containerd FILE  a handler of its CRI plugin: /etc/containerd/config.toml\n"
		"  --docker FILE      a runtime for docker run --runtime: /etc/docker/daemon.json\n"
		"  --crio FILE        a handler of CRI-O: /etc/crio/crio.conf.d/10-moat.conf\n"
		"  --name NAME        what the engine calls it (moat)\n"
		"  --runtime PATH     the program (this one)\n"
		"  --dry-run          show the change and write nothing\n"
		"  --yes              write without a question; without a terminal nothing is written otherwise\n"
		"The change is shown first; the rest of a file stays as it is, and a file is replaced as a whole. 1 if one was not\n"
		"written.\n",
	.run = run,
};
