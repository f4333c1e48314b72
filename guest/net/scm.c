/*
 * scm.c - see scm.h.
 *
 * Dropping files that are themselves sockets with files in their queues would recurse, so sets that hold a socket are
 * put on a list that whoever finds nobody at work empties.
 */
#include <linux/capability.h>
#include <string.h>

#include "mm/slab.h"
#include "net/scm.h"
#include "platform/platform.h"
#include "task/ns/pidns.h"
#include "task/ns/userns.h"
#include "task/task.h"

static struct spinlock dropped_lock = SPINLOCK_INIT;
static struct list dropped = LIST_INIT(dropped);
static bool dropping;

static void put_all(struct scm_fds *fds)
{
	for (unsigned k = 0; k < fds->n; k++)
		file_put(fds->file[k]);
	kfree(fds);
}

void scm_fds_free(struct scm_fds *fds)
{
	if (!fds->sockets) {
		put_all(fds);
		return;
	}
	spin_lock(&dropped_lock);
	list_add_tail(&dropped, &fds->node);
	if (dropping) {
		spin_unlock(&dropped_lock);
		return;
	}
	dropping = true;
	while (!list_empty(&dropped)) {
		fds = list_first(&dropped, struct scm_fds, node);
		list_del(&fds->node);
		spin_unlock(&dropped_lock);
		put_all(fds);
		spin_lock(&dropped_lock);
	}
	dropping = false;
	spin_unlock(&dropped_lock);
}

static struct scm_fds *fds_alloc(unsigned n)
{
	struct scm_fds *fds = kzalloc(sizeof(*fds) + n * sizeof(fds->file[0]));

	if (fds)
		list_init(&fds->node);
	return fds;
}

struct scm_fds *scm_fds_dup(const struct scm_fds *from)
{
	struct scm_fds *fds = fds_alloc(from->n);

	if (!fds)
		return NULL;
	fds->n = from->n;
	fds->sockets = from->sockets;
	for (unsigned k = 0; k < from->n; k++) {
		fds->file[k] = from->file[k];
		file_get(fds->file[k]);
	}
	return fds;
}

void scm_drop(struct scm *scm)
{
	if (scm->fds)
		scm_fds_free(scm->fds);
	if (scm->process)
		process_put(scm->process);
	scm->fds = NULL;
	scm->process = NULL;
}

void scm_show(struct ucred *c)
{
	c->pid = pid_vnr(c->pid);
	c->uid = show_uid(c->uid);
	c->gid = show_gid(c->gid);
}

void scm_self(struct ucred *c)
{
	const struct task *t = task_current();

	*c = (struct ucred){ t->process->pid, t->cred->uid, t->cred->gid };
}

/* ---- sending ---- */

/* A second SCM_RIGHTS of one message adds to the first. */
static int parse_rights(struct scm *scm, const u8 *data, size_t len)
{
	unsigned n = (unsigned)(len / sizeof(s32)), old = scm->fds ? scm->fds->n : 0;
	struct scm_fds *fds = scm->fds;

	if (!n)
		return 0;
	if (n > SCM_MAX_FD || old + n > SCM_MAX_FD)
		return -EINVAL;
	if (!fds) {
		fds = fds_alloc(n);
	} else {
		fds = krealloc(fds, sizeof(*fds) + (old + n) * sizeof(fds->file[0]));
		if (fds)
			list_init(&fds->node);
	}
	if (!fds)
		return -ENOMEM;
	scm->fds = fds;
	for (unsigned k = 0; k < n; k++) {
		struct file *f;
		struct socket *s;
		s32 fd;

		memcpy(&fd, data + k * sizeof(fd), sizeof(fd));
		f = fd_get_path(fd);
		if (IS_ERR(f))
			return -EBADF;
		s = sock_of_file(f);
		fds->sockets += s && s->family == AF_UNIX;
		fds->file[fds->n++] = f;
	}
	return 0;
}

static int parse_creds(struct scm *scm, const u8 *data, size_t len)
{
	const struct task *t = task_current();
	const struct cred *c = t->cred;
	struct process *p;
	struct ucred u;

	if (len != sizeof(u))
		return -EINVAL;
	memcpy(&u, data, sizeof(u));
	u.uid = kuid_here(u.uid);
	u.gid = kgid_here(u.gid);
	if (u.uid == NO_ID || u.gid == NO_ID)
		return -EINVAL;
	if (u.pid != t->process->nr && !ns_capable(ns_owner(&task_pid_ns(t)->c), CAP_SYS_ADMIN))
		return -EPERM;
	if (u.uid != c->uid && u.uid != c->euid && u.uid != c->suid && !capable_here(CAP_SETUID))
		return -EPERM;
	if (u.gid != c->gid && u.gid != c->egid && u.gid != c->sgid && !capable_here(CAP_SETGID))
		return -EPERM;
	p = process_find_vpid(u.pid);
	if (!p)
		return -ESRCH;
	if (scm->process)
		process_put(scm->process);
	scm->process = p;
	scm->has_creds = true;
	u.pid = p->pid;
	scm->creds = u;
	return 0;
}

void scm_extra_add(struct scm *scm, int level, int type, const void *data, size_t n)
{
	struct user_cmsghdr h = { CMSG_LEN_OF(n), level, type };

	if (n > SCM_EXTRA_MAX || CMSG_SPACE_OF(n) > sizeof(scm->extra) - scm->extra_len)
		return;
	memcpy(scm->extra + scm->extra_len, &h, sizeof(h));
	memcpy(scm->extra + scm->extra_len + sizeof(h), data, n);
	scm->extra_len += (u16)CMSG_SPACE_OF(n);
}

void scm_add_time(struct scm *scm, const struct socket *s, u64 time)
{
	s64 t[6] = { 0 }; /* struct scm_timestamping: by the stack, and two by devices */
	bool stamped = time && (READ_ONCE(s->stamps) & SOF_TIMESTAMPING_SOFTWARE);

	if (!stamped && !sock_opt(s, SOPT_TIMESTAMP | SOPT_TIMESTAMPNS))
		return;
	if (!time)
		time = clock_mono() + (u64)clock_real_offset();
	t[0] = (s64)(time / 1000000000);
	t[1] = (s64)(time % 1000000000);
	if (sock_opt(s, SOPT_TIMESTAMPNS)) {
		scm_extra_add(scm, SOL_SOCKET, SCM_TIMESTAMPNS, t, 2 * sizeof(t[0]));
	} else if (sock_opt(s, SOPT_TIMESTAMP)) {
		s64 us[2] = { t[0], t[1] / 1000 };

		scm_extra_add(scm, SOL_SOCKET, SCM_TIMESTAMP, us, sizeof(us));
	}
	if (stamped)
		scm_extra_add(scm, SOL_SOCKET, SCM_TIMESTAMPING, t, sizeof(t));
}

const void *scm_extra_next(const struct scm *scm, unsigned *at, struct user_cmsghdr *h, size_t *n)
{
	const u8 *p = scm->extra + *at;

	if (*at >= scm->extra_len)
		return NULL;
	memcpy(h, p, sizeof(*h));
	*n = h->len - sizeof(*h);
	*at += (unsigned)CMSG_SPACE_OF(*n);
	return p + sizeof(*h);
}

int scm_parse(struct socket *s, const void *control, size_t len, struct scm *scm)
{
	const u8 *at = control;
	size_t left = len;

	while (left >= sizeof(struct user_cmsghdr)) {
		struct user_cmsghdr h;
		const u8 *data = at + sizeof(h);
		size_t n;
		int err = 0;

		memcpy(&h, at, sizeof(h));
		if (h.len < sizeof(h) || h.len > left)
			return -EINVAL;
		n = h.len - sizeof(h);
		if (h.level == SOL_SOCKET) {
			if (h.type == SCM_RIGHTS)
				err = s->family == AF_UNIX ? parse_rights(scm, data, n) : -EINVAL;
			else if (h.type == SCM_CREDENTIALS)
				err = parse_creds(scm, data, n);
			else if (h.type == SO_TIMESTAMPING_OLD && s->type != SOCK_STREAM &&
				 (s->family == AF_INET || s->family == AF_INET6))
				scm_extra_add(scm, h.level, h.type, data, n);
			else
				err = -EINVAL;
		} else {
			scm_extra_add(scm, h.level, h.type, data, n);
		}
		if (err)
			return err;
		n = ALIGN_UP(h.len, 8);
		if (n >= left)
			break;
		at += n;
		left -= n;
	}
	return 0;
}

/* ---- receiving ---- */

/* One control message; what does not fit is cut off with MSG_CTRUNC. 0 or -EFAULT. */
static int cmsg_put(struct cmsg_out *out, int level, int type, const void *data, size_t n)
{
	struct user_cmsghdr h = { CMSG_LEN_OF(n), level, type };
	u64 space = CMSG_SPACE_OF(n);

	if (out->left < sizeof(h)) {
		out->flags |= MSG_CTRUNC;
		return 0;
	}
	if (out->left < h.len) {
		out->flags |= MSG_CTRUNC;
		h.len = out->left;
	}
	if (user_write(out->at, &h, sizeof(h)) ||
	    user_write(out->at + sizeof(h), data, h.len - sizeof(h)))
		return -EFAULT;
	space = MIN(space, out->left);
	out->at += space;
	out->left -= space;
	return 0;
}

/* Install what fits, as Linux: the rest is closed and MSG_CTRUNC says so. */
static int give_fds(struct scm_fds *fds, struct cmsg_out *out, u32 flags)
{
	u64 room = out->left < sizeof(struct user_cmsghdr)
			   ? 0
			   : (out->left - sizeof(struct user_cmsghdr)) / sizeof(s32);
	unsigned max = (unsigned)MIN((u64)fds->n, room), k;
	uaddr_t data = out->at + sizeof(struct user_cmsghdr);
	struct user_cmsghdr h = { 0, SOL_SOCKET, SCM_RIGHTS };
	int err = 0;
	u64 space;

	for (k = 0; k < max; k++) {
		s32 fd;

		fd = fd_reserve(flags & MSG_CMSG_CLOEXEC);
		if (fd < 0)
			break;
		if (user_write(data + k * sizeof(fd), &fd, sizeof(fd))) {
			fd_cancel(fd);
			break;
		}
		file_get(fds->file[k]);
		fd_commit(fd, fds->file[k]);
	}
	if (k) {
		h.len = CMSG_LEN_OF(k * sizeof(s32));
		if (user_write(out->at, &h, sizeof(h)))
			err = -EFAULT;
		space = MIN(CMSG_SPACE_OF(k * sizeof(s32)), out->left);
		out->at += space;
		out->left -= space;
	}
	if (k < fds->n)
		out->flags |= MSG_CTRUNC;
	return err;
}

/* As Linux: what keeps the process from having a descriptor stands in the descriptor's place. */
static int give_pidfd(struct process *p, struct cmsg_out *out)
{
	struct file *f;
	s32 fd;
	int err;

	if (out->left < CMSG_LEN_OF(sizeof(fd))) {
		out->flags |= MSG_CTRUNC;
		return 0;
	}
	fd = task_res.pidfd_prepare(p, &f);
	err = cmsg_put(out, SOL_SOCKET, SCM_PIDFD, &fd, sizeof(fd));
	if (fd < 0)
		return err;
	if (err) {
		fd_cancel(fd);
		file_put(f);
		return err;
	}
	fd_commit(fd, f);
	return 0;
}

int scm_give(struct socket *s, struct scm *scm, struct cmsg_out *out, u32 flags)
{
	struct ucred none = { 0, 65534, 65534 };
	struct user_cmsghdr h;
	const void *data;
	unsigned at = 0;
	size_t n;
	int err = 0;

	if (!out->at) {
		if (sock_opt(s, SOPT_PASSCRED | SOPT_PASSPIDFD) || scm->fds || scm->extra_len)
			out->flags |= MSG_CTRUNC;
		scm_drop(scm);
		return 0;
	}
	if (sock_opt(s, SOPT_PASSCRED)) {
		struct ucred creds = scm->has_creds ? scm->creds : none;

		scm_show(&creds);
		err = cmsg_put(out, SOL_SOCKET, SCM_CREDENTIALS, &creds, sizeof(creds));
	}
	if (!err && scm->fds)
		err = give_fds(scm->fds, out, flags);
	if (!err && sock_opt(s, SOPT_PASSPIDFD))
		err = give_pidfd(scm->process, out);
	while (!err && (data = scm_extra_next(scm, &at, &h, &n)))
		err = cmsg_put(out, h.level, h.type, data, n);
	scm_drop(scm);
	return err;
}
