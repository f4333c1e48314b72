/* A tmpfs as programs find it on /dev/shm: sparse files, holes, mappings, large directories, links. */
#include "abi.h"
#include <sys/statfs.h>

/* A private directory on /dev/shm; removed by leave(). */
static char dir[64];

static int enter(void)
{
	snprintf(dir, sizeof(dir), "/dev/shm/abi-tmpfs-%d", getpid());
	return mkdir(dir, 0755) == 0 && chdir(dir) == 0;
}

static void leave(void)
{
	if (chdir("/"))
		ABI_FAIL("chdir");
	abi_remove_tree(AT_FDCWD, dir);
}

#define ENTER()                                       \
	do {                                          \
		if (!enter())                         \
			SKIP("no writable /dev/shm"); \
	} while (0)

TEST(kind)
{
	struct statfs s;

	ENTER();
	CHECK_OK(statfs(".", &s));
	CHECK_EQ(s.f_type, 0x01021994);
	CHECK_EQ(s.f_namelen, 255);
	leave();
}

TEST(holes_cost_nothing)
{
	struct stat st;
	char b[16];
	int fd;

	ENTER();
	fd = abi_file("sparse", "", 0644);
	CHECK_OK(ftruncate(fd, 1L << 40));
	CHECK_EQ(pwrite(fd, "x", 1, 1L << 39), 1);
	CHECK_OK(fstat(fd, &st));
	CHECK_EQ(st.st_size, 1L << 40);
	CHECK_EQ(st.st_blocks, 8);
	CHECK_EQ(pread(fd, b, 16, (1L << 39) - 8), 16);
	CHECK(!memcmp(b, "\0\0\0\0\0\0\0\0x\0\0\0\0\0\0\0", 16));
	CHECK_EQ(lseek(fd, 0, SEEK_DATA), 1L << 39);
	CHECK_EQ(lseek(fd, 1L << 39, SEEK_HOLE), (1L << 39) + (off_t)PAGE);
	CHECK_OK(fallocate(fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, 1L << 39, PAGE));
	CHECK_OK(fstat(fd, &st));
	CHECK_EQ(st.st_blocks, 0);
	close(fd);
	leave();
}

static void no_room(const char *name)
{
	struct stat st;
	int fd = CHECK_OK(open(name, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600));

	CHECK_ERRNO(fallocate(fd, 0, 4096, 1L << 43), ENOSPC);
	CHECK(fstat(fd, &st) == 0 && st.st_size == 0 && st.st_blocks == 0);
	close(fd);
	unlink(name);
}

/* What no memory has room for is refused at once, not when all memory is full. */
TEST(no_room_for_all)
{
	ENTER();
	no_room("file");
	leave();
	if (!abi_sandboxed())
		return; /* elsewhere a limit is not sure, and the disk is somebody's */
	abi_tmpdir();
	no_room("file");
}

TEST(mapping_and_file_are_one)
{
	char b[8] = "", *p;
	int fd;

	ENTER();
	fd = abi_file("m", "", 0644);
	CHECK_OK(ftruncate(fd, 3 * PAGE));
	p = mmap(NULL, 3 * PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	REQUIRE(p != MAP_FAILED);
	strcpy(p + PAGE, "mapped");
	CHECK_EQ(pread(fd, b, 7, PAGE), 7);
	CHECK_STR(b, "mapped");
	CHECK_EQ(pwrite(fd, "W", 1, PAGE), 1);
	CHECK_EQ(p[PAGE], 'W');
	CHECK_OK(unlink("m"));
	CHECK_OK(close(fd));
	CHECK_EQ(p[PAGE], 'W'); /* the mapping keeps it */
	CHECK_OK(munmap(p, 3 * PAGE));
	leave();
}

TEST(truncation_zeroes_the_tail)
{
	char b[8];
	int fd;

	ENTER();
	fd = abi_file("t", "abcdefgh", 0644);
	CHECK_OK(ftruncate(fd, 3));
	CHECK_OK(ftruncate(fd, 8));
	CHECK_EQ(pread(fd, b, 8, 0), 8);
	CHECK(!memcmp(b, "abc\0\0\0\0\0", 8));
	close(fd);
	leave();
}

TEST(large_directory)
{
	enum { N = 2000 };
	char name[32];
	struct dirent *e;
	int n = 0;
	DIR *d;

	ENTER();
	for (int i = 0; i < N; i++) {
		snprintf(name, sizeof(name), "entry-number-%d", i);
		if (mknod(name, S_IFREG | 0600, 0)) {
			ABI_FAIL("mknod %s: %s", name, abi_errname(errno));
			break;
		}
	}
	d = opendir(".");
	REQUIRE(d);
	while ((e = readdir(d)))
		n += e->d_name[0] == 'e';
	closedir(d);
	CHECK_EQ(n, N);
	CHECK_OK(access("entry-number-1234", F_OK));
	CHECK_ERRNO(access("entry-number-99999", F_OK), ENOENT);
	leave();
}

TEST(link_counts)
{
	struct stat st;

	ENTER();
	CHECK_OK(mkdir("d", 0755));
	CHECK_OK(mkdir("d/a", 0755));
	CHECK_OK(mkdir("d/b", 0755));
	CHECK_OK(stat("d", &st));
	CHECK_EQ(st.st_nlink, 4);
	CHECK_OK(rmdir("d/a"));
	CHECK_OK(rename("d/b", "b"));
	CHECK_OK(stat("d", &st));
	CHECK_EQ(st.st_nlink, 2);
	leave();
}

TEST(deep_tree)
{
	int depth = 0;

	ENTER();
	IN_CHILD
	{
		while (depth < 100 && mkdir("d", 0755) == 0 && chdir("d") == 0)
			depth++;
		CHECK_EQ(depth, 100);
		CHECK_OK(close(CHECK_OK(open("leaf", O_CREAT | O_RDWR, 0600))));
	}
	char path[512] = "d";
	for (int i = 1; i < 100; i++)
		strcat(path, "/d");
	strcat(path, "/leaf");
	CHECK_OK(access(path, F_OK));
	leave();
}

TEST(interleaved_writers)
{
	/* O_APPEND from four processes: no write is lost or torn */
	enum { KIDS = 4, LINES = 200, LEN = 16 };
	char line[LEN];
	int fd, count[KIDS] = { 0 };
	pid_t kid[KIDS];

	ENTER();
	close(abi_file("log", "", 0644));
	for (int k = 0; k < KIDS; k++) {
		kid[k] = abi_fork();
		if (kid[k] == 0) {
			fd = open("log", O_WRONLY | O_APPEND);
			memset(line, 'a' + k, LEN);
			for (int i = 0; i < LINES; i++)
				if (write(fd, line, LEN) != LEN)
					_exit(1);
			_exit(0);
		}
	}
	for (int k = 0; k < KIDS; k++)
		abi_reap(kid[k]);
	fd = open("log", O_RDONLY);
	while (read(fd, line, LEN) == LEN) {
		for (int i = 1; i < LEN; i++)
			if (line[i] != line[0]) {
				ABI_FAIL("a torn line");
				break;
			}
		count[(line[0] - 'a') & 3]++;
	}
	for (int k = 0; k < KIDS; k++)
		CHECK_EQ(count[k], LINES);
	close(fd);
	leave();
}
