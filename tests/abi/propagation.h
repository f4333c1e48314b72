/*
 * propagation.h - for tests of shared subtrees: a tree of our own, and what mountinfo says of its mounts.
 */
#ifndef PROPAGATION_H
#define PROPAGATION_H

#include "own_ns.h"

/* Directories a to f on a private tmpfs of our own. */
ABI_UNUSED static void make_tree(void)
{
	CHECK_OK(mkdir("t", 0755));
	CHECK_OK(mount("none", "t", "tmpfs", 0, NULL));
	CHECK_OK(chdir("t"));
	for (char n[] = "a"; *n <= 'f'; n[0]++)
		CHECK_OK(mkdir(n, 0755));
}

#define SETUP()               \
	do {                  \
		OWN_MOUNTS(); \
		make_tree();  \
	} while (0)

ABI_UNUSED static void make(const char *path, unsigned long type)
{
	CHECK_OK(mount(NULL, path, NULL, type, NULL));
}

ABI_UNUSED static void bind_(const char *from, const char *to)
{
	CHECK_OK(mount(from, to, NULL, MS_BIND, NULL));
}

/* A tmpfs with a directory x on it. */
ABI_UNUSED static void tmpfs(const char *at)
{
	char name[64];

	CHECK_OK(mount("none", at, "tmpfs", 0, NULL));
	snprintf(name, sizeof(name), "%s/x", at);
	CHECK_OK(mkdir(name, 0755));
}

/* What /proc/PID/mountinfo says of the mount at our path: its optional fields, "private" if none; NULL: no mount there. */
ABI_UNUSED static const char *fields_of(const char *proc, const char *path)
{
	static char out[4096];
	char full[PATH_MAX], line[8192], point[PATH_MAX], rest[4096];
	FILE *f = fopen(proc, "r");
	const char *got = NULL;

	CHECK(f != NULL);
	CHECK(getcwd(full, sizeof(full)) != NULL);
	if (*path) {
		strcat(full, "/");
		strcat(full, path);
	}
	while (fgets(line, sizeof(line), f)) {
		char *dash;

		if (sscanf(line, "%*d %*d %*s %*s %4095s %*s %4095[^\n]", point, rest) != 2 ||
		    strcmp(point, full))
			continue;
		dash = rest[0] == '-' ? rest : strstr(rest, " - ");
		CHECK(dash != NULL);
		*dash = 0;
		snprintf(out, sizeof(out), "%s", *rest ? rest : "private");
		got = out; /* the last one is on top */
	}
	fclose(f);
	return got;
}

ABI_UNUSED static const char *fields(const char *path)
{
	return fields_of("/proc/self/mountinfo", path);
}

ABI_UNUSED static int number(const char *text, const char *key)
{
	const char *p = text ? strstr(text, key) : NULL;

	return p ? atoi(p + strlen(key)) : 0;
}

ABI_UNUSED static int peer(const char *path)
{
	return number(fields(path), "shared:");
}

ABI_UNUSED static int master(const char *path)
{
	return number(fields(path), "master:");
}

ABI_UNUSED static int is_private(const char *path)
{
	const char *f = fields(path);

	return f && !strcmp(f, "private");
}

#endif
