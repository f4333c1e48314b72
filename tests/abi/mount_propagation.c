/* Shared subtrees: peers, slaves, private and unbindable mounts, within a namespace and across; as mount_namespaces(7) has it. */
#include "own_ns.h"

#ifndef SYS_mount_setattr
#define SYS_mount_setattr 442
#endif
#ifndef SYS_move_mount
#define SYS_open_tree  428
#define SYS_move_mount 429
#endif
#define NR_STATMOUNT 457

enum { CLONE = 1, RECURSIVE = 0x8000, F_EMPTY = 4, SET_GROUP = 0x100, BENEATH = 0x200 };

/* Directories a to f on a private tmpfs of our own. */
static void make_tree(void)
{
	CHECK_OK(mkdir("t", 0755));
	CHECK_OK(mount("none", "t", "tmpfs", 0, NULL));
	CHECK_OK(chdir("t"));
	for (char n[] = "a"; *n <= 'f'; n[0]++)
		CHECK_OK(mkdir(n, 0755));
}

#define SETUP()               \
	do {                  \
		OWN_MOUNTS(); \
		make_tree();  \
	} while (0)

static void make(const char *path, unsigned long type)
{
	CHECK_OK(mount(NULL, path, NULL, type, NULL));
}

static void bind_(const char *from, const char *to)
{
	CHECK_OK(mount(from, to, NULL, MS_BIND, NULL));
}

/* A tmpfs with a directory x on it. */
static void tmpfs(const char *at)
{
	char name[64];

	CHECK_OK(mount("none", at, "tmpfs", 0, NULL));
	snprintf(name, sizeof(name), "%s/x", at);
	CHECK_OK(mkdir(name, 0755));
}

/* What /proc/PID/mountinfo says of the mount at our path: its optional fields, "private" if none; NULL: no mount there. */
static const char *fields_of(const char *proc, const char *path)
{
	static char out[4096];
	char full[PATH_MAX], line[8192], point[PATH_MAX], rest[4096];
	FILE *f = fopen(proc, "r");
	const char *got = NULL;

	CHECK(f != NULL);
	CHECK(getcwd(full, sizeof(full)) != NULL);
	if (*path) {
		strcat(full, "/");
		strcat(full, path);
	}
	while (fgets(line, sizeof(line), f)) {
		char *dash;

		if (sscanf(line, "%*d %*d %*s %*s %4095s %*s %4095[^\n]", point, rest) != 2 ||
		    strcmp(point, full))
			continue;
		dash = rest[0] == '-' ? rest : strstr(rest, " - ");
		CHECK(dash != NULL);
		*dash = 0;
		snprintf(out, sizeof(out), "%s", *rest ? rest : "private");
		got = out; /* the last one is on top */
	}
	fclose(f);
	return got;
}

static const char *fields(const char *path)
{
	return fields_of("/proc/self/mountinfo", path);
}

static int number(const char *text, const char *key)
{
	const char *p = text ? strstr(text, key) : NULL;

	return p ? atoi(p + strlen(key)) : 0;
}

static int peer(const char *path)
{
	return number(fields(path), "shared:");
}

static int master(const char *path)
{
	return number(fields(path), "master:");
}

static int is_private(const char *path)
{
	const char *f = fields(path);

	return f && !strcmp(f, "private");
}

TEST_FORK(types)
{
	int g;

	SETUP();
	CHECK(is_private(""));
	tmpfs("a");
	CHECK(is_private("a"));
	make("a", MS_SHARED);
	g = peer("a");
	CHECK(g > 0);
	CHECK_EQ(master("a"), 0);
	make("a", MS_SHARED);
	CHECK_EQ(peer("a"), g);
	make("a", MS_SLAVE); /* of nobody */
	CHECK(is_private("a"));
	make("a", MS_UNBINDABLE);
	CHECK(!strcmp(fields("a"), "unbindable"));
	make("a", MS_SLAVE);
	CHECK(!strcmp(fields("a"), "unbindable"));
	make("a", MS_PRIVATE);
	CHECK(is_private("a"));
	CHECK_ERRNO(mount(NULL, "a/x", NULL, MS_SHARED, NULL), EINVAL);
	CHECK_ERRNO(mount(NULL, "a", NULL, MS_SHARED | MS_PRIVATE, NULL), EINVAL);
	CHECK_ERRNO(mount(NULL, "a", NULL, MS_SHARED | MS_RDONLY, NULL), EINVAL);
	CHECK_OK(mount(NULL, "a", NULL, MS_SHARED | MS_SILENT, NULL));
	CHECK_ERRNO(mount(NULL, "none", NULL, MS_SHARED, NULL), ENOENT);
	/* With what is below. */
	tmpfs("a/x");
	CHECK(peer("a/x") && peer("a/x") != peer("a"));
	make("a", MS_PRIVATE);
	CHECK(peer("a/x"));
	make("a", MS_PRIVATE | MS_REC);
	CHECK(is_private("a/x"));
	make("a", MS_SHARED | MS_REC);
	CHECK(peer("a") && peer("a/x") && peer("a/x") != peer("a"));
}

TEST_FORK(peers)
{
	int g;

	SETUP();
	tmpfs("a");
	make("a", MS_SHARED);
	g = peer("a");
	bind_("a", "b");
	CHECK_EQ(peer("b"), g);
	tmpfs("a/x");
	CHECK_OK(access("b/x/x", F_OK));
	CHECK(peer("a/x") != g);
	CHECK_EQ(peer("a/x"), peer("b/x"));
	/* From either side, as deep as it goes. */
	tmpfs("b/x/x");
	CHECK_OK(access("a/x/x/x", F_OK));
	CHECK_OK(umount("a/x/x"));
	CHECK(!fields("b/x/x"));
	CHECK_OK(umount("b/x"));
	CHECK(!fields("a/x"));
	/* Gone from the group. */
	make("b", MS_PRIVATE);
	tmpfs("a/x");
	CHECK(!fields("b/x"));
	CHECK_EQ(peer("a"), g);
	CHECK(is_private("b"));
}

TEST_FORK(slaves)
{
	SETUP();
	tmpfs("a");
	make("a", MS_SHARED);
	bind_("a", "b");
	make("b", MS_SLAVE);
	CHECK_EQ(master("b"), peer("a"));
	CHECK_EQ(peer("b"), 0);
	tmpfs("a/x");
	CHECK_OK(access("b/x/x", F_OK));
	CHECK_EQ(master("b/x"), peer("a/x"));
	CHECK_EQ(peer("b/x"), 0);
	tmpfs("b/x/x"); /* not the other way */
	CHECK(!fields("a/x/x"));
	CHECK_OK(umount("b/x/x"));
	CHECK_OK(umount("a/x"));
	CHECK(!fields("b/x"));
	/* A shared slave passes it on. */
	make("b", MS_SHARED);
	CHECK(peer("b") && peer("b") != peer("a"));
	CHECK_EQ(master("b"), peer("a"));
	bind_("b", "c");
	CHECK_EQ(peer("c"), peer("b"));
	CHECK_EQ(master("c"), peer("a"));
	bind_("c", "d");
	make("d", MS_SLAVE);
	CHECK_EQ(master("d"), peer("b"));
	tmpfs("a/x");
	CHECK_OK(access("d/x/x", F_OK));
	CHECK_EQ(master("b/x"), peer("a/x"));
	CHECK_EQ(peer("b/x"), peer("c/x"));
	CHECK_EQ(master("d/x"), peer("c/x"));
	CHECK_OK(umount("b/x"));
	CHECK(fields("a/x") && !fields("c/x") && !fields("d/x"));
	CHECK_OK(umount("a/x"));
	/* The group in the middle goes: its slaves get its master. */
	make("b", MS_PRIVATE);
	make("c", MS_PRIVATE);
	CHECK_EQ(master("d"), peer("a"));
	CHECK_OK(umount("a"));
	CHECK(is_private("d"));
}

TEST_FORK(alone_in_the_middle)
{
	SETUP();
	tmpfs("a");
	make("a", MS_SHARED);
	bind_("a", "b");
	make("b", MS_SLAVE);
	make("b", MS_SHARED);
	make("b", MS_SLAVE); /* again what it was */
	CHECK_EQ(master("b"), peer("a"));
	CHECK_EQ(peer("b"), 0);
	bind_("b", "c"); /* a bind of a slave is one */
	CHECK_EQ(master("c"), peer("a"));
	bind_("a", "d");
	CHECK_OK(umount("a"));
	CHECK_EQ(master("c"), peer("d"));
}

TEST_FORK(unbindable)
{
	SETUP();
	tmpfs("a");
	tmpfs("a/x");
	tmpfs("a/x/x");
	make("a/x", MS_UNBINDABLE);
	CHECK_ERRNO(mount("a/x", "b", NULL, MS_BIND, NULL), EINVAL);
	CHECK_OK(mount("a/x/x/x", "b", NULL, MS_BIND | MS_REC, NULL));
	CHECK_OK(umount("b"));
	CHECK_OK(mount("a", "b", NULL, MS_BIND | MS_REC, NULL)); /* without it, and what is below */
	CHECK(fields("b") && !fields("b/x"));
	CHECK_OK(umount("b"));
	CHECK_ERRNO(syscall(SYS_open_tree, AT_FDCWD, "a/x", CLONE), EINVAL);
	/* It does not go where it would be copied. */
	tmpfs("b");
	make("b", MS_SHARED);
	CHECK_ERRNO(mount("a/x", "b/x", NULL, MS_MOVE, NULL), EINVAL);
	make("b", MS_PRIVATE);
	CHECK_OK(mount("a/x", "b/x", NULL, MS_MOVE, NULL));
	CHECK(!strcmp(fields("b/x"), "unbindable"));
	/* A namespace of its own has it, though. */
	CHECK_OK(unshare(CLONE_NEWNS));
	CHECK(fields("b/x"));
}

TEST_FORK(bind_and_move_tables)
{
	SETUP();
	/* Into a shared mount: it becomes shared, and what was a slave stays one. */
	tmpfs("a");
	make("a", MS_SHARED);
	bind_("a", "b");
	tmpfs("c");
	bind_("c", "a/x");
	CHECK(is_private("c"));
	CHECK(peer("a/x") && peer("a/x") == peer("b/x"));
	CHECK_OK(umount("b/x"));
	make("c", MS_SHARED);
	bind_("c", "d");
	make("d", MS_SLAVE);
	CHECK_OK(mount("d", "a/x", NULL, MS_MOVE, NULL));
	CHECK(!fields("d"));
	CHECK_EQ(master("a/x"), peer("c"));
	CHECK(peer("a/x") && peer("a/x") == peer("b/x"));
	CHECK_EQ(master("b/x"), peer("c"));
	/* From a shared parent nothing moves. */
	CHECK_ERRNO(mount("a/x", "d", NULL, MS_MOVE, NULL), EINVAL);
	CHECK_OK(umount("b/x"));
	CHECK(!fields("a/x"));
	/* With all that is below. */
	tmpfs("e");
	tmpfs("e/x");
	CHECK_OK(mount("e", "a/x", NULL, MS_MOVE, NULL));
	CHECK(fields("b/x/x") && peer("b/x/x") == peer("a/x/x"));
	/* And all of it away. */
	CHECK_ERRNO(umount("a/x"), EBUSY);
	CHECK_OK(umount2("a/x", MNT_DETACH));
	CHECK(!fields("b/x/x") && !fields("b/x") && !fields("a/x"));
	/* Into its own peer. */
	CHECK_ERRNO(mount("b", "b/x", NULL, MS_MOVE, NULL), ELOOP);
	bind_("a", "a/x");
	CHECK(fields("b/x") && !fields("b/x/x") && !fields("a/x/x"));
	CHECK_EQ(peer("b/x"), peer("a"));
	CHECK_OK(umount("a/x"));
	CHECK(!fields("b/x"));
}

/* What is mounted where a copy goes comes to lie on top of it; what is mounted below a copy keeps it. */
TEST_FORK(copies_below)
{
	int fd;

	SETUP();
	tmpfs("a");
	make("a", MS_SHARED);
	bind_("a", "b");
	make("b", MS_SLAVE);
	tmpfs("b/x");
	close(abi_file("b/x/mine", "", 0644));
	tmpfs("a/x");
	CHECK_OK(access("b/x/mine", F_OK));
	CHECK_OK(umount("b/x"));
	CHECK_ERRNO(access("b/x/mine", F_OK), ENOENT);
	CHECK_OK(access("b/x/x", F_OK));
	CHECK_OK(umount("a/x"));
	CHECK(!fields("b/x"));
	/* The one on top stays when the copy goes. */
	tmpfs("b/x");
	close(abi_file("b/x/mine", "", 0644));
	tmpfs("a/x");
	CHECK_OK(umount("a/x"));
	CHECK_OK(access("b/x/mine", F_OK));
	CHECK_OK(umount("b/x"));
	CHECK(!fields("b/x"));
	/* A copy with something of its own below stays. */
	tmpfs("a/x");
	tmpfs("b/x/x");
	CHECK_OK(umount("a/x"));
	CHECK(fields("b/x/x") && fields("b/x"));
	CHECK_OK(umount2("b/x", MNT_DETACH));
	/* A copy that is in use makes the original busy. */
	tmpfs("a/x");
	fd = CHECK_OK(open("b/x", O_RDONLY | O_DIRECTORY));
	CHECK_ERRNO(umount("a/x"), EBUSY);
	CHECK_OK(umount2("a/x", MNT_DETACH));
	CHECK(!fields("b/x"));
	close(fd);
	/* Only mounts that show the mount point take part. */
	CHECK_OK(mkdir("a/x/in", 0755));
	bind_("a/x", "c");
	CHECK_EQ(peer("c"), peer("a"));
	CHECK_OK(mkdir("a/y", 0755));
	tmpfs("a/y");
	CHECK(fields("b/y") && !fields("c/y"));
	tmpfs("c/in");
	CHECK(fields("a/x/in") && fields("b/x/in"));
}

/* A child that answers with one byte when it looked. */
struct other {
	pid_t pid;
	int to[2], from[2];
};

static void other_start(struct other *o, int flags)
{
	char c;

	CHECK_OK(pipe(o->to));
	CHECK_OK(pipe(o->from));
	o->pid = CHECK_OK(fork());
	if (o->pid)
		goto parent;
	close(o->to[1]);
	close(o->from[0]);
	CHECK_OK(unshare(flags));
	CHECK_EQ(write(o->from[1], "r", 1), 1);
	while (read(o->to[0], &c, 1) == 1) {
		char answer = 'n';

		if (c == 'a' && fields("a/x"))
			answer = master("a/x") ? 'm' : peer("a/x") ? 's' : 'p';
		if (c == 'M')
			answer = mount("none", "a/x", "tmpfs", 0, NULL) ? 'e' : 'y';
		if (c == 'U')
			answer = umount("a/x") ? 'e' : 'y';
		if (c == 'g')
			answer = master("a") ? 'm' : peer("a") ? 's' : 'p';
		CHECK_EQ(write(o->from[1], &answer, 1), 1);
	}
	_exit(0);
parent:
	close(o->to[0]);
	close(o->from[1]);
	CHECK_EQ(read(o->from[0], &c, 1), 1);
}

static char ask(struct other *o, char c)
{
	CHECK_EQ(write(o->to[1], &c, 1), 1);
	CHECK_EQ(read(o->from[0], &c, 1), 1);
	return c;
}

static void other_end(struct other *o)
{
	close(o->to[1]);
	CHECK_OK(waitpid(o->pid, NULL, 0));
}

TEST_FORK(across_namespaces)
{
	struct other o;
	char file[64];

	SETUP();
	tmpfs("a");
	make("a", MS_SHARED);
	other_start(&o, CLONE_NEWNS);
	CHECK_EQ(ask(&o, 'g'), 's');
	tmpfs("a/x");
	CHECK_EQ(ask(&o, 'a'), 's');
	snprintf(file, sizeof(file), "/proc/%d/mountinfo", o.pid);
	CHECK_EQ(number(fields_of(file, "a/x"), "shared:"), peer("a/x"));
	CHECK_EQ(ask(&o, 'U'), 'y');
	CHECK(!fields("a/x"));
	CHECK_EQ(ask(&o, 'M'), 'y');
	CHECK(fields("a/x"));
	CHECK(!strcmp(fields_of(file, "a/x"), fields("a/x")));
	CHECK_OK(umount("a/x"));
	CHECK_EQ(ask(&o, 'a'), 'n');
	/* The end of a namespace takes nothing away here. */
	tmpfs("a/x");
	other_end(&o);
	CHECK(fields("a/x"));
}

TEST_FORK(to_a_user_namespace)
{
	struct other o;

	SETUP();
	tmpfs("a");
	make("a", MS_SHARED);
	other_start(&o, CLONE_NEWUSER | CLONE_NEWNS);
	CHECK_EQ(ask(&o, 'g'), 'm'); /* a slave */
	tmpfs("a/x");
	CHECK_EQ(ask(&o, 'a'), 'm');
	CHECK_EQ(ask(&o, 'U'), 'y'); /* the top of what came is not locked */
	CHECK(fields("a/x"));
	CHECK_EQ(ask(&o, 'M'), 'y');
	CHECK_OK(umount("a/x"));
	CHECK_EQ(ask(&o, 'a'), 'n'); /* what is where a copy would be goes, whoever mounted it */
	other_end(&o);
	/* What was there from the start is locked for him, and yet goes with the original. */
	tmpfs("a/x");
	other_start(&o, CLONE_NEWUSER | CLONE_NEWNS);
	CHECK_EQ(ask(&o, 'U'), 'e');
	CHECK_EQ(ask(&o, 'a'), 'm');
	CHECK_OK(umount("a/x"));
	CHECK_EQ(ask(&o, 'a'), 'n');
	other_end(&o);
}

TEST_FORK(propagate_from)
{
	char what[64];
	int a, fd;

	SETUP();
	CHECK_OK(mkdir("a/root", 0755));
	bind_("a", "a");
	make("a", MS_SHARED);
	bind_("a", "b");
	make("b", MS_SLAVE);
	make("b", MS_SHARED);
	bind_("b", "c");
	make("c", MS_SLAVE);
	a = peer("a");
	/* Its master cannot be seen, its master's master can. */
	CHECK_OK(mkdir("top", 0755));
	bind_("a", "top");
	CHECK_OK(mkdir("a/in", 0755));
	bind_("c", "top/in");
	CHECK(master("top/in") != a);
	fd = CHECK_OK(open(".", O_RDONLY | O_DIRECTORY));
	CHECK_OK(mkdir("a/proc", 0755));
	CHECK_OK(mount("/proc", "top/proc", NULL, MS_BIND, NULL));
	CHECK_OK(chroot("top"));
	CHECK_OK(chdir("/"));
	snprintf(what, sizeof(what), " propagate_from:%d", a);
	FILE *f = fopen("/proc/self/mountinfo", "r");
	char line[4096];
	int hits = 0;

	CHECK(f != NULL);
	while (fgets(line, sizeof(line), f))
		if (strstr(line, " /in ") && strstr(line, what) && strstr(line, " master:"))
			hits++;
	CHECK_EQ(hits, 1);
	fclose(f);
	close(fd);
}

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
	CHECK_OK(setattr_("a", RECURSIVE, MS_SHARED));
	CHECK(peer("a") && peer("a/x"));
	CHECK_OK(setattr_("a", 0, MS_PRIVATE));
	CHECK(is_private("a") && peer("a/x"));
	CHECK_OK(setattr_("a", 0, MS_SHARED));
	/* A tree on a descriptor is a peer, too. */
	m = (int)syscall(SYS_open_tree, AT_FDCWD, "a", CLONE | RECURSIVE);
	CHECK_OK(m);
	CHECK_OK(move_(m, "", "b", F_EMPTY));
	close(m);
	CHECK_EQ(peer("b"), peer("a"));
	CHECK_EQ(peer("b/x"), peer("a/x"));
	tmpfs("b/x/x");
	CHECK(fields("a/x/x"));
	CHECK_OK(umount("a/x/x"));
	/* MOVE_MOUNT_SET_GROUP */
	bind_("a", "c");
	make("c", MS_PRIVATE);
	CHECK_OK(move_(AT_FDCWD, "a", "c", SET_GROUP));
	CHECK_EQ(peer("c"), peer("a"));
	CHECK_ERRNO(move_(AT_FDCWD, "a", "c", SET_GROUP), EINVAL); /* it is not private */
	make("c", MS_PRIVATE);
	make("b", MS_PRIVATE);
	CHECK_ERRNO(move_(AT_FDCWD, "b", "c", SET_GROUP), EINVAL);
	CHECK_ERRNO(move_(AT_FDCWD, "a/x", "c", SET_GROUP), EINVAL);
	CHECK_ERRNO(move_(AT_FDCWD, "a", "d", SET_GROUP), EINVAL);
	CHECK_ERRNO(move_(AT_FDCWD, "a", "c", SET_GROUP | BENEATH), EINVAL);
}

TEST_FORK(beneath)
{
	SETUP();
	tmpfs("a");
	close(abi_file("a/over", "", 0644));
	tmpfs("b");
	close(abi_file("b/under", "", 0644));
	CHECK_OK(move_(AT_FDCWD, "b", "a", BENEATH));
	CHECK(!fields("b"));
	CHECK_OK(access("a/over", F_OK));
	CHECK_OK(umount("a"));
	CHECK_OK(access("a/under", F_OK));
	CHECK_OK(umount("a"));
	tmpfs("b");
	CHECK_ERRNO(move_(AT_FDCWD, "b", "a", BENEATH), EINVAL); /* nothing there */
	CHECK_ERRNO(move_(AT_FDCWD, "b", "/", BENEATH), EINVAL);
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

TEST_FORK(pivot_root_and_shared)
{
	SETUP();
	tmpfs("a");
	CHECK_OK(mkdir("a/old", 0755));
	make("a", MS_SHARED);
	CHECK_ERRNO(syscall(SYS_pivot_root, "a", "a/old"), EINVAL); /* the old root would spread */
	make("a", MS_PRIVATE);
	CHECK_OK(chdir("a"));
	CHECK_OK(syscall(SYS_pivot_root, ".", "old"));
	CHECK_OK(access("/x", F_OK));
	CHECK_OK(umount2("/old", MNT_DETACH));
}

/* Binding a tree onto itself doubles it: the namespace is full before the memory is. */
TEST_FORK(mount_max)
{
	int i, full = 0;

	SETUP();
	if (!abi_sandboxed())
		SKIP("would fill the namespace of a machine's init");
	FILE *f = fopen("/proc/sys/fs/mount-max", "w");
	if (!f || fprintf(f, "2000\n") < 0 || fclose(f))
		SKIP("cannot lower fs.mount-max");
	tmpfs("a");
	make("a", MS_SHARED);
	for (i = 0; i < 30 && !full; i++) {
		char name[16];

		snprintf(name, sizeof(name), "a/%d", i);
		CHECK_OK(mkdir(name, 0755));
		full = mount("a", name, NULL, MS_BIND | MS_REC, NULL) && errno == ENOSPC;
	}
	f = fopen("/proc/sys/fs/mount-max", "w");
	CHECK(f && fprintf(f, "100000\n") > 0 && !fclose(f));
	CHECK(full);
	CHECK(i > 4);
	CHECK_OK(umount2("a", MNT_DETACH));
}
