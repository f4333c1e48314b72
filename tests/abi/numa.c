// Memory policy on one node: set_mempolicy(2), get_mempolicy(2), mbind(2), migrate_pages(2), move_pages(2),
// set_mempolicy_home_node(2).
#include "abi.h"
#include <linux/mempolicy.h>

#define SYS_HOME_NODE 450
#define BITS	      1024

static unsigned long none[BITS / 64], node0[BITS / 64] = { 1 };

static long set_policy(int mode, unsigned long *mask)
{
	return syscall(SYS_set_mempolicy, mode, mask, mask ? BITS + 1UL : 0UL);
}

static long get_policy(int *mode, unsigned long *mask, void *addr, unsigned flags)
{
	return syscall(SYS_get_mempolicy, mode, mask, mask ? BITS + 1UL : 0UL, addr, flags);
}

static int one_node(void)
{
	unsigned long m[BITS / 64];
	int mode;

	if (get_policy(&mode, m, NULL, MPOL_F_MEMS_ALLOWED))
		return 0;
	return m[0] == 1;
}

#define NEED_ONE_NODE()  \
	if (!one_node()) \
	SKIP("needs one node")

TEST_FORK(policy_of_task)
{
	unsigned long m[BITS / 64];
	int mode = -1;

	NEED_ONE_NODE();
	CHECK_OK(get_policy(&mode, m, NULL, 0));
	CHECK_EQ(mode, MPOL_DEFAULT);
	CHECK_EQ(m[0], 0);
	CHECK_OK(set_policy(MPOL_BIND, node0));
	CHECK_OK(get_policy(&mode, m, NULL, 0));
	CHECK_EQ(mode, MPOL_BIND);
	CHECK_EQ(m[0], 1);
	IN_CHILD
	{
		CHECK_OK(get_policy(&mode, NULL, NULL, 0));
		CHECK_EQ(mode, MPOL_BIND);
	}
	CHECK_ERRNO(get_policy(&mode, NULL, NULL, MPOL_F_NODE), EINVAL);
	CHECK_OK(set_policy(MPOL_INTERLEAVE | MPOL_F_STATIC_NODES, node0));
	CHECK_OK(get_policy(&mode, NULL, NULL, 0));
	CHECK_EQ(mode, MPOL_INTERLEAVE | MPOL_F_STATIC_NODES);
	CHECK_OK(get_policy(&mode, NULL, NULL, MPOL_F_NODE));
	CHECK_EQ(mode, 0);
	CHECK_OK(set_policy(MPOL_PREFERRED, none));
	CHECK_OK(get_policy(&mode, m, NULL, 0));
	CHECK(mode == MPOL_LOCAL || mode == MPOL_PREFERRED);
	CHECK_EQ(m[0], 0);
	CHECK_OK(set_policy(MPOL_DEFAULT, NULL));
}

TEST_FORK(policy_errors)
{
	unsigned long node9[BITS / 64] = { 1 << 9 };
	int mode;

	NEED_ONE_NODE();
	CHECK_ERRNO(set_policy(99, NULL), EINVAL);
	CHECK_ERRNO(set_policy(-1, NULL), EINVAL);
	CHECK_ERRNO(set_policy(MPOL_BIND, NULL), EINVAL);
	CHECK_ERRNO(set_policy(MPOL_BIND, none), EINVAL);
	CHECK_ERRNO(set_policy(MPOL_BIND, node9), EINVAL);
	CHECK_ERRNO(set_policy(MPOL_DEFAULT, node0), EINVAL);
	CHECK_ERRNO(set_policy(MPOL_LOCAL, node0), EINVAL);
	CHECK_ERRNO(set_policy(MPOL_BIND | MPOL_F_STATIC_NODES | MPOL_F_RELATIVE_NODES, node0),
		    EINVAL);
	CHECK_ERRNO(syscall(SYS_set_mempolicy, MPOL_BIND, bad_ptr(), 65UL), EFAULT);
	CHECK_ERRNO(syscall(SYS_set_mempolicy, MPOL_BIND, node0, 1UL << 20), EINVAL);
	CHECK_ERRNO(get_policy(&mode, NULL, NULL, 8), EINVAL);
	CHECK_ERRNO(get_policy(&mode, NULL, &mode, 0), EINVAL);
	CHECK_ERRNO(get_policy(&mode, NULL, bad_ptr(), MPOL_F_ADDR), EFAULT);
	CHECK_ERRNO(get_policy(bad_ptr(), NULL, NULL, 0), EFAULT);
	CHECK_ERRNO(get_policy(NULL, bad_ptr(), NULL, 0), EFAULT);
	CHECK_ERRNO(get_policy(&mode, NULL, NULL, MPOL_F_MEMS_ALLOWED | MPOL_F_NODE), EINVAL);
}

TEST(policy_of_area)
{
	char *p = mmap(NULL, 4 * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	unsigned long m[BITS / 64];
	int mode;

	NEED_ONE_NODE();
	CHECK_OK(syscall(SYS_mbind, p + PAGE, PAGE, MPOL_BIND, node0, BITS + 1UL, 0));
	CHECK_OK(get_policy(&mode, m, p + PAGE, MPOL_F_ADDR));
	CHECK_EQ(mode, MPOL_BIND);
	CHECK_EQ(m[0], 1);
	CHECK_OK(get_policy(&mode, m, p, MPOL_F_ADDR));
	CHECK_EQ(mode, MPOL_DEFAULT);
	CHECK_OK(get_policy(&mode, NULL, p, MPOL_F_ADDR | MPOL_F_NODE));
	CHECK_EQ(mode, 0);
	CHECK_OK(syscall(SYS_mbind, p, 4 * PAGE, MPOL_DEFAULT, NULL, 0UL, 0));
	CHECK_OK(get_policy(&mode, m, p + PAGE, MPOL_F_ADDR));
	CHECK_EQ(mode, MPOL_DEFAULT);
	CHECK_ERRNO(syscall(SYS_mbind, p + 1, PAGE, MPOL_BIND, node0, BITS + 1UL, 0), EINVAL);
	CHECK_ERRNO(syscall(SYS_mbind, p, PAGE, 99, node0, BITS + 1UL, 0), EINVAL);
	CHECK_ERRNO(syscall(SYS_mbind, p, PAGE, MPOL_BIND, none, BITS + 1UL, 0), EINVAL);
	CHECK_ERRNO(syscall(SYS_mbind, p, PAGE, MPOL_BIND, node0, BITS + 1UL, 0x100), EINVAL);
	CHECK_ERRNO(syscall(SYS_mbind, p, PAGE, MPOL_BIND, bad_ptr(), 65UL, 0), EFAULT);
	munmap(p + 2 * PAGE, PAGE);
	CHECK_ERRNO(syscall(SYS_mbind, p, 4 * PAGE, MPOL_BIND, node0, BITS + 1UL, 0), EFAULT);
	if (!abi_cap(23))
		CHECK_ERRNO(syscall(SYS_mbind, p, PAGE, MPOL_BIND, node0, BITS + 1UL,
				    MPOL_MF_MOVE_ALL),
			    EPERM);
	munmap(p, 4 * PAGE);
}

TEST(home_node)
{
	char *p = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	NEED_ONE_NODE();
	if (syscall(SYS_HOME_NODE, p, 0UL, 0UL, 0UL) && errno == ENOSYS)
		SKIP("before Linux 5.17");
	CHECK_ERRNO(syscall(SYS_HOME_NODE, p, PAGE, 0UL, 0UL), ENOENT);
	CHECK_ERRNO(syscall(SYS_HOME_NODE, p, PAGE, 0UL, 1UL), EINVAL);
	CHECK_ERRNO(syscall(SYS_HOME_NODE, p, PAGE, 7000UL, 0UL), EINVAL);
	CHECK_ERRNO(syscall(SYS_HOME_NODE, p + 1, PAGE, 0UL, 0UL), EINVAL);
	CHECK_OK(syscall(SYS_mbind, p, PAGE, MPOL_BIND, node0, BITS + 1UL, 0));
	CHECK_OK(syscall(SYS_HOME_NODE, p, PAGE, 0UL, 0UL));
	CHECK_OK(syscall(SYS_mbind, p, PAGE, MPOL_INTERLEAVE, node0, BITS + 1UL, 0));
	CHECK_ERRNO(syscall(SYS_HOME_NODE, p, PAGE, 0UL, 0UL), EOPNOTSUPP);
	munmap(p, PAGE);
}

TEST(migrate)
{
	NEED_ONE_NODE();
	CHECK_EQ(syscall(SYS_migrate_pages, 0, BITS + 1UL, node0, node0), 0);
	CHECK_ERRNO(syscall(SYS_migrate_pages, 4000000, BITS + 1UL, node0, node0), ESRCH);
	CHECK_ERRNO(syscall(SYS_migrate_pages, 0, 65UL, bad_ptr(), node0), EFAULT);
	CHECK_ERRNO(syscall(SYS_migrate_pages, 0, BITS + 1UL, node0, none), EINVAL);
	if (geteuid() == 0) {
		int pid = getpid();

		IN_CHILD_AS(NOBODY)
		{
			CHECK_ERRNO(syscall(SYS_migrate_pages, pid, BITS + 1UL, node0, node0),
				    EPERM);
		}
	}
}

TEST(move)
{
	size_t len = 1024 * PAGE; /* so far apart that no kernel fills both with one fault */
	char *p = mmap(NULL, len, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	void *pages[3] = { p, p + len - PAGE, bad_ptr() };
	int status[3] = { 9, 9, 9 }, nodes[3] = { 0, 0, 0 };

	NEED_ONE_NODE();
	p[0] = 1;
	CHECK_OK(syscall(SYS_move_pages, 0, 3UL, pages, NULL, status, 0));
	CHECK_EQ(status[0], 0);
	CHECK_EQ(status[1], -ENOENT);
	CHECK_EQ(status[2], -EFAULT);
	status[0] = 9;
	CHECK_OK(syscall(SYS_move_pages, 0, 1UL, pages, nodes, status, MPOL_MF_MOVE));
	CHECK_EQ(status[0], 0);
	nodes[0] = 9;
	CHECK_ERRNO(syscall(SYS_move_pages, 0, 1UL, pages, nodes, status, MPOL_MF_MOVE), ENODEV);
	CHECK_ERRNO(syscall(SYS_move_pages, 0, 1UL, pages, NULL, status, 1), EINVAL);
	CHECK_ERRNO(syscall(SYS_move_pages, 0, 1UL, bad_ptr(), NULL, status, 0), EFAULT);
	CHECK_ERRNO(syscall(SYS_move_pages, 0, 1UL, pages, NULL, bad_ptr(), 0), EFAULT);
	CHECK_ERRNO(syscall(SYS_move_pages, 4000000, 1UL, pages, NULL, status, 0), ESRCH);
	if (!abi_cap(23))
		CHECK_ERRNO(syscall(SYS_move_pages, 0, 1UL, pages, NULL, status, MPOL_MF_MOVE_ALL),
			    EPERM);
	munmap(p, len);
}
