/*
 * Trees of more levels than a kernel's stack has room for: made, changed at the bottom, asked for their names, left, and gone
 * with one unmount. As root.
 */
#include "own_ns.h"

#define LEVELS 12000

static void descend(void)
{
	for (int i = 0; i < LEVELS; i++) {
		CHECK_OK(mkdir("d", 0755));
		CHECK_OK(chdir("d"));
	}
	close(abi_file("f", "x", 0644));
}

static void at_the_bottom(void)
{
	char name[4096];

	CHECK_ERRNO(syscall(SYS_getcwd, name, sizeof(name)), ENAMETOOLONG);
	CHECK_OK(mkdir("e", 0755));
	CHECK_OK(rename("f", "e/g"));
	CHECK_ERRNO(rename("../d", "e/d"), EINVAL); /* a directory into itself */
	CHECK_OK(unlink("e/g"));
}

static void climb(void)
{
	for (int i = 0; i < LEVELS; i++)
		CHECK_OK(chdir(".."));
}

TEST_FORK(unmounted)
{
	OWN_MOUNTS();
	CHECK_OK(mkdir("m", 0755));
	CHECK_OK(mount("none", "m", "tmpfs", 0, NULL));
	CHECK_OK(chdir("m"));
	descend();
	at_the_bottom();
	climb();
	CHECK_OK(chdir(".."));
	CHECK_OK(umount("m"));
}

/* It goes with its last user, who stands at the bottom. */
TEST_FORK(detached)
{
	int top, bottom;

	OWN_MOUNTS();
	CHECK_OK(mkdir("m", 0755));
	top = CHECK_OK(open(".", O_RDONLY | O_DIRECTORY));
	CHECK_OK(mount("none", "m", "tmpfs", 0, NULL));
	CHECK_OK(chdir("m"));
	descend();
	bottom = CHECK_OK(open(".", O_RDONLY | O_DIRECTORY));
	CHECK_OK(fchdir(top));
	CHECK_OK(umount2("m", MNT_DETACH));
	close(bottom);
}
