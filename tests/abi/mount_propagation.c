/* Shared subtrees: peers, slaves, private and unbindable mounts, within a namespace and across; as mount_namespaces(7) has it. */
#include "propagation.h"

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
	CHECK_ERRNO(syscall(SYS_open_tree, AT_FDCWD, "a/x", OPEN_TREE_CLONE), EINVAL);
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
