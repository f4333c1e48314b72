/*
 * label.c - see label.h.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "host/label.h"

static struct {
	enum label_module module;
	const char *text;
} chosen;

static bool exists(const char *dir, const char *file)
{
	char path[256];

	return (size_t)snprintf(path, sizeof(path), "%s/%s", dir, file) < sizeof(path) &&
	       access(path, F_OK) == 0;
}

enum label_module label_module(const char *sys)
{
	if (exists(sys, "kernel/security/apparmor"))
		return LABEL_APPARMOR;
	return exists(sys, "fs/selinux/enforce") ? LABEL_SELINUX : LABEL_NONE;
}

void label_choose(enum label_module m, const char *text)
{
	chosen.module = text && *text ? m : LABEL_NONE;
	chosen.text = text;
}

int label_open(const char *proc, struct error *err)
{
	/* The first is AppArmor's where several modules are stacked. */
	static const char *const files[] = { "self/attr/apparmor/current", "self/attr/current" };
	char path[256];
	int fd = -1;

	if (chosen.module == LABEL_NONE)
		return -2;
	for (size_t i = chosen.module == LABEL_APPARMOR ? 0 : 1; i < 2 && fd < 0; i++) {
		snprintf(path, sizeof(path), "%s/%s", proc, files[i]);
		fd = open(path, O_WRONLY | O_CLOEXEC);
	}
	return fd < 0 ? error_errno(err, "%s", path) : fd;
}

int label_take(int fd, struct error *err)
{
	char text[4096];
	ssize_t n;
	int len;

	if (fd == -2)
		return 0;
	len = snprintf(text, sizeof(text), "%s%s",
		       chosen.module == LABEL_APPARMOR ? "changeprofile " : "", chosen.text);
	n = (size_t)len < sizeof(text) ? write(fd, text, (size_t)len) : -1;
	if (n != len)
		error_errno(err, "take the security label '%.200s'", chosen.text);
	close(fd);
	return n == len ? 0 : -1;
}
