/* Shared subtrees by the mount calls on descriptors: mount_setattr, move_mount, open_tree, statmount. */
#include "propagation.h"

#define NR_STATMOUNT 457

#ifndef MOVE_MOUNT_BENEATH
#define MOVE_MOUNT_BENEATH 0x200
#endif

struct attr {
	u_int64_t set, clr, propagation, userns_fd;
};

static int setattr_(const char *path, unsigned flags, u_int64_t propagation)
{
	struct attr a = { 0, 0, propagation, 0 };

	return (int)syscall(SYS_mount_setattr, AT_FDCWD, path, flags, &a, sizeof(a));
}

static int move_(int from, const char *name, const char *to, unsigned flags)
{
	return (int)syscall(SYS_move_mount, from, name, AT_FDCWD, to, flags);
}

TEST_FORK(by_descriptors)
{
	int m;

	SETUP();
	tmpfs("a");
	tmpfs("a/x");
	CHECK_OK(setattr_("a", AT_RECURSIVE, MS_SHARED));
	CHECK(peer("a") && peer("a/x"));
	CHECK_OK(setattr_("a", 0, MS_PRIVATE));
	CHECK(is_private("a") && peer("a/x"));
	CHECK_OK(setattr_("a", 0, MS_SHARED));
	/* A tree on a descriptor is a peer, too. */
	m = (int)syscall(SYS_open_tree, AT_FDCWD, "a", OPEN_TREE_CLONE | AT_RECURSIVE);
	CHECK_OK(m);
	CHECK_OK(move_(m, "", "b", MOVE_MOUNT_F_EMPTY_PATH));
	close(m);
	CHECK_EQ(peer("b"), peer("a"));
	CHECK_EQ(peer("b/x"), peer("a/x"));
	tmpfs("b/x/x");
	CHECK(fields("a/x/x"));
	CHECK_OK(umount("a/x/x"));
	bind_("a", "c");
	make("c", MS_PRIVATE);
	CHECK_OK(move_(AT_FDCWD, "a", "c", MOVE_MOUNT_SET_GROUP));
	CHECK_EQ(peer("c"), peer("a"));
	CHECK_ERRNO(move_(AT_FDCWD, "a", "c", MOVE_MOUNT_SET_GROUP),
		    EINVAL); /* it is not private */
	make("c", MS_PRIVATE);
	make("b", MS_PRIVATE);
	CHECK_ERRNO(move_(AT_FDCWD, "b", "c", MOVE_MOUNT_SET_GROUP), EINVAL);
	CHECK_ERRNO(move_(AT_FDCWD, "a/x", "c", MOVE_MOUNT_SET_GROUP), EINVAL);
	CHECK_ERRNO(move_(AT_FDCWD, "a", "d", MOVE_MOUNT_SET_GROUP), EINVAL);
	CHECK_ERRNO(move_(AT_FDCWD, "a", "c", MOVE_MOUNT_SET_GROUP | MOVE_MOUNT_BENEATH), EINVAL);
}

TEST_FORK(beneath)
{
	SETUP();
	tmpfs("a");
	close(abi_file("a/over", "", 0644));
	tmpfs("b");
	close(abi_file("b/under", "", 0644));
	CHECK_OK(move_(AT_FDCWD, "b", "a", MOVE_MOUNT_BENEATH));
	CHECK(!fields("b"));
	CHECK_OK(access("a/over", F_OK));
	CHECK_OK(umount("a"));
	CHECK_OK(access("a/under", F_OK));
	CHECK_OK(umount("a"));
	tmpfs("b");
	CHECK_ERRNO(move_(AT_FDCWD, "b", "a", MOVE_MOUNT_BENEATH), EINVAL); /* nothing there */
	CHECK_ERRNO(move_(AT_FDCWD, "b", "/", MOVE_MOUNT_BENEATH), EINVAL);
	CHECK_OK(umount("b"));
}

TEST_FORK(statmount_tells)
{
	struct {
		u_int32_t size, spare;
		u_int64_t id, param;
	} r = { 24, 0, 0, 2 | 4 };
	struct {
		u_int64_t head[9], propagation, peer, master, from, more[60];
	} s = { 0 };
	struct statx x = { 0 };

	SETUP();
	tmpfs("a");
	make("a", MS_SHARED);
	bind_("a", "b");
	make("b", MS_SLAVE);
	make("b", MS_SHARED);
	CHECK_OK(statx(AT_FDCWD, "b", 0, 0x4000, &x));
	if (!(x.stx_mask & 0x4000))
		SKIP("an old kernel");
	r.id = *(u_int64_t *)((char *)&x + 0x90);
	CHECK_OK(syscall(NR_STATMOUNT, &r, &s, sizeof(s), 0));
	CHECK_EQ(s.propagation, MS_SHARED | MS_SLAVE);
	CHECK_EQ(s.peer, peer("b"));
	CHECK_EQ(s.master, peer("a"));
	CHECK_EQ(s.from, peer("a"));
	make("b", MS_UNBINDABLE);
	CHECK_OK(syscall(NR_STATMOUNT, &r, &s, sizeof(s), 0));
	CHECK_EQ(s.propagation, MS_UNBINDABLE);
	CHECK(!s.peer && !s.master && !s.from);
}
