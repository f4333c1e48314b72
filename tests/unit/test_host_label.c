// sources: host/label.c host/error.c
/*
 * test_host_label.c - labels are written where the kernel takes them, in its words, with directories in place of /proc and /sys.
 */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "host/label.h"

#define CHECK(cond)                                                                          \
	do {                                                                                 \
		if (!(cond)) {                                                               \
			fprintf(stderr, "%s:%d: not true: %s\n", __FILE__, __LINE__, #cond); \
			exit(1);                                                             \
		}                                                                            \
	} while (0)

static void make(const char *dir, const char *file)
{
	char path[128], cmd[300];

	snprintf(path, sizeof(path), "%s/%s", dir, file);
	snprintf(cmd, sizeof(cmd), "mkdir -p $(dirname %s) && : > %s", path, path);
	CHECK(system(cmd) == 0);
}

static const char *text_of(const char *dir, const char *file)
{
	static char text[300];
	char path[128];
	ssize_t n;
	int fd;

	snprintf(path, sizeof(path), "%s/%s", dir, file);
	fd = open(path, O_RDONLY);
	CHECK(fd >= 0);
	n = read(fd, text, sizeof(text) - 1);
	close(fd);
	text[n < 0 ? 0 : n] = 0;
	return text;
}

int main(void)
{
	char dir[] = "/tmp/label.XXXXXX", cmd[64];
	struct error err = { 0 };
	int fd;

	CHECK(mkdtemp(dir));
	CHECK(label_module(dir) == LABEL_NONE);
	CHECK(label_open(dir, &err) == -2 && label_take(-2, &err) == 0);
	label_choose(LABEL_APPARMOR, "docker-default");
	CHECK(label_open(dir, &err) == -1 && strstr(err.msg, "self/attr/current"));

	make(dir, "self/attr/current");
	fd = label_open(dir, &err);
	CHECK(fd >= 0 && label_take(fd, &err) == 0);
	CHECK(!strcmp(text_of(dir, "self/attr/current"), "changeprofile docker-default"));
	make(dir, "self/attr/apparmor/current");
	make(dir, "self/attr/current");
	fd = label_open(dir, &err);
	CHECK(fd >= 0 && label_take(fd, &err) == 0);
	CHECK(!strcmp(text_of(dir, "self/attr/apparmor/current"), "changeprofile docker-default"));
	CHECK(!*text_of(dir, "self/attr/current"));

	label_choose(LABEL_SELINUX, "system_u:system_r:container_t:s0:c1,c2");
	fd = label_open(dir, &err);
	CHECK(fd >= 0 && label_take(fd, &err) == 0);
	CHECK(!strcmp(text_of(dir, "self/attr/current"), "system_u:system_r:container_t:s0:c1,c2"));

	/* What the kernel refuses is an error. */
	fd = open("/dev/full", O_WRONLY);
	CHECK(fd >= 0 && label_take(fd, &err) == -1 && strstr(err.msg, "container_t"));
	label_choose(LABEL_SELINUX, "");
	CHECK(label_open(dir, &err) == -2);

	make(dir, "fs/selinux/enforce");
	CHECK(label_module(dir) == LABEL_SELINUX);
	make(dir, "kernel/security/apparmor");
	CHECK(label_module(dir) == LABEL_APPARMOR);
	snprintf(cmd, sizeof(cmd), "rm -rf %s", dir);
	return system(cmd) != 0;
}
