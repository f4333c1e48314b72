/* bpf(2), device programs of control groups: loading, the check, attaching, what they forbid, finding them. */
#include "bpf_device.h"

static int allow(void)
{
	return CHECK_OK(LOAD_PROGRAM(MOV(0, 1), EXIT()));
}

/* ---- loading ---- */

TEST(load)
{
	union bpf_attr a = { .prog_type = BPF_PROG_TYPE_CGROUP_DEVICE, .insn_cnt = 2 };
	struct bpf_insn code[] = { MOV(0, 1), EXIT() };
	char link[64], name[64] = "";
	int fd;

	NEED_BPF();
	a.insns = (unsigned long)code;
	a.license = (unsigned long)"GPL";
	strcpy(a.prog_name, "a_name.1");
	fd = CHECK_OK(sys_bpf(BPF_PROG_LOAD, &a));
	CHECK_EQ(fcntl(fd, F_GETFD), FD_CLOEXEC);
	snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);
	CHECK_OK(readlink(link, name, sizeof(name) - 1));
	CHECK_STR(name, "anon_inode:bpf-prog");
	close(fd);

	strcpy(a.prog_name, "a name");
	CHECK_ERRNO(sys_bpf(BPF_PROG_LOAD, &a), EINVAL);
	memset(a.prog_name, 'a', sizeof(a.prog_name));
	CHECK_ERRNO(sys_bpf(BPF_PROG_LOAD, &a), EINVAL);
	memset(a.prog_name, 0, sizeof(a.prog_name));
	a.insn_cnt = 0;
	CHECK_ERRNO(sys_bpf(BPF_PROG_LOAD, &a), E2BIG);
	a.insn_cnt = 2;
	a.prog_flags = 1u << 30;
	CHECK_ERRNO(sys_bpf(BPF_PROG_LOAD, &a), EINVAL);
	a.prog_flags = 0;
	a.insns = (unsigned long)bad_ptr();
	CHECK_ERRNO(sys_bpf(BPF_PROG_LOAD, &a), EFAULT);
	a.insns = (unsigned long)code;
	a.license = (unsigned long)bad_ptr();
	CHECK_ERRNO(sys_bpf(BPF_PROG_LOAD, &a), EFAULT);
	CHECK_ERRNO(syscall(SYS_bpf, BPF_PROG_LOAD, bad_ptr(), 48), EFAULT);
	CHECK_ERRNO(syscall(SYS_bpf, BPF_PROG_LOAD, &a, 100000), E2BIG);
	CHECK_ERRNO(sys_bpf(12345, &a), EINVAL);
}

TEST_FORK(needs_capability)
{
	NEED_BPF();
	CHECK_OK(setresuid(1000, 1000, 1000));
	CHECK_ERRNO(LOAD_PROGRAM(MOV(0, 1), EXIT()), EPERM);
}

TEST(check_refuses)
{
	union bpf_attr a = { .prog_type = BPF_PROG_TYPE_CGROUP_DEVICE, .insn_cnt = 1 };
	struct bpf_insn code[] = { EXIT() };
	char log[256];

	NEED_BPF();
	CHECK_ERRNO(LOAD_PROGRAM(EXIT()), EACCES);	      /* R0 is not set */
	CHECK_ERRNO(LOAD_PROGRAM(MOV(0, 2), EXIT()), EINVAL); /* neither 0 nor 1 */
	CHECK_ERRNO(LOAD_PROGRAM(MOV(0, 1)), EINVAL);	      /* no end */
	CHECK_ERRNO(LOAD_PROGRAM(MOV(0, 1), JUMP_NE(0, 1, 5), EXIT()), EINVAL);
	CHECK_ERRNO(LOAD_PROGRAM(INSN(BPF_ALU64 | BPF_MOV | BPF_X, 2, 3, 0, 0), MOV(0, 1), EXIT()),
		    EACCES);
	CHECK_ERRNO(LOAD_PROGRAM(LOAD(2, 12), MOV(0, 1), EXIT()), EACCES);
	CHECK_ERRNO(LOAD_PROGRAM(LOAD(2, -4), MOV(0, 1), EXIT()), EACCES);
	CHECK_ERRNO(LOAD_PROGRAM(LOAD(2, 2), MOV(0, 1), EXIT()), EACCES);
	CHECK_ERRNO(LOAD_PROGRAM(INSN(BPF_LDX | BPF_MEM | BPF_H, 2, 1, 4, 0), MOV(0, 1), EXIT()),
		    EACCES);
	CHECK_ERRNO(LOAD_PROGRAM(INSN(BPF_LDX | BPF_MEM | BPF_DW, 2, 1, 0, 0), MOV(0, 1), EXIT()),
		    EACCES);
	CHECK_ERRNO(LOAD_PROGRAM(INSN(BPF_STX | BPF_MEM | BPF_W, 1, 1, 0, 0), MOV(0, 1), EXIT()),
		    EACCES);
	CHECK_ERRNO(LOAD_PROGRAM(MOV(2, 1), INSN(BPF_ALU64 | BPF_DIV, 2, 0, 0, 0), MOV(0, 1),
				 EXIT()),
		    EINVAL);
	CHECK_ERRNO(LOAD_PROGRAM(MOV(2, 1), INSN(BPF_ALU | BPF_LSH, 2, 0, 0, 32), MOV(0, 1),
				 EXIT()),
		    EINVAL);
	CHECK_ERRNO(LOAD_PROGRAM(MOV(11, 1), MOV(0, 1), EXIT()), EINVAL);
	CHECK_ERRNO(LOAD_PROGRAM(INSN(0xff, 0, 0, 0, 0), MOV(0, 1), EXIT()), EINVAL);
	CHECK_ERRNO(LOAD_PROGRAM(MOV(0, 1), EXIT(), EXIT()), EINVAL); /* never reached */

	a.insns = (unsigned long)code;
	a.license = (unsigned long)"GPL";
	a.log_level = 1;
	a.log_buf = (unsigned long)log;
	CHECK_ERRNO(sys_bpf(BPF_PROG_LOAD, &a), EINVAL); /* a log without a size */
	a.log_size = sizeof(log);
	memset(log, 0, sizeof(log));
	CHECK_ERRNO(sys_bpf(BPF_PROG_LOAD, &a), EACCES);
	CHECK(strlen(log) > 0);
	a.log_size = 4;
	CHECK_ERRNO(sys_bpf(BPF_PROG_LOAD, &a), ENOSPC);
	CHECK_EQ(strlen(log), 3);
}

/* ---- attaching ---- */

TEST_FORK(attach)
{
	int one, two, dir, null = open("/dev/null", O_RDONLY);
	unsigned flags = ~0u;

	NEED_BPF();
	CG_BEGIN();
	one = allow();
	two = allow();
	CHECK_OK(cg_mkdir("a"));
	dir = CHECK_OK(cg_dir("a"));
	CHECK_ERRNO(bpf_attach(null, one, 0, 0), EBADF);
	CHECK_ERRNO(bpf_attach(-1, one, 0, 0), EBADF);
	CHECK_ERRNO(bpf_attach(dir, -1, 0, 0), EBADF);
	CHECK_ERRNO(bpf_attach(dir, null, 0, 0), EINVAL);
	CHECK_ERRNO(bpf_attach(dir, one, BPF_F_ALLOW_MULTI | BPF_F_ALLOW_OVERRIDE, 0), EINVAL);
	CHECK_ERRNO(bpf_attach(dir, one, BPF_F_REPLACE, two), EINVAL);
	CHECK_ERRNO(bpf_attach(dir, one, BPF_F_ALLOW_MULTI | BPF_F_REPLACE, -1), EBADF);
	CHECK_ERRNO(bpf_attach(dir, one, BPF_F_ALLOW_MULTI | BPF_F_REPLACE, two), ENOENT);
	CHECK_ERRNO(bpf_detach(dir, one), ENOENT);

	/* One alone: the next takes its place, and it goes by any name. */
	CHECK_OK(bpf_attach(dir, one, 0, 0));
	CHECK_OK(bpf_attach(dir, two, 0, 0));
	CHECK_EQ(bpf_query(dir, 0, NULL, 0, &flags), 1);
	CHECK_EQ(flags, 0);
	CHECK_ERRNO(bpf_attach(dir, one, BPF_F_ALLOW_MULTI, 0), EPERM);
	CHECK_OK(bpf_detach(dir, -1));
	CHECK_EQ(bpf_query(dir, 0, NULL, 0, NULL), 0);

	/* Several. */
	CHECK_OK(bpf_attach(dir, one, BPF_F_ALLOW_MULTI, 0));
	CHECK_ERRNO(bpf_attach(dir, one, BPF_F_ALLOW_MULTI, 0), EINVAL);
	CHECK_OK(bpf_attach(dir, two, BPF_F_ALLOW_MULTI, 0));
	CHECK_EQ(bpf_query(dir, 0, NULL, 0, &flags), 2);
	CHECK_EQ(flags, BPF_F_ALLOW_MULTI);
	CHECK_ERRNO(bpf_detach(dir, -1), EINVAL);
	CHECK_OK(bpf_detach(dir, one));
	CHECK_ERRNO(bpf_detach(dir, one), ENOENT);
	CHECK_OK(bpf_attach(dir, one, BPF_F_ALLOW_MULTI | BPF_F_REPLACE, two));
	CHECK_ERRNO(bpf_detach(dir, two), ENOENT);
	CHECK_OK(bpf_detach(dir, one));
	close(dir);
	CHECK_OK(cg_rmdir("a"));
	cg_end();
}

TEST_FORK(below)
{
	int prog, dir, below;

	NEED_BPF();
	CG_BEGIN();
	prog = allow();
	CHECK_OK(cg_mkdir("a"));
	CHECK_OK(cg_mkdir("a/b"));
	dir = CHECK_OK(cg_dir("a"));
	below = CHECK_OK(cg_dir("a/b"));
	CHECK_OK(bpf_attach(dir, prog, 0, 0));
	CHECK_ERRNO(bpf_attach(below, prog, 0, 0), EPERM);
	CHECK_ERRNO(bpf_attach(below, prog, BPF_F_ALLOW_MULTI, 0), EPERM);
	CHECK_EQ(bpf_query(below, 0, NULL, 0, NULL), 0);
	CHECK_EQ(bpf_query(below, BPF_F_QUERY_EFFECTIVE, NULL, 0, NULL), 1);
	CHECK_OK(bpf_detach(dir, prog));

	CHECK_OK(bpf_attach(dir, prog, BPF_F_ALLOW_OVERRIDE, 0));
	CHECK_OK(bpf_attach(below, prog, BPF_F_ALLOW_OVERRIDE, 0));
	CHECK_EQ(bpf_query(below, BPF_F_QUERY_EFFECTIVE, NULL, 0, NULL), 1);
	CHECK_OK(bpf_detach(below, prog));
	CHECK_OK(bpf_detach(dir, prog));

	CHECK_OK(bpf_attach(dir, prog, BPF_F_ALLOW_MULTI, 0));
	CHECK_OK(bpf_attach(below, prog, BPF_F_ALLOW_MULTI, 0));
	CHECK_EQ(bpf_query(below, BPF_F_QUERY_EFFECTIVE, NULL, 0, NULL), 2);
	close(dir);
	close(below);
	CHECK_OK(cg_rmdir("a/b")); /* with its program */
	CHECK_OK(cg_rmdir("a"));
	cg_end();
}

/* ---- what they forbid ---- */

/* Denies `access` to the character device 1:minor. */
static int deny(unsigned minor, unsigned access)
{
	return CHECK_OK(LOAD_PROGRAM(MOV(0, 1), INSN(BPF_LDX | BPF_MEM | BPF_H, 2, 1, 0, 0),
				     JUMP_NE(2, BPF_DEVCG_DEV_CHAR, 8), LOAD(3, 0),
				     INSN(BPF_ALU | BPF_RSH | BPF_K, 3, 0, 0, 16),
				     INSN(BPF_ALU | BPF_AND | BPF_K, 3, 0, 0, access), LOAD(4, 4),
				     LOAD(5, 8), INSN(BPF_JMP32 | BPF_JEQ | BPF_K, 3, 0, 3, 0),
				     JUMP_NE(4, 1, 2), JUMP_NE(5, minor, 1), MOV(0, 0), EXIT()));
}

static int opens(const char *path, int flags)
{
	int fd = open(path, flags | O_CLOEXEC);

	if (fd >= 0)
		close(fd);
	return fd < 0 ? -1 : 0;
}

TEST_FORK(forbid)
{
	int prog, other, dir, below;

	NEED_BPF();
	CG_BEGIN();
	CHECK_OK(cg_mkdir("a"));
	CHECK_OK(cg_mkdir("a/b"));
	CHECK_OK(cg_put("a/b", getpid()));
	dir = CHECK_OK(cg_dir("a"));
	below = CHECK_OK(cg_dir("a/b"));
	prog = deny(3, BPF_DEVCG_ACC_WRITE);
	other = deny(5, BPF_DEVCG_ACC_MKNOD | BPF_DEVCG_ACC_READ);
	CHECK_OK(bpf_attach(dir, prog, BPF_F_ALLOW_MULTI, 0));
	CHECK_OK(opens("/dev/null", O_RDONLY));
	CHECK_ERRNO(opens("/dev/null", O_WRONLY), EPERM);
	CHECK_ERRNO(opens("/dev/null", O_RDWR), EPERM);
	CHECK_OK(opens("/dev/null", O_PATH));
	CHECK_ERRNO(access("/dev/null", W_OK), EPERM);
	CHECK_OK(access("/dev/null", R_OK));
	CHECK_OK(opens("/dev/zero", O_RDWR));

	/* All have to allow it. */
	CHECK_OK(bpf_attach(below, other, BPF_F_ALLOW_MULTI, 0));
	CHECK_ERRNO(opens("/dev/null", O_WRONLY), EPERM);
	CHECK_ERRNO(opens("/dev/zero", O_RDONLY), EPERM);
	CHECK_OK(opens("/dev/zero", O_WRONLY));
	CHECK_ERRNO(mknod("zero", S_IFCHR | 0600, makedev(1, 5)), EPERM);
	CHECK_OK(mknod("null", S_IFCHR | 0600, makedev(1, 3)));
	CHECK_ERRNO(opens("null", O_WRONLY), EPERM);
	CHECK_OK(mknod("fifo", S_IFIFO | 0600, makedev(1, 5)));
	CHECK_OK(bpf_detach(dir, prog));
	CHECK_OK(opens("/dev/null", O_WRONLY));
	CHECK_ERRNO(opens("/dev/zero", O_RDONLY), EPERM);

	/* Elsewhere nothing is forbidden. */
	CHECK_OK(cg_put("", getpid()));
	CHECK_OK(opens("/dev/zero", O_RDONLY));
	CHECK_OK(unlink("null"));
	CHECK_OK(unlink("fifo"));
	CHECK_OK(cg_put("../", getpid()));
	close(dir);
	close(below);
	CHECK_OK(cg_rmdir("a/b"));
	CHECK_OK(cg_rmdir("a"));
	cg_end();
}

/* ---- finding ---- */

TEST_FORK(ids)
{
	struct bpf_prog_info info = { 0 };
	struct bpf_insn code[8] = { 0 };
	unsigned id[3] = { 0 };
	union bpf_attr a = { 0 };
	int one, two, fd, dir;

	NEED_BPF();
	CG_BEGIN();
	one = allow();
	two = CHECK_OK(LOAD_PROGRAM(MOV(3, 9), MOV(0, 1), EXIT()));
	CHECK_OK(cg_mkdir("a"));
	dir = CHECK_OK(cg_dir("a"));
	CHECK_OK(bpf_attach(dir, one, BPF_F_ALLOW_MULTI, 0));
	CHECK_OK(bpf_attach(dir, two, BPF_F_ALLOW_MULTI, 0));
	CHECK_ERRNO(bpf_query(dir, 0, id, 1, NULL), ENOSPC);
	CHECK(id[0] && !id[1]);
	CHECK_EQ(bpf_query(dir, 0, id, 3, NULL), 2);
	CHECK(id[0] < id[1] && !id[2]);
	CHECK_ERRNO(bpf_query(dir, 2, id, 3, NULL), EINVAL);
	CHECK_ERRNO(bpf_query(one, 0, id, 3, NULL), EBADF);

	a.start_id = id[1] - 1;
	CHECK_OK(sys_bpf(BPF_PROG_GET_NEXT_ID, &a));
	CHECK_EQ(a.next_id, id[1]);
	memset(&a, 0, sizeof(a));
	a.prog_id = id[1];
	fd = CHECK_OK(sys_bpf(BPF_PROG_GET_FD_BY_ID, &a));

	memset(&a, 0, sizeof(a));
	a.info.bpf_fd = (unsigned)fd;
	a.info.info_len = sizeof(info);
	a.info.info = (unsigned long)&info;
	info.xlated_prog_len = sizeof(code);
	info.xlated_prog_insns = (unsigned long)code;
	CHECK_OK(sys_bpf(BPF_OBJ_GET_INFO_BY_FD, &a));
	CHECK_EQ(info.type, BPF_PROG_TYPE_CGROUP_DEVICE);
	CHECK_EQ(info.id, id[1]);
	CHECK_EQ(info.xlated_prog_len, 3 * sizeof(code[0]));
	CHECK_EQ(code[0].imm, 9);
	CHECK_EQ(info.created_by_uid, getuid());

	/* It lives as long as someone holds it. */
	close(fd);
	close(two);
	CHECK_OK(bpf_detach(dir, one));
	CHECK_EQ(bpf_query(dir, 0, id, 3, NULL), 1);
	close(dir);
	CHECK_OK(cg_rmdir("a"));
	memset(&a, 0, sizeof(a));
	a.prog_id = id[0];
	WAIT_UNTIL((fd = sys_bpf(BPF_PROG_GET_FD_BY_ID, &a)) < 0 || close(fd));
	CHECK_ERRNO(sys_bpf(BPF_PROG_GET_FD_BY_ID, &a), ENOENT);
	cg_end();
}
