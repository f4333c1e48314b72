/*
 * userfaultfd.c - the descriptor of userfaultfd(2): its ioctls, and the messages that a monitor reads. mm/uffd.h does the work.
 *
 * Differs from Linux: of the features there are UFFD_FEATURE_PAGEFAULT_FLAG_WP, SIGBUS, THREAD_ID and EXACT_ADDRESS; to ask
 * for another is refused as Linux refuses what it does not know.
 */
#include <linux/ioctl.h>
#include <linux/userfaultfd.h>
#include <string.h>

#include "fs/abi.h"
#include "fs/poll_bits.h"
#include "fs/anon/userfaultfd.h"
#include "fs/vfs.h"
#include "mm/frame.h"
#include "mm/mm.h"
#include "mm/slab.h"
#include "mm/uffd.h"

#define FEATURES                                                                               \
	((u64)(UFFD_FEATURE_PAGEFAULT_FLAG_WP | UFFD_FEATURE_SIGBUS | UFFD_FEATURE_THREAD_ID | \
	       UFFD_FEATURE_EXACT_ADDRESS))
#define API_IOCTLS   (1ULL << _UFFDIO_REGISTER | 1ULL << _UFFDIO_UNREGISTER | 1ULL << _UFFDIO_API)
#define RANGE_IOCTLS (1ULL << _UFFDIO_WAKE | 1ULL << _UFFDIO_COPY | 1ULL << _UFFDIO_ZEROPAGE)

struct userfaultfd {
	struct uffd *u;
	bool ready; /* UFFDIO_API was asked */
	u64 features;
};

/* ---- ranges ---- */

static int check_range(u64 start, u64 len)
{
	if ((start | len) & (PAGE_SIZE - 1) || !len || start < MMAP_MIN_ADDR || start >= USER_END ||
	    len > USER_END - start)
		return -EINVAL;
	return 0;
}

static s64 do_register(struct userfaultfd *fd, uaddr_t arg)
{
	const u64 modes = UFFDIO_REGISTER_MODE_MISSING | UFFDIO_REGISTER_MODE_WP;
	struct uffdio_register r;
	u64 ioctls = RANGE_IOCTLS;
	int err;

	if (user_read(&r, arg, offsetof(struct uffdio_register, ioctls)))
		return -EFAULT;
	if (!r.mode || (r.mode & ~modes))
		return -EINVAL;
	err = check_range(r.range.start, r.range.len);
	if (!err)
		err = uffd_register(fd->u, r.range.start, r.range.len, (unsigned)r.mode);
	if (err)
		return err;
	if (r.mode & UFFDIO_REGISTER_MODE_WP)
		ioctls |= 1ULL << _UFFDIO_WRITEPROTECT;
	return user_write(arg + offsetof(struct uffdio_register, ioctls), &ioctls, sizeof(ioctls))
		       ? -EFAULT
		       : 0;
}

static s64 do_unregister(struct userfaultfd *fd, uaddr_t arg)
{
	struct uffdio_range r;
	int err;

	if (user_read(&r, arg, sizeof(r)))
		return -EFAULT;
	err = check_range(r.start, r.len);
	return err ? err : uffd_unregister(fd->u, r.start, r.len);
}

static s64 do_wake(struct userfaultfd *fd, uaddr_t arg)
{
	struct uffdio_range r;
	int err;

	if (user_read(&r, arg, sizeof(r)))
		return -EFAULT;
	err = check_range(r.start, r.len);
	if (!err)
		uffd_wake(fd->u, r.start, r.len);
	return err;
}

static s64 do_write_protect(struct userfaultfd *fd, uaddr_t arg)
{
	const u64 modes = UFFDIO_WRITEPROTECT_MODE_WP | UFFDIO_WRITEPROTECT_MODE_DONTWAKE;
	struct uffdio_writeprotect w;
	bool on;
	int err;

	if (user_read(&w, arg, sizeof(w)))
		return -EFAULT;
	err = check_range(w.range.start, w.range.len);
	if (err)
		return err;
	on = w.mode & UFFDIO_WRITEPROTECT_MODE_WP;
	if ((w.mode & ~modes) || (on && (w.mode & UFFDIO_WRITEPROTECT_MODE_DONTWAKE)))
		return -EINVAL;
	err = uffd_write_protect(fd->u, w.range.start, w.range.len, on);
	if (!err && !on && !(w.mode & UFFDIO_WRITEPROTECT_MODE_DONTWAKE))
		uffd_wake(fd->u, w.range.start, w.range.len);
	return err;
}

/* ---- pages ---- */

/* A frame charged to the caller, with the page at src, or zeroed. 0: *err. */
static paddr_t new_page(uaddr_t src, bool zero, int *err)
{
	paddr_t pa;

	*err = frame_charge(1);
	if (*err)
		return 0;
	pa = frame_alloc(ZONE_SMALL, 0, FRAME_CHARGED | (zero ? FRAME_ZERO : 0));
	if (!pa) {
		frame_uncharge(1);
		*err = -ENOMEM;
	} else if (!zero && user_read(paddr_to_ptr(pa), src, PAGE_SIZE)) {
		frame_put(pa);
		pa = 0;
		*err = -EFAULT;
	}
	return pa;
}

/* Pages for the range, from src or zeroed: bytes, or -errno if there were none. */
static s64 fill(struct userfaultfd *fd, const struct uffdio_range *r, uaddr_t src, bool zero,
		bool wp)
{
	u64 done = 0;
	int err = 0;

	if (!uffd_alive(fd->u))
		return -ESRCH;
	while (!err && done < r->len) {
		paddr_t pa = new_page(src + done, zero, &err);

		if (!pa)
			break;
		err = uffd_give(fd->u, r->start, r->start + r->len, r->start + done, pa, wp);
		if (err)
			frame_put(pa);
		else
			done += PAGE_SIZE;
		platform_poll();
	}
	return done ? (s64)done : err;
}

/* What was done is told through the structure, and whether it was all by the result. */
static s64 tell(struct userfaultfd *fd, const struct uffdio_range *r, s64 done, bool wake,
		uaddr_t result)
{
	if (user_write(result, &done, sizeof(done)))
		return -EFAULT;
	if (done < 0)
		return done;
	if (wake)
		uffd_wake(fd->u, r->start, (u64)done);
	return (u64)done == r->len ? 0 : -EAGAIN;
}

static s64 do_copy(struct userfaultfd *fd, uaddr_t arg)
{
	const u64 modes = UFFDIO_COPY_MODE_DONTWAKE | UFFDIO_COPY_MODE_WP;
	struct uffdio_range to;
	struct uffdio_copy c;
	int err;

	if (user_read(&c, arg, offsetof(struct uffdio_copy, copy)))
		return -EFAULT;
	to = (struct uffdio_range){ c.dst, c.len };
	err = check_range(c.dst, c.len);
	if (err)
		return err;
	if (c.src + c.len <= c.src || (c.mode & ~modes))
		return -EINVAL;
	return tell(fd, &to, fill(fd, &to, c.src, false, c.mode & UFFDIO_COPY_MODE_WP),
		    !(c.mode & UFFDIO_COPY_MODE_DONTWAKE),
		    arg + offsetof(struct uffdio_copy, copy));
}

static s64 do_zeropage(struct userfaultfd *fd, uaddr_t arg)
{
	struct uffdio_zeropage z;
	int err;

	if (user_read(&z, arg, offsetof(struct uffdio_zeropage, zeropage)))
		return -EFAULT;
	err = check_range(z.range.start, z.range.len);
	if (err)
		return err;
	if (z.mode & ~UFFDIO_ZEROPAGE_MODE_DONTWAKE)
		return -EINVAL;
	return tell(fd, &z.range, fill(fd, &z.range, 0, true, false),
		    !(z.mode & UFFDIO_ZEROPAGE_MODE_DONTWAKE),
		    arg + offsetof(struct uffdio_zeropage, zeropage));
}

/* ---- the descriptor ---- */

static s64 do_api(struct userfaultfd *fd, uaddr_t arg)
{
	struct uffdio_api a;
	bool known;

	if (user_read(&a, arg, sizeof(a)))
		return -EFAULT;
	known = a.api == UFFD_API && !(a.features & ~FEATURES);
	if (known) {
		u64 features = a.features;

		a.features = FEATURES;
		a.ioctls = API_IOCTLS;
		if (user_write(arg, &a, sizeof(a)))
			return -EFAULT;
		if (atomic_xchg(&fd->ready, true))
			known = false;
		else
			fd->features = features;
		fd->u->sigbus = fd->features & UFFD_FEATURE_SIGBUS;
	}
	if (known)
		return 0;
	memset(&a, 0, sizeof(a));
	return user_write(arg, &a, sizeof(a)) ? -EFAULT : -EINVAL;
}

static s64 userfaultfd_ioctl(struct file *f, unsigned cmd, u64 arg)
{
	struct userfaultfd *fd = f->priv;

	if (cmd != UFFDIO_API && !READ_ONCE(fd->ready))
		return -EINVAL;
	switch (cmd) {
	case UFFDIO_API: return do_api(fd, arg);
	case UFFDIO_REGISTER: return do_register(fd, arg);
	case UFFDIO_UNREGISTER: return do_unregister(fd, arg);
	case UFFDIO_WAKE: return do_wake(fd, arg);
	case UFFDIO_COPY: return do_copy(fd, arg);
	case UFFDIO_ZEROPAGE: return do_zeropage(fd, arg);
	case UFFDIO_WRITEPROTECT: return do_write_protect(fd, arg);
	default: return -EINVAL;
	}
}

static void fill_message(const struct userfaultfd *fd, const struct uffd_fault_info *i,
			 struct uffd_msg *m)
{
	memset(m, 0, sizeof(*m));
	m->event = UFFD_EVENT_PAGEFAULT;
	m->arg.pagefault.address = i->addr;
	if (!(fd->features & UFFD_FEATURE_EXACT_ADDRESS))
		m->arg.pagefault.address &= ~(u64)(PAGE_SIZE - 1);
	if (i->write)
		m->arg.pagefault.flags |= UFFD_PAGEFAULT_FLAG_WRITE;
	if (i->wp)
		m->arg.pagefault.flags |= UFFD_PAGEFAULT_FLAG_WP;
	if (fd->features & UFFD_FEATURE_THREAD_ID)
		m->arg.pagefault.feat.ptid = (u32)i->tid;
}

static s64 userfaultfd_read(struct file *f, struct iov *to, u64 *pos)
{
	struct userfaultfd *fd = f->priv;
	struct uffd_fault_info info;
	struct uffd_msg m;
	s64 done = 0;

	if (!READ_ONCE(fd->ready) || to->left < sizeof(m))
		return -EINVAL;
	while (to->left >= sizeof(m) && uffd_next(fd->u, &info)) {
		fill_message(fd, &info, &m);
		if (iov_to(to, &m, sizeof(m)) < sizeof(m))
			return done ? done : -EFAULT;
		done += sizeof(m);
	}
	return done ? done : -EAGAIN;
}

static u32 userfaultfd_poll(struct file *f, struct poll_table *pt)
{
	struct userfaultfd *fd = f->priv;

	poll_wait(f, &fd->u->q, pt);
	/* Between poll and read the fault may be gone: who polls has to read without blocking. */
	if (!READ_ONCE(fd->ready) || !(f->flags & O_NONBLOCK))
		return POLLERR;
	return list_empty(&fd->u->pending) ? 0 : POLL_READABLE;
}

static void userfaultfd_release(struct file *f)
{
	struct userfaultfd *fd = f->priv;

	uffd_close(fd->u);
	kfree(fd);
}

static const struct file_ops userfaultfd_fops = {
	.name = "[userfaultfd]",
	.read = userfaultfd_read,
	.poll = userfaultfd_poll,
	.ioctl = userfaultfd_ioctl,
	.release = userfaultfd_release,
};

struct file *userfaultfd_create(u32 flags, bool user_only)
{
	struct userfaultfd *fd = kzalloc(sizeof(*fd));
	struct file *f;

	if (!fd)
		return ERR_PTR(-ENOMEM);
	fd->u = uffd_create(user_only);
	if (!fd->u) {
		kfree(fd);
		return ERR_PTR(-ENOMEM);
	}
	f = file_alloc_anon(&userfaultfd_fops, O_RDONLY | (flags & O_NONBLOCK), fd);
	if (IS_ERR(f)) {
		uffd_close(fd->u);
		kfree(fd);
		return f;
	}
	f->waitq = &fd->u->q;
	return f;
}
