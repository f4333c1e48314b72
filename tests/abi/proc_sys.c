/* System-wide /proc: meminfo, cpuinfo, uptime, stat, loadavg, mounts, version, filesystems, sys/kernel. */
#include "slurp.h"
#include <sys/utsname.h>

static long after(const char *key)
{
	char *p = strstr(text, key);

	return p ? atol(p + strlen(key)) : -1;
}

TEST(meminfo)
{
	slurp("/proc/meminfo");
	CHECK(after("MemTotal:") >= 16384);
	CHECK(after("MemFree:") > 0);
	CHECK(after("MemAvailable:") > 0);
	CHECK(after("MemTotal:") >= after("MemFree:"));
	CHECK(after("Buffers:") >= 0);
	CHECK(after("Cached:") >= 0);
	CHECK(after("SwapTotal:") >= 0);
	CHECK(strstr(text, " kB\n") != NULL);
}

/* Names without which programs give up: iotop and vmstat(8); numastat(8). */
TEST(counters)
{
	static const char *const pages[] = { "\npgpgin ",  "\npgpgout ", "\npswpin ",
					     "\npswpout ", "\npgfault ", "\npgmajfault ",
					     "\noom_kill " };

	slurp("/proc/vmstat");
	for (size_t i = 0; i < sizeof(pages) / sizeof(*pages); i++)
		if (!strstr(text, pages[i]))
			ABI_FAIL("/proc/vmstat lacks %s", pages[i] + 1);
	CHECK(!strncmp(slurp("/sys/devices/system/node/node0/numastat"), "numa_hit ", 9));
}

TEST(cpuinfo)
{
	int n = 0;

	slurp("/proc/cpuinfo");
	for (char *p = text; (p = strstr(p, "processor\t:")); p++)
		n++;
	CHECK_EQ(n, sysconf(_SC_NPROCESSORS_ONLN));
	CHECK(strstr(text, "flags\t\t:") != NULL);
	CHECK(strstr(text, " sse2 ") != NULL);
	CHECK(strstr(text, "model name\t:") != NULL);
}

TEST(uptime)
{
	double up = 0, idle = -1;
	struct timespec ts;

	CHECK_EQ(sscanf(slurp("/proc/uptime"), "%lf %lf", &up, &idle), 2);
	clock_gettime(CLOCK_BOOTTIME, &ts);
	CHECK(up >= 0 && up <= ts.tv_sec + 1);
	CHECK(ts.tv_sec - up < 10);
	CHECK(idle >= 0);
}

TEST(stat)
{
	slurp("/proc/stat");
	CHECK(!strncmp(text, "cpu  ", 5));
	CHECK(strstr(text, "\ncpu0 ") != NULL);
	CHECK(after("\nctxt ") > 0);
	CHECK(after("\nbtime ") > 1500000000 || abi_sandboxed());
	CHECK(after("\nprocesses ") > 0);
	CHECK(after("\nprocs_running ") >= 1);
}

TEST(loadavg)
{
	double a, b, c;
	int run, all, last;

	CHECK_EQ(sscanf(slurp("/proc/loadavg"), "%lf %lf %lf %d/%d %d", &a, &b, &c, &run, &all,
			&last),
		 6);
	CHECK(run >= 1 && all >= run && last >= 1);
}

TEST(version)
{
	struct utsname u;
	char want[200];

	uname(&u);
	snprintf(want, sizeof(want), "%s version %s ", u.sysname, u.release);
	CHECK(!strncmp(slurp("/proc/version"), want, strlen(want)));
	CHECK(strchr(text, '\n') == text + strlen(text) - 1);
}

TEST(sys_kernel)
{
	struct utsname u;
	char want[200];

	uname(&u);
	snprintf(want, sizeof(want), "%s\n", u.release);
	CHECK_STR(slurp("/proc/sys/kernel/osrelease"), want);
	CHECK_STR(slurp("/proc/sys/kernel/ostype"), "Linux\n");
	snprintf(want, sizeof(want), "%s\n", u.nodename);
	CHECK_STR(slurp("/proc/sys/kernel/hostname"), want);
	CHECK(atoi(slurp("/proc/sys/kernel/pid_max")) > 300);
	CHECK(atoi(slurp("/proc/sys/kernel/cap_last_cap")) >= 37);
	CHECK_EQ(atoi(slurp("/proc/sys/kernel/ngroups_max")), 65536);
	CHECK(strlen(slurp("/proc/sys/kernel/random/uuid")) == 37);
	strcpy(want, text);
	CHECK(strcmp(slurp("/proc/sys/kernel/random/uuid"), want) != 0);
	CHECK(strlen(slurp("/proc/sys/kernel/random/boot_id")) == 37);
	strcpy(want, text);
	CHECK_STR(slurp("/proc/sys/kernel/random/boot_id"), want);
	CHECK(atoi(slurp("/proc/sys/vm/overcommit_memory")) >= 0);
	CHECK(atoi(slurp("/proc/sys/fs/pipe-max-size")) >= 65536);
	CHECK(atoi(slurp("/proc/sys/fs/nr_open")) >= 1024);
}

TEST(mounts)
{
	char dev[256], dir[256], type[64];
	int root = 0, proc = 0;
	char b[64] = "";

	slurp("/proc/self/mounts");
	for (char *l = text; l && *l; l = strchr(l, '\n'), l = l ? l + 1 : l) {
		if (sscanf(l, "%255s %255s %63s", dev, dir, type) != 3) {
			ABI_FAIL("line \"%.60s\"", l);
			break;
		}
		root |= !strcmp(dir, "/");
		proc |= !strcmp(dir, "/proc") && !strcmp(type, "proc");
	}
	CHECK(root);
	CHECK(proc);
	CHECK(readlink("/proc/mounts", b, 63) > 0);
	CHECK_STR(b, "self/mounts");
	slurp("/proc/self/mountinfo");
	CHECK(strstr(text, " - proc ") != NULL);
	slurp("/proc/filesystems");
	CHECK(strstr(text, "tmpfs\n") != NULL);
	CHECK(strstr(text, "nodev\tproc\n") != NULL);
}

TEST(files_are_not_for_writing)
{
	CHECK_ERRNO(open("/proc/meminfo/x", O_RDONLY), ENOTDIR);
	CHECK_ERRNO(open("/proc/none", O_RDONLY), ENOENT);
	CHECK_ERRNO(open("/proc/new", O_RDWR | O_CREAT, 0644), ENOENT);
	CHECK_ERRNO(mkdir("/proc/new", 0755), ENOENT);
	CHECK_ERRNO(unlink("/proc/uptime"), geteuid() ? EACCES : EPERM);
	IN_CHILD_AS(NOBODY)
	{
		CHECK_ERRNO(open("/proc/sys/kernel/hostname", O_WRONLY), EACCES);
		CHECK_ERRNO(open("/proc/version", O_WRONLY), EACCES);
	}
}

TEST(reading_in_pieces)
{
	static char whole[1 << 16];
	char c;
	int fd;
	size_t n = 0;

	strcpy(whole, slurp("/proc/version"));
	fd = open("/proc/version", O_RDONLY);
	while (read(fd, &c, 1) == 1)
		if (!CHECK_EQ(c, whole[n++]))
			break;
	CHECK_EQ(n, strlen(whole));
	CHECK_EQ(lseek(fd, 6, SEEK_SET), 6);
	CHECK_EQ(read(fd, &c, 1), 1);
	CHECK_EQ(c, whole[6]);
	CHECK_EQ(pread(fd, &c, 1, 0), 1);
	CHECK_EQ(c, 'L');
	close(fd);
}

TEST(listing)
{
	DIR *d = opendir("/proc");
	struct dirent *e;
	int me = 0, self = 0, meminfo = 0;

	REQUIRE(d);
	while ((e = readdir(d))) {
		me |= atoi(e->d_name) == getpid();
		self |= !strcmp(e->d_name, "self");
		meminfo |= !strcmp(e->d_name, "meminfo");
	}
	closedir(d);
	CHECK(me && self && meminfo);
}

TEST(sizes_and_kinds)
{
	struct stat st;

	CHECK_OK(stat("/proc/meminfo", &st));
	CHECK(S_ISREG(st.st_mode));
	CHECK_EQ(st.st_size, 0);
	CHECK_EQ(st.st_mode & 0777, 0444);
	CHECK_OK(stat("/proc", &st));
	CHECK_EQ(st.st_mode, S_IFDIR | 0555);
	CHECK_OK(stat("/proc/self/", &st));
	CHECK(S_ISDIR(st.st_mode));
	CHECK_EQ(st.st_uid, geteuid());
}

/* Write to a file below /proc/sys; the errno, or 0. */
static int sysctl(const char *name, const char *value)
{
	char path[96];
	int fd, err;

	snprintf(path, sizeof(path), "/proc/sys/%s", name);
	fd = open(path, O_WRONLY);
	if (fd < 0)
		return errno;
	err = write(fd, value, strlen(value)) < 0 ? errno : 0;
	close(fd);
	return err;
}

TEST(numbers_that_root_sets)
{
	static const char *const names[] = {
		"fs/aio-max-nr",	"fs/file-max",	       "fs/lease-break-time",
		"fs/leases-enable",	"vm/max_map_count",    "vm/overcommit_kbytes",
		"vm/overcommit_memory", "vm/swappiness",       "net/core/somaxconn",
		"kernel/shmmax",	"vm/overcommit_ratio",
	};
	char path[96];

	NEED_ROOT();
	if (access("/proc/sys/vm/swappiness", W_OK))
		SKIP("/proc/sys is not writable");
	for (size_t k = 0; k < ARRAY_LEN(names); k++) {
		snprintf(path, sizeof(path), "/proc/sys/%s", names[k]);
		/* What is there already: the machine stays as it was. */
		if (strcmp(slurp(path), "0\n"))
			CHECK_EQ(sysctl(names[k], text), 0);
	}
	CHECK_EQ(sysctl("vm/overcommit_memory", "3\n"), EINVAL);
	CHECK_EQ(sysctl("vm/overcommit_memory", "-1\n"), EINVAL);
	CHECK_EQ(sysctl("vm/swappiness", "201\n"), EINVAL);
	CHECK_EQ(sysctl("fs/file-max", "x\n"), EINVAL);
	IN_CHILD_AS(NOBODY)
	{
		CHECK_EQ(sysctl("vm/swappiness", "60\n"), EACCES);
	}
}

/* Linux's own are everybody's: only the sandbox's are changed. */
TEST_FORK(what_the_numbers_do)
{
	int fds[64], n = 0;
	char files[32];
	void *p;

	NEED_ROOT();
	if (!abi_sandboxed())
		SKIP("would change the machine's");
	CHECK_ERRNO(mmap(NULL, 1L << 45, PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0), ENOMEM);
	CHECK_EQ(sysctl("vm/overcommit_memory", "1\n"), 0);
	p = mmap(NULL, 1L << 45, PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	CHECK(p != MAP_FAILED);
	munmap(p, 1L << 45);
	CHECK_EQ(sysctl("vm/overcommit_memory", "2\n"),
		 EINVAL); /* nothing counts what is promised */
	CHECK_EQ(sysctl("vm/overcommit_memory", "0\n"), 0);

	slurp("/proc/meminfo");
	CHECK_EQ(after("CommitLimit:") / 8, after("MemTotal:") / 16);
	CHECK_EQ(sysctl("vm/overcommit_kbytes", "1234\n"), 0);
	CHECK_STR(slurp("/proc/sys/vm/overcommit_ratio"), "0\n");
	slurp("/proc/meminfo");
	CHECK_EQ(after("CommitLimit:"), 1234);
	CHECK_EQ(sysctl("vm/overcommit_ratio", "50\n"), 0);

	CHECK_EQ(sysctl("vm/max_map_count", "100\n"), 0);
	p = mmap(NULL, 400 * PAGE, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	while (n < 200 && !mprotect((char *)p + 2 * n * PAGE, PAGE, PROT_READ))
		n++;
	CHECK(n > 20 && n < 60);
	CHECK_EQ(errno, ENOMEM);
	CHECK_EQ(sysctl("vm/max_map_count", "262144\n"), 0);
	munmap(p, 400 * PAGE);

	snprintf(files, sizeof(files), "%d\n", atoi(slurp("/proc/sys/fs/file-nr")) + 20);
	CHECK_EQ(sysctl("fs/file-max", files), 0);
	IN_CHILD_AS(NOBODY)
	{
		for (n = 0; n < 64 && (fds[n] = open("/", O_RDONLY)) >= 0; n++)
			;
		CHECK_EQ(errno, ENFILE);
		CHECK(n > 4 && n <= 20); /* the child itself takes some */
	}
	CHECK_EQ(sysctl("fs/file-max", "9223372036854775807\n"), 0);
}
