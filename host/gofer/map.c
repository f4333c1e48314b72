/*
 * map.c - Tmap: hand a file to whoever maps it into a window of guest memory (abi/dax.h).
 *
 * What goes out is the fid's own descriptor of a regular file, and only one that was opened for reading alone: nobody who
 * gets it can change the file, or reach another.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/vfs.h>

#include "abi/dax.h"
#include "host/gofer/conn.h"

#define PAGE 4096ULL

/*
 * Files that are no pages of a disk or of memory: to map one of sysfs may reach a device (PCI resources), and hugetlbfs maps
 * more than it is asked for.
 */
static bool odd_file_system(const struct statfs *fs)
{
	switch ((unsigned long)fs->f_type) {
	case PROC_SUPER_MAGIC:
	case SYSFS_MAGIC:
	case DEBUGFS_MAGIC:
	case TRACEFS_MAGIC:
	case HUGETLBFS_MAGIC: return true;
	default: return false;
	}
}

/* The descriptor if it may go out, and the file's size; or -errno. */
static int mappable(const struct fid *f, uint64_t *size)
{
	struct statx st;
	struct statfs fs;
	int flags, ret;

	if (!f || f->kind != FID_OPEN)
		return -EBADF;
	if (f->node->type != S_IFREG)
		return -EINVAL;
	flags = fcntl(f->fd, F_GETFL);
	if (flags < 0 || (flags & O_ACCMODE) != O_RDONLY || flags & O_PATH)
		return -EACCES;
	ret = attr_stat(f->fd, "", &st);
	if (ret < 0)
		return ret;
	if (!S_ISREG(st.stx_mode))
		return -EINVAL;
	/* Programs are mapped to be executed; where the host forbids that, they are copied. */
	if (fstatfs(f->fd, &fs) < 0)
		return -errno;
	if (fs.f_flags & ST_NOEXEC || odd_file_system(&fs))
		return -EPERM;
	*size = st.stx_size;
	return f->fd;
}

static int hand_over(int socket, const struct dax_message *m, int fd)
{
	char control[CMSG_SPACE(sizeof(int))] = { 0 };
	struct iovec iov = { (void *)m, sizeof(*m) };
	struct msghdr h = { .msg_iov = &iov,
			    .msg_iovlen = 1,
			    .msg_control = control,
			    .msg_controllen = sizeof(control) };
	struct cmsghdr *c = CMSG_FIRSTHDR(&h);

	c->cmsg_level = SOL_SOCKET;
	c->cmsg_type = SCM_RIGHTS;
	c->cmsg_len = CMSG_LEN(sizeof(int));
	memcpy(CMSG_DATA(c), &fd, sizeof(fd));
	return sendmsg(socket, &h, MSG_DONTWAIT | MSG_NOSIGNAL) < 0 ? -errno : 0;
}

int op_map(struct req *r)
{
	struct fid *f = fid_find(r->c, wire_get32(&r->t));
	struct dax_message m = { .cookie = wire_get64(&r->t) };
	uint64_t size;
	int fd, ret;

	m.window = wire_get64(&r->t);
	m.len = wire_get64(&r->t);
	if (wire_end(&r->t) < 0)
		return -EPROTO;
	if (!r->c->g->cfg->dax_fd)
		return -EOPNOTSUPP;
	if (!m.len || m.len % PAGE || m.len > DAX_FILE_MAX || m.window % DAX_ALIGN)
		return -EINVAL;
	fd = mappable(f, &size);
	if (fd < 0)
		return fd;
	if (size <= m.len - PAGE) /* its last page would not be there */
		return -EFBIG;
	ret = hand_over(r->c->g->cfg->dax_fd, &m, fd);
	if (ret < 0)
		return ret;
	wire_put64(&r->w, size);
	return 0;
}
