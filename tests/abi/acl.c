/* POSIX access control lists as extended attributes: form, check, mask and mode, inheritance. In /dev/shm, a tmpfs. */
#include "abi.h"
#include <sys/xattr.h>

#define ACCESS	"system.posix_acl_access"
#define DEFAULT "system.posix_acl_default"
#define NO_ID	0xffffffffu

enum { USER_OBJ = 1, USER = 2, GROUP_OBJ = 4, GROUP = 8, MASK = 16, OTHER = 32 };

struct entry {
	uint16_t tag, perm;
	uint32_t id;
};
struct value {
	uint32_t version;
	struct entry e[8];
};

#define SIZE(n)	   (4 + (n) * sizeof(struct entry))
#define VALUE(...) ((struct value){ 2, { __VA_ARGS__ } })

static char dir[64];

/* A directory of our own in the tmpfs, and the working directory. */
static int enter(void)
{
	snprintf(dir, sizeof(dir), "/dev/shm/acl-%d", getpid());
	if (mkdir(dir, 0777) || chmod(dir, 0777) || chdir(dir))
		return 0;
	close(open("f", O_RDWR | O_CREAT, 0640));
	return getxattr("f", ACCESS, NULL, 0) < 0 && errno == ENODATA;
}

static void leave(void)
{
	static const char *const names[] = { "f", "d/f", "d/t/f", "d/t", "d/l", "d/s", "d", "l" };

	for (size_t k = 0; k < ARRAY_LEN(names); k++)
		if (unlink(names[k]) && errno != ENOENT)
			rmdir(names[k]);
	CHECK_OK(chdir("/"));
	CHECK_OK(rmdir(dir));
}

#define BEGIN()                                     \
	if (!enter()) {                             \
		leave();                            \
		SKIP("/dev/shm has no such lists"); \
	}

static mode_t mode(const char *path)
{
	struct stat st = { .st_mode = 0 };

	CHECK_OK(stat(path, &st));
	return st.st_mode & 07777;
}

TEST(form)
{
	struct value v = VALUE({ USER_OBJ, 6, NO_ID }, { USER, 4, NOBODY }, { GROUP_OBJ, 4, NO_ID },
			       { GROUP, 7, 77 }, { MASK, 5, NO_ID }, { OTHER, 1, NO_ID });
	struct value got, bad;
	char names[256];
	ssize_t n;

	BEGIN();
	CHECK_OK(setxattr("f", ACCESS, &v, SIZE(6), 0));
	CHECK_EQ(getxattr("f", ACCESS, NULL, 0), SIZE(6));
	CHECK_ERRNO(getxattr("f", ACCESS, &got, SIZE(5)), ERANGE);
	CHECK_EQ(getxattr("f", ACCESS, &got, sizeof(got)), SIZE(6));
	CHECK(!memcmp(&v, &got, SIZE(6)));
	CHECK_EQ(mode("f"), 0651); /* the mask is the group's part */
	n = CHECK_OK(listxattr("f", names, sizeof(names)));
	CHECK(memmem(names, n, ACCESS, sizeof(ACCESS)) != NULL);
	CHECK(memmem(names, n, DEFAULT, sizeof(DEFAULT)) == NULL);

	CHECK_ERRNO(setxattr("f", ACCESS, &v, SIZE(6) - 1, 0), EINVAL);
	CHECK_ERRNO(setxattr("f", ACCESS, &v, 2, 0), EINVAL);
	bad = v, bad.version = 1;
	CHECK_ERRNO(setxattr("f", ACCESS, &bad, SIZE(6), 0), EOPNOTSUPP);
	bad = v, bad.e[0].perm = 8;
	CHECK_ERRNO(setxattr("f", ACCESS, &bad, SIZE(6), 0), EINVAL);
	bad = v, bad.e[1].tag = 3;
	CHECK_ERRNO(setxattr("f", ACCESS, &bad, SIZE(6), 0), EINVAL);
	bad = v, bad.e[0] = v.e[1], bad.e[1] = v.e[0];
	CHECK_ERRNO(setxattr("f", ACCESS, &bad, SIZE(6), 0), EINVAL); /* out of order */
	bad = v, bad.e[4] = v.e[5];
	CHECK_ERRNO(setxattr("f", ACCESS, &bad, SIZE(5), 0), EINVAL); /* names, no mask */
	CHECK_ERRNO(setxattr("f", ACCESS, &v, SIZE(5), 0), EINVAL);   /* no others */
	CHECK_ERRNO(setxattr("f", DEFAULT, &v, SIZE(6), 0), EACCES);  /* no directory */
	CHECK_OK(removexattr("f", DEFAULT));
	CHECK_OK(symlink("f", "l"));
	CHECK_ERRNO(lsetxattr("l", ACCESS, &v, SIZE(6), 0), EOPNOTSUPP);
	CHECK_ERRNO(lgetxattr("l", ACCESS, &v, SIZE(6)), EOPNOTSUPP);
	CHECK_EQ(getxattr("l", ACCESS, &got, sizeof(got)), SIZE(6));

	CHECK_OK(removexattr("f", ACCESS));
	CHECK_ERRNO(getxattr("f", ACCESS, NULL, 0), ENODATA);
	CHECK_EQ(mode("f"), 0651);
	CHECK_OK(removexattr("f", ACCESS)); /* once more */
	/* What a mode can say is said by the mode. */
	v = VALUE({ USER_OBJ, 7, NO_ID }, { GROUP_OBJ, 1, NO_ID }, { OTHER, 0, NO_ID });
	CHECK_OK(setxattr("f", ACCESS, &v, SIZE(3), 0));
	CHECK_EQ(mode("f"), 0710);
	CHECK_ERRNO(getxattr("f", ACCESS, NULL, 0), ENODATA);
	CHECK_OK(setxattr("f", ACCESS, &v, 4, 0)); /* no entries */
	leave();
}

TEST(chmod_moves_the_mask)
{
	struct value v = VALUE({ USER_OBJ, 6, NO_ID }, { USER, 7, 77 }, { GROUP_OBJ, 4, NO_ID },
			       { MASK, 7, NO_ID }, { OTHER, 0, NO_ID });

	BEGIN();
	CHECK_OK(setxattr("f", ACCESS, &v, SIZE(5), 0));
	CHECK_EQ(mode("f"), 0670);
	CHECK_OK(chmod("f", 0541));
	CHECK_EQ(getxattr("f", ACCESS, &v, sizeof(v)), SIZE(5));
	CHECK_EQ(v.e[0].perm, 5);
	CHECK_EQ(v.e[1].perm, 7);
	CHECK_EQ(v.e[2].perm, 4);
	CHECK_EQ(v.e[3].perm, 4);
	CHECK_EQ(v.e[4].perm, 1);
	leave();
}

TEST(check)
{
	struct value v = VALUE({ USER_OBJ, 6, NO_ID }, { USER, 6, NOBODY }, { GROUP_OBJ, 0, NO_ID },
			       { MASK, 6, NO_ID }, { OTHER, 0, NO_ID });

	NEED_ROOT();
	BEGIN();
	CHECK_OK(setxattr("f", ACCESS, &v, SIZE(5), 0));
	IN_CHILD_AS(NOBODY)
	{
		CHECK_OK(open("f", O_RDWR));
		CHECK_OK(access("f", R_OK | W_OK));
		CHECK_ERRNO(access("f", X_OK), EACCES);
		CHECK_ERRNO(setxattr("f", ACCESS, &v, SIZE(5), 0), EPERM);
		CHECK_ERRNO(removexattr("f", ACCESS), EPERM);
		CHECK_EQ(getxattr("f", ACCESS, &v, sizeof(v)), SIZE(5));
	}
	v.e[3].perm = 4; /* the mask takes away writing */
	CHECK_OK(setxattr("f", ACCESS, &v, SIZE(5), 0));
	IN_CHILD_AS(NOBODY)
	{
		CHECK_OK(open("f", O_RDONLY));
		CHECK_ERRNO(open("f", O_RDWR), EACCES);
	}
	/* By group; and whom a group refuses the others' rights do not let in. */
	v = VALUE({ USER_OBJ, 6, NO_ID }, { GROUP_OBJ, 0, NO_ID }, { GROUP, 2, NOBODY },
		  { MASK, 7, NO_ID }, { OTHER, 7, NO_ID });
	CHECK_OK(setxattr("f", ACCESS, &v, SIZE(5), 0));
	IN_CHILD_AS(NOBODY)
	{
		CHECK_OK(open("f", O_WRONLY));
		CHECK_ERRNO(open("f", O_RDONLY), EACCES);
	}
	leave();
}

/* The mode alone would let anybody through. */
TEST(list_refuses_what_the_mode_grants)
{
	struct value v = VALUE({ USER_OBJ, 7, NO_ID }, { USER, 0, NOBODY }, { GROUP_OBJ, 7, NO_ID },
			       { MASK, 7, NO_ID }, { OTHER, 7, NO_ID });

	NEED_ROOT();
	BEGIN();
	CHECK_OK(mkdir("d", 0777));
	close(open("d/f", O_RDWR | O_CREAT, 0666));
	CHECK_OK(setxattr("d", ACCESS, &v, SIZE(5), 0));
	CHECK_EQ(mode("d"), 0777);
	IN_CHILD_AS(NOBODY)
	{
		CHECK_ERRNO(access("d/f", F_OK), EACCES);
		CHECK_ERRNO(open("d/f", O_RDONLY), EACCES);
		CHECK_ERRNO(open("d", O_RDONLY), EACCES);
	}
	IN_CHILD_AS(12345)
	{
		CHECK_OK(open("d/f", O_RDONLY));
	}
	leave();
}

TEST(inheritance)
{
	struct value v = VALUE({ USER_OBJ, 7, NO_ID }, { USER, 6, 77 }, { GROUP_OBJ, 5, NO_ID },
			       { MASK, 7, NO_ID }, { OTHER, 4, NO_ID });
	struct value got;

	BEGIN();
	umask(077); /* counts for nothing there */
	CHECK_OK(mkdir("d", 0755));
	CHECK_OK(setxattr("d", DEFAULT, &v, SIZE(5), 0));
	CHECK_EQ(mode("d"), 0700);
	CHECK_ERRNO(getxattr("d", ACCESS, NULL, 0), ENODATA);
	close(open("d/f", O_RDWR | O_CREAT, 0666));
	CHECK_EQ(mode("d/f"), 0664);
	CHECK_EQ(getxattr("d/f", ACCESS, &got, sizeof(got)), SIZE(5));
	CHECK_EQ(got.e[0].perm, 6);
	CHECK_EQ(got.e[1].perm, 6);
	CHECK_EQ(got.e[2].perm, 5);
	CHECK_EQ(got.e[3].perm, 6);
	CHECK_EQ(got.e[4].perm, 4);
	CHECK_ERRNO(getxattr("d/f", DEFAULT, NULL, 0), ENODATA);
	CHECK_OK(mkdir("d/t", 0770));
	CHECK_EQ(mode("d/t"), 0770);
	CHECK_EQ(getxattr("d/t", DEFAULT, &got, sizeof(got)), SIZE(5));
	CHECK(!memcmp(&got, &v, SIZE(5)));
	CHECK_EQ(getxattr("d/t", ACCESS, &got, sizeof(got)), SIZE(5));
	CHECK_OK(symlink("f", "d/l"));
	CHECK_OK(mknod("d/s", S_IFIFO | 0600, 0));
	CHECK_EQ(getxattr("d/s", ACCESS, &got, sizeof(got)), SIZE(5));
	CHECK_EQ(got.e[3].perm, 0);
	CHECK_OK(removexattr("d/t", DEFAULT));
	close(open("d/t/f", O_RDWR | O_CREAT, 0666));
	CHECK_EQ(mode("d/t/f"), 0600);
	umask(022);
	leave();
}
