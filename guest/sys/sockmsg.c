/*
 * sockmsg.c - sendto(2), recvfrom(2), sendmsg(2), recvmsg(2), sendmmsg(2), recvmmsg(2).
 *
 * The order of checks is Linux's: descriptor, header, name, vector, control.
 */
#include <string.h>

#include "fs/abi.h"
#include "mm/slab.h"
#include "net/scm.h"
#include "sys/fs_sys.h"
#include "sys/socket.h"
#include "sys/timespec.h"

#define RW_MAX	      0x7ffff000UL
#define IOV_MAX	      1024
#define CONTROL_STACK 128

static u32 io_flags(struct file *f, u32 flags)
{
	return f->flags & O_NONBLOCK ? flags | MSG_DONTWAIT : flags;
}

/* A buffer as the only piece of a vector. */
static int one_buffer(struct iov *v, struct iov_seg *one, uaddr_t buf, u64 len)
{
	len = MIN(len, RW_MAX);
	if (buf > USER_END || len > USER_END - buf)
		return -EFAULT;
	iov_user(v, one, buf, len);
	return 0;
}

s64 sys_sendto(fd_a fd, ubuf_a buf, size_a len, flags_a flags, uptr_a addr, int_a addrlen)
{
	struct scm scm = { 0 };
	struct sock_addr name;
	struct iov_seg one;
	struct iov v;
	struct sock_msg m = { .iov = &v, .scm = &scm };
	struct file *f;
	struct socket *s;
	s64 r = one_buffer(&v, &one, buf, len);

	if (r)
		return r;
	s = socket_get(fd, &f);
	if (IS_ERR(s))
		return PTR_ERR(s);
	if (addr) {
		r = sock_addr_read(&name, addr, addrlen);
		m.name = &name;
	}
	m.flags = io_flags(f, flags);
	if (!r)
		r = sock_sendmsg(s, &m);
	scm_drop(&scm);
	file_put(f);
	return r;
}

s64 sys_recvfrom(fd_a fd, ubuf_a buf, size_a len, flags_a flags, uptr_a addr, uptr_a addrlen)
{
	struct scm scm = { 0 };
	struct sock_addr name = { 0 };
	struct iov_seg one;
	struct iov v;
	struct sock_msg m = { .iov = &v, .scm = &scm, .name = addr ? &name : NULL };
	struct file *f;
	struct socket *s;
	s64 r = one_buffer(&v, &one, buf, len);
	int err = 0;

	if (r)
		return r;
	s = socket_get(fd, &f);
	if (IS_ERR(s))
		return PTR_ERR(s);
	m.flags = io_flags(f, flags);
	r = sock_recvmsg(s, &m);
	if (r >= 0 && addr)
		err = sock_addr_write(&name, addr, addrlen);
	scm_drop(&scm);
	file_put(f);
	return err ? err : r;
}

/* ---- message headers ---- */

int sockmsg_header(struct user_msghdr *h, uaddr_t msg)
{
	if (user_read(h, msg, sizeof(*h)))
		return -EFAULT;
	if (!h->name)
		h->namelen = 0;
	if (h->namelen < 0)
		return -EINVAL;
	h->namelen = MIN(h->namelen, (s32)SOCKADDR_MAX);
	return 0;
}

int sockmsg_vector(struct iov *v, struct iov_seg *small, const struct user_msghdr *h)
{
	return h->iovlen > IOV_MAX ? -EMSGSIZE : iov_import(v, small, h->iov, h->iovlen);
}

int sockmsg_control(struct socket *s, const struct user_msghdr *h, struct scm *scm)
{
	u8 small[CONTROL_STACK], *c = small;
	int err;

	if (h->controllen > OPTMEM_MAX)
		return -ENOBUFS;
	if (!h->controllen)
		return 0;
	if (h->controllen > sizeof(small))
		c = kmalloc(h->controllen);
	if (!c)
		return -ENOBUFS;
	err = user_read(c, h->control, h->controllen) ? -EFAULT
						      : scm_parse(s, c, h->controllen, scm);
	if (c != small)
		kfree(c);
	return err;
}

static s64 send_message(struct file *f, struct socket *s, uaddr_t msg, u32 flags)
{
	struct iov_seg small[8];
	struct scm scm = { 0 };
	struct user_msghdr h;
	struct sock_addr name;
	struct iov v;
	struct sock_msg m = { .iov = &v, .scm = &scm, .flags = io_flags(f, flags) };
	s64 r = sockmsg_header(&h, msg);

	if (!r && h.name && h.namelen) {
		r = sock_addr_read(&name, h.name, h.namelen);
		m.name = &name;
	}
	if (!r)
		r = sockmsg_vector(&v, small, &h);
	if (r)
		return r;
	r = sockmsg_control(s, &h, &scm);
	if (!r)
		r = sock_sendmsg(s, &m);
	scm_drop(&scm);
	if (v.seg != small)
		kfree(v.seg);
	return r;
}

/* What a received message says beside its bytes, to the header in user memory. */
int sockmsg_result(struct socket *s, const struct user_msghdr *h, uaddr_t msg, struct sock_msg *m)
{
	struct cmsg_out out = { h->control, h->controllen, m->out | (m->flags & MSG_CMSG_CLOEXEC) };
	int err = scm_give(s, m->scm, &out, m->flags);
	u64 used = out.at - h->control;

	if (!err && m->name)
		err = sock_addr_write(m->name, h->name,
				      msg + offsetof(struct user_msghdr, namelen));
	if (!err &&
	    (user_write(msg + offsetof(struct user_msghdr, flags), &out.flags, sizeof(out.flags)) ||
	     user_write(msg + offsetof(struct user_msghdr, controllen), &used, sizeof(used))))
		err = -EFAULT;
	return err;
}

/* *got: the flags of the message. */
static s64 recv_message(struct file *f, struct socket *s, uaddr_t msg, u32 flags, u32 *got)
{
	struct iov_seg small[8];
	struct scm scm = { 0 };
	struct user_msghdr h;
	struct sock_addr name = { 0 };
	struct iov v;
	struct sock_msg m = { .iov = &v, .scm = &scm, .flags = io_flags(f, flags) };
	s64 r = sockmsg_header(&h, msg);
	int err;

	if (!r)
		r = sockmsg_vector(&v, small, &h);
	if (r)
		return r;
	m.name = h.name ? &name : NULL;
	r = sock_recvmsg(s, &m);
	if (r >= 0) {
		err = sockmsg_result(s, &h, msg, &m);
		*got = m.out;
		r = err ? err : r;
	}
	scm_drop(&scm);
	if (v.seg != small)
		kfree(v.seg);
	return r;
}

s64 sys_sendmsg(fd_a fd, uptr_a msg, flags_a flags)
{
	struct file *f;
	struct socket *s = socket_get(fd, &f);
	s64 r;

	if (IS_ERR(s))
		return PTR_ERR(s);
	r = send_message(f, s, msg, flags);
	file_put(f);
	return r;
}

s64 sys_recvmsg(fd_a fd, uptr_a msg, flags_a flags)
{
	struct file *f;
	struct socket *s = socket_get(fd, &f);
	u32 got;
	s64 r;

	if (IS_ERR(s))
		return PTR_ERR(s);
	r = recv_message(f, s, msg, flags, &got);
	file_put(f);
	return r;
}

/* ---- several at once ---- */

static int write_len(uaddr_t mmsg, s64 len)
{
	u32 n = (u32)len;

	return user_write(mmsg + offsetof(struct user_mmsghdr, len), &n, sizeof(n)) ? -EFAULT : 0;
}

s64 sys_sendmmsg(fd_a fd, uptr_a mmsg, uint_a vlen, flags_a flags)
{
	struct file *f;
	struct socket *s = socket_get(fd, &f);
	u32 n = 0;
	s64 r = 0;

	if (IS_ERR(s))
		return PTR_ERR(s);
	for (vlen = MIN(vlen, (u32)IOV_MAX); n < vlen; n++) {
		uaddr_t at = mmsg + n * sizeof(struct user_mmsghdr);

		r = send_message(f, s, at, flags);
		if (r >= 0)
			r = write_len(at, r);
		if (r < 0)
			break;
		if (signal_pending(task_current())) {
			n++;
			break;
		}
	}
	file_put(f);
	return n ? n : r;
}

static s64 recv_several(struct file *f, struct socket *s, uaddr_t mmsg, u32 vlen, u32 flags,
			u64 deadline)
{
	u32 n = 0, got = 0;
	s64 r = sock_error(s);

	for (; !r && n < vlen && !(got & MSG_OOB); n++) {
		uaddr_t at = mmsg + n * sizeof(struct user_mmsghdr);

		r = recv_message(f, s, at, flags & ~(u32)MSG_WAITFORONE, &got);
		if (r >= 0)
			r = write_len(at, r);
		if (r < 0)
			break;
		if (flags & MSG_WAITFORONE)
			flags |= MSG_DONTWAIT;
		if (clock_mono() >= deadline) {
			n++;
			break;
		}
	}
	/* What went wrong after some came is told by the next call. */
	if (n && r < 0 && r != -EAGAIN && r > -ERESTARTSYS)
		atomic_store(&s->err, (s32)-r);
	return n ? n : r;
}

s64 sys_recvmmsg(fd_a fd, uptr_a mmsg, uint_a vlen, flags_a flags, uptr_a timeout)
{
	u64 ns = NO_DEADLINE, start = clock_mono();
	struct file *f;
	struct socket *s;
	s64 r;

	if (timeout) {
		r = timespec_read(timeout, &ns);
		if (r)
			return r;
	}
	s = socket_get(fd, &f);
	if (IS_ERR(s))
		return PTR_ERR(s);
	r = recv_several(f, s, mmsg, vlen, flags, timeout ? deadline_after(ns) : NO_DEADLINE);
	file_put(f);
	if (timeout && r > 0) {
		u64 spent = clock_mono() - start;

		if (timespec_write(timeout, spent < ns ? ns - spent : 0))
			return -EFAULT;
	}
	return r;
}
