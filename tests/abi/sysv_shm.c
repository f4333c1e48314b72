// System V shared memory: shmget(2), shmat(2), shmdt(2), shmctl(2), /proc/sysvipc/shm.
#include "abi.h"
#include <sys/ipc.h>
#include <sys/shm.h>

#define SIZE	      (3 * PAGE)
#define CAP_IPC_OWNER 15

static struct shmid_ds stat_of(int id)
{
	struct shmid_ds ds = { 0 };

	CHECK_OK(shmctl(id, IPC_STAT, &ds));
	return ds;
}

static int new_segment(void)
{
	return CHECK_OK(shmget(IPC_PRIVATE, SIZE, IPC_CREAT | 0600));
}

static key_t some_key(void)
{
	return 0x6d000000 | (getpid() & 0xffff) << 4 | 1;
}

TEST(attach_and_share)
{
	int id = new_segment();
	char *a = shmat(id, NULL, 0), *b;

	REQUIRE(a != (void *)-1);
	CHECK_EQ(a[0], 0);
	CHECK_EQ(a[SIZE - 1], 0);
	strcpy(a, "hello");
	b = shmat(id, NULL, SHM_RDONLY);
	REQUIRE(b != (void *)-1);
	CHECK(a != b);
	CHECK_STR(b, "hello");
	CHECK_EQ(stat_of(id).shm_nattch, 2);
	CHECK_OK(shmdt(b));
	CHECK_ERRNO(shmdt(b), EINVAL);
	CHECK_OK(shmdt(a));
	CHECK_OK(shmctl(id, IPC_RMID, NULL));
	CHECK_ERRNO(shmctl(id, IPC_STAT, &(struct shmid_ds){ 0 }), EINVAL);
}

TEST(stat_fields)
{
	time_t now = time(NULL);
	int id = new_segment();
	struct shmid_ds ds = stat_of(id);
	void *p;

	CHECK_EQ(ds.shm_segsz, SIZE);
	CHECK_EQ(ds.shm_perm.mode, 0600);
	CHECK_EQ(ds.shm_perm.uid, geteuid());
	CHECK_EQ(ds.shm_perm.cuid, geteuid());
	CHECK_EQ(ds.shm_perm.gid, getegid());
	CHECK_EQ(ds.shm_perm.cgid, getegid());
	CHECK_EQ(ds.shm_perm.__key, IPC_PRIVATE);
	CHECK_EQ(ds.shm_cpid, getpid());
	CHECK_EQ(ds.shm_lpid, 0);
	CHECK_EQ(ds.shm_nattch, 0);
	CHECK_EQ(ds.shm_atime, 0);
	CHECK_EQ(ds.shm_dtime, 0);
	CHECK(ds.shm_ctime >= now - 1 && ds.shm_ctime <= now + 5);
	p = shmat(id, NULL, 0);
	ds = stat_of(id);
	CHECK(ds.shm_atime >= now - 1);
	CHECK_EQ(ds.shm_lpid, getpid());
	CHECK_EQ(ds.shm_nattch, 1);
	CHECK_OK(shmdt(p));
	CHECK(stat_of(id).shm_dtime >= now - 1);
	CHECK_OK(shmctl(id, IPC_RMID, NULL));
}

TEST(keys)
{
	key_t key = some_key();
	int id;

	CHECK_ERRNO(shmget(key, SIZE, 0600), ENOENT);
	id = CHECK_OK(shmget(key, SIZE, IPC_CREAT | IPC_EXCL | 0600));
	CHECK_EQ(shmget(key, SIZE, 0600), id);
	CHECK_EQ(shmget(key, 0, 0), id);
	CHECK_EQ(shmget(key, SIZE, IPC_CREAT | 0600), id);
	CHECK_ERRNO(shmget(key, SIZE, IPC_CREAT | IPC_EXCL | 0600), EEXIST);
	CHECK_ERRNO(shmget(key, SIZE + 1, 0600), EINVAL);
	CHECK_EQ(stat_of(id).shm_perm.__key, key);
	CHECK_OK(shmctl(id, IPC_RMID, NULL));
	CHECK_ERRNO(shmget(key, SIZE, 0600), ENOENT);
}

TEST(get_errors)
{
	CHECK_ERRNO(shmget(IPC_PRIVATE, 0, 0600), EINVAL);
	CHECK_ERRNO(shmget(IPC_PRIVATE, -1UL, 0600), EINVAL);
	CHECK_ERRNO(shmget(IPC_PRIVATE, 1UL << 52, IPC_CREAT | 0600), ENOMEM);
}

TEST(attach_addresses)
{
	int id = new_segment();
	char *hole = mmap(NULL, 16 * PAGE, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0), *p;

	REQUIRE(hole != MAP_FAILED);
	CHECK_ERRNO(shmat(id, hole, 0), EINVAL);
	CHECK_ERRNO(shmat(id, hole + 1, 0), EINVAL);
	CHECK_ERRNO(shmat(id, NULL, SHM_REMAP), EINVAL);
	CHECK_EQ(shmat(id, hole + 1, SHM_RND | SHM_REMAP), hole);
	CHECK_OK(shmdt(hole));
	munmap(hole, 16 * PAGE);
	CHECK_EQ(shmat(id, hole + 5, SHM_RND), hole);
	CHECK_ERRNO(shmdt(hole + 1), EINVAL);
	CHECK_ERRNO(shmdt(hole + PAGE), EINVAL);
	CHECK_OK(shmdt(hole));
	CHECK_ERRNO(shmat(-1, NULL, 0), EINVAL);
	CHECK_ERRNO(shmdt(hole), EINVAL);
	p = shmat(id, NULL, SHM_EXEC);
	if (p != (void *)-1) /* 0600 has no x: only CAP_IPC_OWNER may */
		CHECK_OK(shmdt(p));
	else
		CHECK_EQ(errno, EACCES);
	CHECK_OK(shmctl(id, IPC_RMID, NULL));
	CHECK_ERRNO(shmat(id, NULL, 0), EINVAL);
}

TEST(read_only_stays_so)
{
	int id = new_segment();
	char *p = shmat(id, NULL, SHM_RDONLY);

	REQUIRE(p != (void *)-1);
	CHECK_ERRNO(mprotect(p, PAGE, PROT_READ | PROT_WRITE), EACCES);
	CHILD_DIES(SIGSEGV)
	{
		*(volatile char *)p = 1;
	}
	CHECK_OK(shmdt(p));
	CHECK_OK(shmctl(id, IPC_RMID, NULL));
}

TEST(removed_while_attached)
{
	key_t key = some_key() + 1;
	int id = CHECK_OK(shmget(key, SIZE, IPC_CREAT | 0600));
	char *p = shmat(id, NULL, 0), *q;
	struct shmid_ds ds;

	REQUIRE(p != (void *)-1);
	CHECK_OK(shmctl(id, IPC_RMID, NULL));
	ds = stat_of(id);
	CHECK_EQ(ds.shm_perm.mode & SHM_DEST, SHM_DEST);
	CHECK_EQ(ds.shm_perm.__key, IPC_PRIVATE);
	CHECK_ERRNO(shmget(key, SIZE, 0), ENOENT);
	q = shmat(id, NULL, 0);
	CHECK(q != (void *)-1);
	p[1] = 7;
	CHECK_EQ(q[1], 7);
	CHECK_OK(shmdt(q));
	CHECK_OK(shmdt(p));
	CHECK_ERRNO(shmctl(id, IPC_STAT, &ds), EINVAL);
}

/* nattch counts areas: fork and splits add, exit and unmapping take away. */
TEST(counts_areas)
{
	int id = new_segment(), st, go[2];
	char *p = shmat(id, NULL, 0);
	pid_t pid;

	REQUIRE(p != (void *)-1);
	REQUIRE(!pipe(go));
	pid = abi_fork();
	if (!pid) {
		char c;

		close(go[1]);
		p[2 * PAGE] = 42;
		(void)!read(go[0], &c, 1);
		_exit(0);
	}
	CHECK_EQ(stat_of(id).shm_nattch, 2);
	close(go[1]);
	st = abi_wait(pid);
	CHECK_EQ(st, 0);
	CHECK_EQ(p[2 * PAGE], 42);
	CHECK_EQ(stat_of(id).shm_nattch, 1);
	CHECK_EQ(stat_of(id).shm_lpid, pid);
	CHECK_OK(munmap(p + PAGE, PAGE));
	CHECK_EQ(stat_of(id).shm_nattch, 2);
	CHECK_OK(shmdt(p));
	CHECK_EQ(stat_of(id).shm_nattch, 0);
	CHECK_ERRNO(shmdt(p), EINVAL);
	CHECK_OK(shmctl(id, IPC_RMID, NULL));
	close(go[0]);
}

HELPER(attached)
{
	struct shmid_ds ds;

	return shmctl(atoi(argv[0]), IPC_STAT, &ds) || ds.shm_nattch != 0;
}

TEST(exec_detaches)
{
	int id = new_segment(), st;
	char num[16];
	pid_t pid;

	snprintf(num, sizeof(num), "%d", id);
	pid = abi_fork();
	if (!pid) {
		if (shmat(id, NULL, 0) == (void *)-1)
			_exit(2);
		execl(abi_self, abi_self, "@attached", num, NULL);
		_exit(3);
	}
	st = abi_wait(pid);
	CHECK_EQ(st, 0);
	CHECK_OK(shmctl(id, IPC_RMID, NULL));
}

TEST(rights)
{
	int id, wr, none;
	struct shmid_ds ds;

	NEED_ROOT();
	id = CHECK_OK(shmget(IPC_PRIVATE, SIZE, 0644));
	wr = CHECK_OK(shmget(IPC_PRIVATE, SIZE, 0622));
	none = CHECK_OK(shmget(some_key() + 2, SIZE, IPC_CREAT | 0600));
	IN_CHILD_AS(NOBODY)
	{
		void *p;

		CHECK_ERRNO(shmat(id, NULL, 0), EACCES);
		p = shmat(id, NULL, SHM_RDONLY);
		CHECK(p != (void *)-1);
		CHECK_OK(shmdt(p));
		CHECK_OK(shmctl(id, IPC_STAT, &ds));
		CHECK_ERRNO(shmctl(id, IPC_SET, &ds), EPERM);
		CHECK_ERRNO(shmctl(id, IPC_RMID, NULL), EPERM);
		CHECK_ERRNO(shmctl(id, SHM_LOCK, NULL), EPERM);
		CHECK_ERRNO(shmctl(wr, IPC_STAT, &ds), EACCES);
		CHECK_ERRNO(shmat(wr, NULL, SHM_RDONLY), EACCES);
		CHECK_ERRNO(shmat(none, NULL, SHM_RDONLY), EACCES);
		CHECK_ERRNO(shmget(some_key() + 2, SIZE, 0400), ENOENT);
	}
	ds = stat_of(none);
	ds.shm_perm.uid = NOBODY;
	ds.shm_perm.mode = 0400;
	CHECK_OK(shmctl(none, IPC_SET, &ds));
	CHECK_EQ(stat_of(none).shm_perm.uid, NOBODY);
	CHECK_EQ(stat_of(none).shm_perm.mode, 0400);
	IN_CHILD_AS(NOBODY)
	{
		CHECK_OK(shmctl(none, IPC_STAT, &ds));
		CHECK_ERRNO(shmat(none, NULL, 0), EACCES);
		CHECK_OK(shmctl(none, IPC_RMID, NULL));
	}
	CHECK_OK(shmctl(id, IPC_RMID, NULL));
	CHECK_OK(shmctl(wr, IPC_RMID, NULL));
}

TEST(key_rights)
{
	key_t key = some_key() + 3;
	int id;

	NEED_ROOT();
	id = CHECK_OK(shmget(key, SIZE, IPC_CREAT | 0600));
	IN_CHILD_AS(NOBODY)
	{
		CHECK_ERRNO(shmget(key, SIZE, 0400), EACCES);
		CHECK_EQ(shmget(key, SIZE, 0), id);
	}
	CHECK_OK(shmctl(id, IPC_RMID, NULL));
}

TEST(ctl_errors)
{
	int id = new_segment();
	struct shmid_ds ds;

	CHECK_ERRNO(shmctl(-1, IPC_STAT, &ds), EINVAL);
	CHECK_ERRNO(shmctl(id, -1, &ds), EINVAL);
	CHECK_ERRNO(shmctl(id, 99, &ds), EINVAL);
	CHECK_ERRNO(syscall(SYS_shmctl, id, IPC_STAT, bad_ptr()), EFAULT);
	CHECK_ERRNO(syscall(SYS_shmctl, id, IPC_SET, bad_ptr()), EFAULT);
	CHECK_ERRNO(shmctl(id + (1 << 15), IPC_STAT, &ds), EINVAL);
	ds = stat_of(id);
	ds.shm_perm.uid = -1;
	CHECK_ERRNO(shmctl(id, IPC_SET, &ds), EINVAL);
	CHECK_OK(shmctl(id, IPC_RMID, NULL));
	CHECK_ERRNO(shmctl(id, IPC_RMID, NULL), EINVAL);
}

TEST(locked_mark)
{
	int id = new_segment();

	if (shmctl(id, SHM_LOCK, NULL) == 0) {
		CHECK_EQ(stat_of(id).shm_perm.mode & SHM_LOCKED, SHM_LOCKED);
		CHECK_OK(shmctl(id, SHM_UNLOCK, NULL));
		CHECK_EQ(stat_of(id).shm_perm.mode & SHM_LOCKED, 0);
	} else {
		CHECK(errno == ENOMEM || errno == EPERM);
	}
	CHECK_OK(shmctl(id, IPC_RMID, NULL));
}

TEST(info)
{
	struct shminfo limits;
	struct shm_info use;
	struct shmid_ds ds;
	int id = new_segment(), max, found = 0;
	char *p = shmat(id, NULL, 0);

	p[0] = 1;
	max = CHECK_OK(shmctl(0, IPC_INFO, (void *)&limits));
	CHECK(limits.shmmni >= 1 && limits.shmmin == 1 && limits.shmmax >= SIZE);
	CHECK_OK(shmctl(0, SHM_INFO, (void *)&use));
	CHECK(use.used_ids >= 1);
	CHECK(use.shm_tot >= 3);
	CHECK(use.shm_rss >= 1);
	for (int i = 0; i <= max; i++)
		if (shmctl(i, SHM_STAT, &ds) == id) {
			found++;
			CHECK_EQ(ds.shm_segsz, SIZE);
		}
	CHECK_EQ(found, 1);
	CHECK_ERRNO(shmctl(32767, SHM_STAT, &ds), EINVAL);
	CHECK_OK(shmdt(p));
	CHECK_OK(shmctl(id, IPC_RMID, NULL));
}

TEST(proc_file)
{
	int id = new_segment(), found = 0, key, shmid, mode;
	FILE *f = fopen("/proc/sysvipc/shm", "r");
	unsigned long size;
	char line[300];

	REQUIRE(f);
	REQUIRE(fgets(line, sizeof(line), f));
	CHECK(strstr(line, "shmid perms") != NULL);
	while (fgets(line, sizeof(line), f)) {
		CHECK_EQ(sscanf(line, "%d %d %o %lu", &key, &shmid, &mode, &size), 4);
		if (shmid == id) {
			found++;
			CHECK_EQ(mode, 0600);
			CHECK_EQ(size, SIZE);
		}
	}
	CHECK_EQ(found, 1);
	fclose(f);
	CHECK_OK(shmctl(id, IPC_RMID, NULL));
}

TEST(many)
{
	int ids[200];

	for (int i = 0; i < 200; i++)
		ids[i] = CHECK_OK(shmget(IPC_PRIVATE, PAGE, 0600));
	for (int i = 0; i < 200; i++)
		for (int j = 0; j < i; j++)
			if (ids[i] == ids[j])
				ABI_FAIL("one identifier twice: %d", ids[i]);
	for (int i = 0; i < 200; i++)
		CHECK_OK(shmctl(ids[i], IPC_RMID, NULL));
}

/* Sizes that are no multiple of a page are usable to the page's end, not beyond. */
TEST(odd_size)
{
	int id = CHECK_OK(shmget(IPC_PRIVATE, PAGE + 1, 0600));
	char *p = shmat(id, NULL, 0);

	REQUIRE(p != (void *)-1);
	p[2 * PAGE - 1] = 1;
	CHECK_EQ(stat_of(id).shm_segsz, PAGE + 1);
	CHECK_OK(shmdt(p));
	CHECK_OK(shmctl(id, IPC_RMID, NULL));
}
