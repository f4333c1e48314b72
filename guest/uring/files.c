/*
 * files.c - fixed files: slots that requests name instead of descriptors. Slots change under ctx->lock.
 */
#include "mm/slab.h"
#include "uring/uring.h"

struct file *uring_fixed_file(struct uring_ctx *ctx, u32 slot)
{
	struct file *f = NULL;

	spin_lock(&ctx->lock);
	if (slot < ctx->nr_files)
		f = ctx->files[slot];
	if (f)
		file_get(f);
	spin_unlock(&ctx->lock);
	return f ? f : ERR_PTR(-EBADF);
}

int uring_fixed_install(struct uring_ctx *ctx, struct file *f, u32 slot)
{
	struct file *old = NULL;
	int r = 0;

	if (uring_of_file(f))
		return -EBADF; /* a ring in a ring would hold itself */
	spin_lock(&ctx->lock);
	if (!ctx->nr_files) {
		r = -ENXIO;
	} else if (slot == IORING_FILE_INDEX_ALLOC) {
		u32 end = ctx->alloc_first + ctx->alloc_len;

		for (slot = ctx->alloc_first; slot < end && ctx->files[slot]; slot++)
			;
		r = slot < end ? (int)slot : -ENFILE;
	} else if (slot >= ctx->nr_files) {
		r = -EINVAL;
	}
	if (r >= 0) {
		old = ctx->files[slot];
		ctx->files[slot] = f;
	}
	spin_unlock(&ctx->lock);
	if (old)
		file_put(old);
	return r;
}

int uring_fixed_close(struct uring_ctx *ctx, u32 slot)
{
	struct file *f = NULL;
	int err = 0;

	spin_lock(&ctx->lock);
	if (!ctx->nr_files)
		err = -ENXIO;
	else if (slot >= ctx->nr_files)
		err = -EINVAL;
	else if (!(f = ctx->files[slot]))
		err = -EBADF;
	else
		ctx->files[slot] = NULL;
	spin_unlock(&ctx->lock);
	if (f)
		file_put(f);
	return err;
}

int uring_files_unregister(struct uring_ctx *ctx)
{
	struct file **files;
	unsigned n;

	spin_lock(&ctx->lock);
	files = ctx->files;
	n = ctx->nr_files;
	ctx->files = NULL;
	ctx->nr_files = 0;
	spin_unlock(&ctx->lock);
	if (!n)
		return -ENXIO;
	for (unsigned i = 0; i < n; i++)
		if (files[i])
			file_put(files[i]);
	kfree(files);
	return 0;
}

/* submit_lock held, as for all that follow. */
int uring_files_register(struct uring_ctx *ctx, uaddr_t fds, u32 n, bool sparse)
{
	struct file **files;
	s64 r = 0;

	if (ctx->nr_files)
		return -EBUSY;
	if (!n)
		return -EINVAL;
	if (n > URING_MAX_FILES || n > task_rlimit(7)) /* RLIMIT_NOFILE */
		return -EMFILE;
	files = kzalloc(n * sizeof(*files));
	if (!files)
		return -ENOMEM;
	spin_lock(&ctx->lock);
	ctx->files = files;
	ctx->nr_files = n;
	ctx->alloc_first = 0;
	ctx->alloc_len = n;
	spin_unlock(&ctx->lock);
	if (!sparse)
		r = uring_files_update(ctx, 0, fds, n);
	if (r >= 0 && (sparse || r == n))
		return 0;
	uring_files_unregister(ctx);
	return r < 0 ? (int)r : -EBADF;
}

s64 uring_files_update(struct uring_ctx *ctx, u32 off, uaddr_t fds, u32 n)
{
	u32 done;
	s64 err = 0;

	if (!ctx->nr_files)
		return -ENXIO;
	if (off + n < off || off + n > ctx->nr_files)
		return -EINVAL;
	for (done = 0; done < n; done++) {
		struct file *f;
		s32 fd;

		if (user_read(&fd, fds + 4ULL * done, sizeof(fd))) {
			err = -EFAULT;
			break;
		}
		if (fd == IORING_REGISTER_FILES_SKIP)
			continue;
		if (fd == -1) {
			uring_fixed_close(ctx, off + done);
			continue;
		}
		f = fd_get(fd);
		if (IS_ERR(f)) {
			err = -EBADF;
			break;
		}
		err = uring_fixed_install(ctx, f, off + done);
		if (err) {
			file_put(f);
			break;
		}
	}
	return done ? (s64)done : err;
}

int uring_files_range(struct uring_ctx *ctx, u32 off, u32 len)
{
	if (off + len < off)
		return -EOVERFLOW;
	spin_lock(&ctx->lock);
	if (off + len <= ctx->nr_files) {
		ctx->alloc_first = off;
		ctx->alloc_len = len;
		len = 0;
	} else {
		len = 1;
	}
	spin_unlock(&ctx->lock);
	return len ? -EINVAL : 0;
}
