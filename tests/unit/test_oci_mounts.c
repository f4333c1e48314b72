// sources: oci/mounts.c oci/pool.c host/mount_table.c host/overlay_dir.c host/size.c host/error.c
/*
 * test_oci_mounts.c - mounts of a configuration as lines of a mount table: every option, binds of files and directories,
 * what is refused and with which words.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include "abi/boot.h"
#include "host/error.h"
#include "oci/mounts.h"
#include "oci/pool.h"

static int failed;
#define CHECK(cond)                                                               \
	do {                                                                      \
		if (!(cond)) {                                                    \
			printf("%s:%d: failed: %s\n", __FILE__, __LINE__, #cond); \
			failed++;                                                 \
		}                                                                 \
	} while (0)

static struct pool pool = POOL_INIT;

/* Options in one string, separated by blanks. */
static struct mount_spec parse(const char *text, bool *bind, bool *recursive, int *ret)
{
	char copy[400], *options[20] = { 0 }, *rest = copy;
	struct mount_spec m = { 0 };
	struct error err = { 0 };

	snprintf(copy, sizeof(copy), "%s", text);
	for (int i = 0; rest && i < 19; i++)
		options[i] = strsep(&rest, " ");
	*ret = oci_mount_options(options, &m, bind, recursive, &pool, &err);
	return m;
}

static void options(void)
{
	static const struct {
		const char *text;
		uint64_t flags, propagation;
		unsigned options;
		const char *data;
		bool bind, recursive;
	} cases[] = {
		{ "nosuid noexec nodev", MS_NOSUID | MS_NOEXEC | MS_NODEV, 0, 0, NULL, false,
		  false },
		{ "ro rw", 0, 0, 0, NULL, false, false },
		{ "rw ro", MS_RDONLY, 0, 0, NULL, false, false },
		{ "nosuid suid nodev dev noexec exec", 0, 0, 0, NULL, false, false },
		{ "noatime relatime", MS_RELATIME, 0, 0, NULL, false, false },
		{ "relatime noatime", MS_NOATIME, 0, 0, NULL, false, false },
		{ "strictatime sync", MS_STRICTATIME | MS_SYNCHRONOUS, 0, 0, NULL, false, false },
		{ "nosuid strictatime mode=755 size=65536k", MS_NOSUID | MS_STRICTATIME, 0, 0,
		  "mode=755,size=65536k", false, false },
		{ "rbind rprivate ro", MS_RDONLY, MS_PRIVATE | MS_REC, 0, NULL, true, true },
		{ "bind slave", 0, MS_SLAVE, 0, NULL, true, false },
		{ "rbind rslave rro", MS_RDONLY, MS_SLAVE | MS_REC, 0, NULL, true, true },
		{ "shared", 0, MS_SHARED, 0, NULL, false, false },
		{ "tmpcopyup", 0, 0, BOOT_MOUNT_COPYUP, NULL, false, false },
		{ "newinstance ptmxmode=0666 mode=0620 gid=5", 0, 0, 0,
		  "newinstance,ptmxmode=0666,mode=0620,gid=5", false, false },
		{ "remount ro", MS_REMOUNT | MS_RDONLY, 0, 0, NULL, false, false },
		{ "", 0, 0, 0, "", false, false },
	};
	bool bind, recursive;
	int ret;

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct mount_spec m = parse(cases[i].text, &bind, &recursive, &ret);
		bool same = !ret && m.flags == cases[i].flags &&
			    m.propagation == cases[i].propagation &&
			    m.options == cases[i].options && bind == cases[i].bind &&
			    recursive == cases[i].recursive && !m.data == !cases[i].data &&
			    (!m.data || !strcmp(m.data, cases[i].data));

		if (!same) {
			printf("'%s': flags %llx, propagation %llx, data %s\n", cases[i].text,
			       (unsigned long long)m.flags, (unsigned long long)m.propagation,
			       m.data ? m.data : "none");
			failed++;
		}
	}
	parse("ro idmap", &bind, &recursive, &ret);
	CHECK(ret < 0);
	CHECK(!oci_mount_options(NULL, &(struct mount_spec){ 0 }, &bind, &recursive, &pool,
				 &(struct error){ 0 }));
}

static void table(void)
{
	char dir[] = "/tmp/mounts.XXXXXX", file[64];
	char *ro[] = { "rbind", "ro", NULL }, *plain[] = { "bind", NULL };
	char *tmp[] = { "nosuid", "size=1k", NULL };
	char *masked[] = { "/proc/kcore", NULL }, *readonly[] = { "/proc/sys", NULL };
	struct oci_mount mounts[] = {
		{ .destination = "/proc", .type = "proc" },
		{ .destination = "/tmp", .type = "tmpfs", .source = "x", .options = tmp },
		{ .destination = "/vol", .type = "none", .source = dir, .options = ro },
		{ .destination = "/etc/f", .type = "bind", .source = "f", .options = plain },
	};
	struct oci_root root = { .readonly = true };
	struct oci_config c = { .root = &root };
	struct mount_table t = { 0 };
	struct container_spec spec = { 0 };
	struct error err = { 0 };
	struct stat st;

	CHECK(mkdtemp(dir) != NULL);
	snprintf(file, sizeof(file), "%s/f", dir);
	close(open(file, O_CREAT | O_WRONLY, 0600));
	c.mounts.items = mounts;
	c.mounts.n = 4;
	c.linux_.masked_paths = masked;
	c.linux_.readonly_paths = readonly;
	CHECK(!oci_mounts(&c, dir, &t, &pool, &err));
	CHECK(t.nmounts == 6 && t.nexports == 2);
	if (t.nmounts != 6 || t.nexports != 2)
		return;
	CHECK(!strcmp(t.mounts[0].source, "proc") && !t.mounts[0].attach);
	CHECK(!strcmp(t.mounts[1].data, "size=1k") && t.mounts[1].flags == MS_NOSUID);
	CHECK(!strcmp(t.mounts[2].type, "bind") && !strcmp(t.mounts[2].attach, t.exports[0].name));
	CHECK(t.exports[0].read_only && t.exports[0].cross_mounts && !t.mounts[2].options);
	CHECK(t.mounts[3].options == BOOT_MOUNT_FILE && !t.exports[1].read_only);
	CHECK(!t.exports[1].cross_mounts && strcmp(t.exports[0].name, t.exports[1].name) != 0);
	CHECK(!fstat(t.exports[1].fd, &st) && S_ISREG(st.st_mode));
	CHECK((fcntl(t.exports[1].fd, F_GETFL) & O_ACCMODE) == O_RDWR);
	CHECK(!strcmp(t.mounts[4].type, "readonly") && !strcmp(t.mounts[5].type, "mask"));
	oci_mounts_spec(&c, &t, &spec);
	CHECK(!spec.root_rw && spec.root_readonly && spec.overlay == BOOT_OVERLAY_MEMORY);
	root.readonly = false;
	oci_mounts_spec(&c, &t, &spec);
	CHECK(spec.root_rw && !spec.root_readonly && spec.overlay == BOOT_OVERLAY_NONE);

	mounts[2].source = "/nowhere/at/all";
	CHECK(oci_mounts(&c, dir, &t, &pool, &err) < 0 && strstr(err.msg, "mounts[2] (/vol)") &&
	      strstr(err.msg, "/nowhere/at/all"));
	mounts[2] =
		(struct oci_mount){ .destination = "/vol", .type = "ext4", .source = "/dev/sda" };
	CHECK(oci_mounts(&c, dir, &t, &pool, &err) < 0 && strstr(err.msg, "'ext4'"));
	for (unsigned i = 0; i < t.nexports; i++) {
		close(t.exports[i].fd);
		free((char *)t.exports[i].name);
	}
	free(t.exports);
	free(t.mounts);
	unlink(file);
	rmdir(dir);
}

int main(void)
{
	options();
	table();
	pool_free(&pool);
	return failed ? 1 : 0;
}
