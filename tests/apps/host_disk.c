/*
 * host_disk.c - for host_disk.sh: a disk with faults, as a FUSE file system of the kernel's own protocol (fuse(4)).
 *
 *   host_disk DIR      serves it on DIR until it is unmounted; prints "mounted"
 *
 * Its files: `good`; `eio`, which can be neither read nor written; `quota`, EDQUOT at a write; `slow`, whose reads take half a
 * second; `stuck`, whose reads take half a minute; `hole`, whose second 64 KiB cannot be written. New names are EDQUOT.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <linux/fuse.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

#define TEXT "what is there\n"

static const char *const files[] = { "good", "eio", "quota", "slow", "stuck", "hole" };
#define NFILES (sizeof(files) / sizeof(files[0]))
enum { GOOD = 2, EIO_FILE, QUOTA, SLOW, STUCK, HOLE }; /* node numbers; 1 is the root */

static int dev;
static uint64_t hole_end; /* how far `hole` was written */

static void reply(const struct fuse_in_header *in, int error, const void *data, size_t n)
{
	struct fuse_out_header out = { .len = (uint32_t)(sizeof(out) + n),
				       .error = -error,
				       .unique = in->unique };
	struct iovec v[2] = { { &out, sizeof(out) }, { (void *)data, n } };

	if (writev(dev, v, n ? 2 : 1) < 0 && errno != ENOENT) /* ENOENT: who asked is gone */
		perror("host_disk");
}

static struct fuse_attr attr_of(uint64_t node)
{
	struct fuse_attr a = { .ino = node,
			       .nlink = 1,
			       .blksize = 4096,
			       .mode = S_IFREG | 0666,
			       .size = strlen(TEXT) };

	if (node == HOLE)
		a.size = hole_end;
	if (node == FUSE_ROOT_ID) {
		a.mode = S_IFDIR | 0777;
		a.nlink = 2;
		a.size = 0;
	}
	return a;
}

static void do_lookup(const struct fuse_in_header *in, const char *name)
{
	for (unsigned i = 0; i < NFILES; i++)
		if (strcmp(name, files[i]) == 0) {
			struct fuse_entry_out e = { .nodeid = GOOD + i, .attr = attr_of(GOOD + i) };

			reply(in, 0, &e, sizeof(e));
			return;
		}
	reply(in, ENOENT, NULL, 0);
}

static void do_read(const struct fuse_in_header *in, const struct fuse_read_in *r)
{
	size_t n = r->offset < strlen(TEXT) ? strlen(TEXT) - r->offset : 0;

	if (in->nodeid == SLOW)
		usleep(500000);
	if (in->nodeid == STUCK)
		sleep(30);
	if (in->nodeid == EIO_FILE)
		reply(in, EIO, NULL, 0);
	else
		reply(in, 0, TEXT + (n ? r->offset : 0), n < r->size ? n : r->size);
}

static void do_write(const struct fuse_in_header *in, const struct fuse_write_in *w)
{
	struct fuse_write_out out = { .size = w->size };
	uint64_t end = w->offset + w->size;
	int error = 0;

	if (in->nodeid == EIO_FILE || (in->nodeid == HOLE && w->offset < 131072 && end > 65536))
		error = EIO;
	else if (in->nodeid == QUOTA)
		error = EDQUOT;
	else if (in->nodeid == HOLE && end > hole_end)
		hole_end = end;
	reply(in, error, &out, error ? 0 : sizeof(out));
}

static void serve(const struct fuse_in_header *in, const void *arg)
{
	struct fuse_init_out init = {
		.major = FUSE_KERNEL_VERSION, .minor = 31, .max_write = 65536, .max_background = 8
	};
	struct fuse_attr_out attr = { .attr = attr_of(in->nodeid) };
	struct fuse_open_out open = { .open_flags = FOPEN_DIRECT_IO };
	struct fuse_statfs_out statfs = { .st = { .bsize = 4096, .namelen = 255 } };

	switch (in->opcode) {
	case FUSE_INIT: reply(in, 0, &init, sizeof(init)); break;
	case FUSE_LOOKUP: do_lookup(in, arg); break;
	case FUSE_GETATTR:
	case FUSE_SETATTR: reply(in, 0, &attr, sizeof(attr)); break;
	case FUSE_OPEN:
	case FUSE_OPENDIR: reply(in, 0, &open, sizeof(open)); break;
	case FUSE_READ: do_read(in, arg); break;
	case FUSE_WRITE: do_write(in, arg); break;
	case FUSE_STATFS: reply(in, 0, &statfs, sizeof(statfs)); break;
	case FUSE_CREATE:
	case FUSE_MKNOD:
	case FUSE_MKDIR: reply(in, EDQUOT, NULL, 0); break;
	case FUSE_READDIR:
	case FUSE_FLUSH:
	case FUSE_RELEASE:
	case FUSE_RELEASEDIR: reply(in, 0, NULL, 0); break;
	case FUSE_FORGET:
	case FUSE_BATCH_FORGET:
	case FUSE_INTERRUPT: break;
	default: reply(in, ENOSYS, NULL, 0); break;
	}
}

int main(int argc, char **argv)
{
	static char buf[1 << 20] __attribute__((aligned(8)));
	char options[128];
	ssize_t n;

	dev = open("/dev/fuse", O_RDWR);
	snprintf(options, sizeof(options), "fd=%d,rootmode=40000,user_id=0,group_id=0,allow_other",
		 dev);
	if (argc != 2 || dev < 0 || mount("faults", argv[1], "fuse", 0, options)) {
		perror("host_disk");
		return 77;
	}
	puts("mounted");
	fflush(stdout);
	while ((n = read(dev, buf, sizeof(buf))) > 0 || errno == EINTR || errno == ENOENT)
		if (n > 0)
			serve((struct fuse_in_header *)buf, buf + sizeof(struct fuse_in_header));
	return 0;
}
