/* Attributes of mounts in all their forms: links that are not followed, times of access, and what a remount keeps of them. */
#include "own_ns.h"
#include <sys/statvfs.h>

#ifndef MS_NOSYMFOLLOW
#define MS_NOSYMFOLLOW 256
#endif
#define ST_NOSYMFOLLOW_NR 0x2000
#define NR_MOUNT_SETATTR  442
#define ATTR_NOSYMFOLLOW  0x00200000

struct attr {
	u_int64_t set, clr, propagation, userns_fd;
};

/* The words of the mount at ./m in mountinfo, without those of its super block. */
static const char *words(void)
{
	static char found[256];
	char line[1024], point[512], options[256];
	FILE *f = fopen("/proc/self/mountinfo", "r");

	found[0] = 0;
	while (f && fgets(line, sizeof(line), f)) {
		size_t n;

		if (sscanf(line, "%*d %*d %*s %*s %511s %255s", point, options) != 2)
			continue;
		n = strlen(point);
		if (n > 2 && !strcmp(point + n - 2, "/m"))
			strcpy(found, options);
	}
	if (f)
		fclose(f);
	return found;
}

static unsigned long flags_of(const char *path)
{
	struct statvfs s;

	CHECK_OK(statvfs(path, &s));
	return s.f_flag;
}

static void make_links(void)
{
	CHECK_OK(mkdir("m", 0755));
	CHECK_OK(mount("none", "m", "tmpfs", 0, NULL));
	CHECK_OK(mkdir("m/d", 0755));
	close(abi_file("m/d/f", "x", 0644));
	CHECK_OK(symlink("d", "m/to-d"));
	CHECK_OK(symlink("d/f", "m/to-f"));
	CHECK_OK(symlink("m/to-f", "into"));
}

static void expect_not_followed(void)
{
	struct stat st;
	char b[16];
	int fd;

	CHECK_ERRNO(stat("m/to-f", &st), ELOOP);
	CHECK_ERRNO(stat("m/to-d/f", &st), ELOOP);
	CHECK_ERRNO(stat("m/to-d/", &st), ELOOP);
	CHECK_ERRNO(stat("into", &st), ELOOP);
	CHECK_ERRNO(open("m/to-f", O_RDONLY), ELOOP);
	CHECK_ERRNO(open("m/to-f", O_RDWR | O_CREAT, 0644), ELOOP);
	CHECK_ERRNO(chdir("m/to-d"), ELOOP);
	/* The link itself is as good as ever. */
	CHECK_OK(lstat("m/to-f", &st));
	CHECK_EQ(readlink("m/to-f", b, sizeof(b)), 3);
	fd = CHECK_OK(open("m/to-f", O_PATH | O_NOFOLLOW));
	close(fd);
	CHECK_OK(rename("m/to-f", "m/other"));
	CHECK_OK(rename("m/other", "m/to-f"));
	CHECK(flags_of("m") & ST_NOSYMFOLLOW_NR);
	CHECK(strstr(words(), ",nosymfollow"));
}

TEST_FORK(links_are_not_followed)
{
	struct stat st;

	OWN_MOUNTS();
	make_links();
	CHECK_OK(stat("m/to-f", &st)); /* known by now */
	CHECK_OK(mount(NULL, "m", NULL, MS_REMOUNT | MS_BIND | MS_NOSYMFOLLOW, NULL));
	expect_not_followed();
	CHECK_OK(mount(NULL, "m", NULL, MS_REMOUNT | MS_BIND, NULL));
	CHECK_OK(stat("m/to-f", &st));
	CHECK_OK(stat("into", &st));
	CHECK(!(flags_of("m") & ST_NOSYMFOLLOW_NR));
	CHECK(!strstr(words(), "nosymfollow"));
}

TEST_FORK(by_an_attribute)
{
	struct attr a = { .set = ATTR_NOSYMFOLLOW }, none = { .clr = ATTR_NOSYMFOLLOW };
	struct stat st;

	OWN_MOUNTS();
	make_links();
	CHECK_OK(syscall(NR_MOUNT_SETATTR, AT_FDCWD, "m", 0, &a, sizeof(a)));
	expect_not_followed();
	CHECK_OK(syscall(NR_MOUNT_SETATTR, AT_FDCWD, "m", 0, &none, sizeof(none)));
	CHECK_OK(stat("m/to-d/f", &st));
}

/* Only a link on the mount itself counts, not one that leads there. */
TEST_FORK(from_outside)
{
	struct stat st;

	OWN_MOUNTS();
	make_links();
	CHECK_OK(symlink("m/d", "outside"));
	CHECK_OK(mount(NULL, "m", NULL, MS_REMOUNT | MS_BIND | MS_NOSYMFOLLOW, NULL));
	CHECK_OK(stat("outside/f", &st));
}

/* A remount that says nothing about times leaves them as they are. */
TEST_FORK(times_are_kept)
{
	OWN_MOUNTS();
	CHECK_OK(mkdir("m", 0755));
	CHECK_OK(mount("none", "m", "tmpfs", MS_NOATIME | MS_NODIRATIME, NULL));
	CHECK_STR(words(), "rw,noatime,nodiratime");
	CHECK_OK(mount(NULL, "m", NULL, MS_REMOUNT | MS_BIND | MS_RDONLY, NULL));
	CHECK_STR(words(), "ro,noatime,nodiratime");
	CHECK_OK(mount(NULL, "m", NULL, MS_REMOUNT | MS_BIND | MS_RELATIME, NULL));
	CHECK_STR(words(), "rw,relatime");
	CHECK_OK(mount(NULL, "m", NULL, MS_REMOUNT | MS_BIND | MS_STRICTATIME | MS_NOSUID, NULL));
	CHECK_STR(words(), "rw,nosuid");
	CHECK_OK(mount(NULL, "m", NULL, MS_REMOUNT | MS_BIND | MS_NOEXEC, NULL));
	CHECK_STR(words(), "rw,noexec");
	CHECK_EQ(flags_of("m") & (ST_NOATIME | ST_RELATIME), 0);
	CHECK_OK(mount(NULL, "m", NULL, MS_REMOUNT | MS_BIND | MS_NODIRATIME, NULL));
	CHECK_STR(words(), "rw,nodiratime,relatime");
}
