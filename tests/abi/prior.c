/*
 * Files that were there before the program started. In the sandbox they lie in the read-only lower
 * layer of an overlay, and each change copies up, hides or replaces them; natively they are plain
 * files. `prior @prepare DIR`, run outside the sandbox, makes DIR; ABI_PRIOR=DIR names it to the test.
 */
#include "abi.h"

static const char *prior_dir(void)
{
	const char *d = getenv("ABI_PRIOR");

	return d && chdir(d) == 0 ? d : NULL;
}

#define ENTER()                                                        \
	do {                                                           \
		if (!prior_dir())                                      \
			SKIP("ABI_PRIOR names no prepared directory"); \
	} while (0)

static void make(const char *path, const char *content, mode_t mode)
{
	int fd = open(path, O_CREAT | O_EXCL | O_WRONLY, 0600);

	if (fd < 0 || write(fd, content, strlen(content)) != (ssize_t)strlen(content) ||
	    fchmod(fd, mode)) {
		abi_say("cannot make %s: %s\n", path, abi_errname(errno));
		_exit(1);
	}
	close(fd);
}

HELPER(prepare)
{
	char name[64], block[4096];
	int fd;

	umask(0);
	if (argc != 1 || (mkdir(argv[0], 0777) && errno != EEXIST) || chdir(argv[0]) ||
	    mkdir("dir", 0777) || mkdir("many", 0777) || mkdir("gone", 0777) ||
	    mkdir("dir/sub", 0777))
		return 1;
	make("read", "as it was", 0666);
	make("write", "0123456789", 0640);
	make("append", "first\n", 0666);
	make("trunc", "to be cut", 0666);
	make("map", "mapped text", 0666);
	make("unlink", "x", 0666);
	make("rename", "moves", 0666);
	make("over", "old", 0666);
	make("chmod", "x", 0600);
	make("links-a", "two names", 0666);
	make("dir/file", "inside", 0666);
	make("dir/sub/deep", "deeper", 0666);
	make("gone/x", "x", 0666);
	if (link("links-a", "links-b") || symlink("read", "symlink"))
		return 1;
	for (int i = 0; i < 50; i++) {
		snprintf(name, sizeof(name), "many/file-%02d", i);
		make(name, "x", 0666);
	}
	make("big", "", 0666);
	fd = open("big", O_WRONLY);
	for (int i = 0; i < 300; i++) {
		memset(block, 'a' + i % 26, sizeof(block));
		if (write(fd, block, sizeof(block)) != sizeof(block))
			return 1;
	}
	return close(fd) != 0;
}

static int entries(const char *dir)
{
	struct dirent *e;
	DIR *d = opendir(dir);
	int n = 0;

	while (d && (e = readdir(d)))
		n += strcmp(e->d_name, ".") && strcmp(e->d_name, "..");
	if (d)
		closedir(d);
	return n;
}

TEST(reading)
{
	ENTER();
	CHECK_STR(abi_content("read"), "as it was");
	CHECK_STR(abi_content("symlink"), "as it was");
	CHECK_STR(abi_content("dir/sub/deep"), "deeper");
	CHECK_EQ(entries("many"), 50);
}

TEST(write_in_the_middle)
{
	struct stat before, st;
	int rd, fd;
	char b[16] = "";

	ENTER();
	CHECK_OK(stat("write", &before));
	rd = open("write", O_RDONLY);
	fd = CHECK_OK(open("write", O_RDWR));
	CHECK_EQ(pwrite(fd, "XX", 2, 4), 2);
	CHECK_EQ(pread(fd, b, 16, 0), 10);
	CHECK_STR(b, "0123XX6789");
	CHECK_STR(abi_content("write"), "0123XX6789");
	CHECK_OK(stat("write", &st));
	CHECK_EQ(st.st_mode, before.st_mode); /* mode and owner come along */
	CHECK_EQ(st.st_uid, before.st_uid);
	CHECK_EQ(st.st_size, 10);
	close(rd), close(fd);
}

TEST(large_file_keeps_the_rest)
{
	char b[4096];
	int fd;

	ENTER();
	fd = CHECK_OK(open("big", O_RDWR));
	CHECK_EQ(pwrite(fd, "!", 1, 150 * 4096 + 7), 1);
	for (int i = 0; i < 300; i++) {
		CHECK_EQ(pread(fd, b, 4096, i * 4096L), 4096);
		if (!CHECK_EQ(b[0], 'a' + i % 26) || !CHECK_EQ(b[4095], 'a' + i % 26))
			break;
		CHECK_EQ(b[7], i == 150 ? '!' : 'a' + i % 26);
	}
	close(fd);
}

TEST(append_and_truncate)
{
	int fd;

	ENTER();
	fd = CHECK_OK(open("append", O_WRONLY | O_APPEND));
	CHECK_EQ(write(fd, "second\n", 7), 7);
	close(fd);
	CHECK_STR(abi_content("append"), "first\nsecond\n");
	CHECK_OK(truncate("trunc", 5));
	CHECK_STR(abi_content("trunc"), "to be");
	fd = CHECK_OK(open("trunc", O_WRONLY | O_TRUNC));
	close(fd);
	CHECK_STR(abi_content("trunc"), "");
}

TEST(shared_mapping)
{
	char *p;
	int fd;

	ENTER();
	fd = CHECK_OK(open("map", O_RDWR));
	p = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	REQUIRE(p != MAP_FAILED);
	CHECK_STR(p, "mapped text");
	p[0] = 'M';
	CHECK_STR(abi_content("map"), "Mapped text");
	CHECK_EQ(pwrite(fd, "TEXT", 4, 7), 4);
	CHECK_STR(p, "Mapped TEXT");
	CHECK_OK(munmap(p, PAGE));
	close(fd);
}

TEST(unlink_hides)
{
	int fd, n;

	ENTER();
	n = entries(".");
	fd = CHECK_OK(open("unlink", O_RDONLY));
	CHECK_OK(unlink("unlink"));
	CHECK_ERRNO(open("unlink", O_RDONLY), ENOENT);
	CHECK_ERRNO(unlink("unlink"), ENOENT);
	CHECK_EQ(entries("."), n - 1);
	char c;
	CHECK_EQ(read(fd, &c, 1), 1); /* the open file lives on */
	close(fd);
	fd = CHECK_OK(open("unlink", O_CREAT | O_EXCL | O_RDWR, 0600));
	CHECK_STR(abi_content("unlink"), ""); /* nothing of the old one */
	close(fd);
	CHECK_EQ(entries("."), n);
	CHECK_OK(unlink("unlink"));
}

TEST(renames)
{
	ENTER();
	CHECK_OK(rename("rename", "renamed"));
	CHECK_STR(abi_content("rename"), "ENOENT");
	CHECK_STR(abi_content("renamed"), "moves");
	CHECK_OK(rename("renamed", "over"));
	CHECK_STR(abi_content("over"), "moves");
	CHECK_OK(rename("over", "dir/file"));
	CHECK_STR(abi_content("dir/file"), "moves");
	CHECK_STR(abi_content("over"), "ENOENT");
	CHECK_EQ(entries("dir"), 2);
	/* a directory of the lower layer: done, or EXDEV as an overlay may say; then mv copies */
	errno = 0;
	if (rename("dir/sub", "sub") == 0) {
		CHECK_STR(abi_content("sub/deep"), "deeper");
		CHECK_STR(abi_content("dir/sub/deep"), "ENOENT");
	} else {
		CHECK(errno == EXDEV && abi_sandboxed());
	}
}

TEST(whole_directory_goes)
{
	ENTER();
	CHECK_ERRNO(rmdir("gone"), ENOTEMPTY);
	CHECK_OK(unlink("gone/x"));
	CHECK_EQ(entries("gone"), 0);
	CHECK_OK(rmdir("gone"));
	CHECK_ERRNO(access("gone", F_OK), ENOENT);
	CHECK_OK(mkdir("gone", 0755)); /* a new one hides what was below */
	CHECK_EQ(entries("gone"), 0);
	CHECK_ERRNO(access("gone/x", F_OK), ENOENT);
	CHECK_OK(rmdir("gone"));
}

TEST(listing_merges)
{
	char name[32];
	int fd;

	ENTER();
	for (int i = 0; i < 50; i += 5) {
		snprintf(name, sizeof(name), "many/file-%02d", i);
		CHECK_OK(unlink(name));
	}
	fd = CHECK_OK(open("many/fresh", O_CREAT | O_WRONLY, 0600));
	close(fd);
	fd = CHECK_OK(open("many/file-01", O_WRONLY | O_TRUNC)); /* in both layers, listed once */
	close(fd);
	CHECK_EQ(entries("many"), 41);
	CHECK_OK(unlink("many/file-01"));
	CHECK_EQ(entries("many"), 40);
}

TEST(attributes)
{
	struct timespec t[2] = { { 1000, 5 }, { 2000, 6 } };
	struct stat st;

	ENTER();
	CHECK_OK(chmod("chmod", 0641));
	CHECK_OK(utimensat(AT_FDCWD, "chmod", t, 0));
	CHECK_OK(stat("chmod", &st));
	CHECK_EQ(st.st_mode & 07777, 0641);
	CHECK_EQ(st.st_mtim.tv_sec, 2000);
	CHECK_EQ(st.st_mtim.tv_nsec, 6);
	CHECK_STR(abi_content("chmod"), "x");
}

TEST(hard_link_to_a_prior_file)
{
	struct stat a, b;

	ENTER();
	CHECK_OK(link("links-a", "links-c"));
	CHECK_OK(stat("links-a", &a));
	CHECK_OK(stat("links-c", &b));
	CHECK_EQ(a.st_ino, b.st_ino);
	int fd = CHECK_OK(open("links-a", O_WRONLY));
	CHECK_EQ(write(fd, "TWO", 3), 3);
	close(fd);
	CHECK_STR(abi_content("links-c"), "TWO names");
}
