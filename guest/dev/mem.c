/*
 * mem.c - see mem.h. No locks; a read of zeros costs one user_zero per segment.
 */
#include <string.h>

#include "dev/mem.h"
#include "fs/abi.h"
#include "fs/poll_bits.h"
#include "fs/vfs.h"
#include "lib/log.h"
#include "lib/logread.h"
#include "lib/random.h"
#include "platform/platform.h"
#include "task/log_wait.h"
#include "task/unsupported.h"

#define CHUNK 256

static s64 null_read(struct file *f, struct iov *to, u64 *pos)
{
	return 0;
}

static s64 null_write(struct file *f, struct iov *from, u64 *pos)
{
	s64 n = (s64)from->left;

	iov_advance(from, from->left);
	return n;
}

static s64 zero_read(struct file *f, struct iov *to, u64 *pos)
{
	size_t want = to->left, done = iov_zero(to, want);

	return done || !want ? (s64)done : -EFAULT;
}

static s64 full_write(struct file *f, struct iov *from, u64 *pos)
{
	return -ENOSPC;
}

static int zero_mmap(struct file *f, struct mmap_request *req)
{
	req->zero = true;
	return 0;
}

static s64 random_read(struct file *f, struct iov *to, u64 *pos)
{
	u8 buf[CHUNK];
	s64 done = 0;

	while (to->left) {
		size_t n = MIN(to->left, sizeof(buf)), got;

		random_bytes(buf, n);
		got = iov_to(to, buf, n);
		done += (s64)got;
		if (got < n)
			return done ? done : -EFAULT;
	}
	memset(buf, 0, sizeof(buf));
	return done;
}

/* What is written is mixed in, and credits nothing. */
static s64 random_write(struct file *f, struct iov *from, u64 *pos)
{
	u8 buf[CHUNK];
	s64 done = 0;

	while (from->left) {
		size_t n = iov_from(from, buf, MIN(from->left, sizeof(buf)));

		if (!n)
			return done ? done : -EFAULT;
		random_seed(buf, n);
		done += (s64)n;
	}
	return done;
}

static s64 random_ioctl(struct file *f, unsigned cmd, u64 arg)
{
	s32 bits = 256;

	if (cmd == 0x80045200) /* RNDGETENTCNT */
		return user_write(arg, &bits, sizeof(bits)) ? -EFAULT : 0;
	if (cmd != 0x5401) /* isatty(3) */
		unsupported("random ioctl", cmd);
	return -EINVAL;
}

/* The stamp "[    1.000002] " of a line in microseconds; *text gets what comes behind it. */
static u64 stamp_us(const char *line, const char **text)
{
	u64 us = 0;

	for (*text = line; **text && **text != ']'; (*text)++)
		if (**text >= '0' && **text <= '9')
			us = us * 10 + (u64)(**text - '0');
	if (**text)
		*text += 2;
	return us;
}

/*
 * One record a read, as Linux; f->pos is the log's sequence number. Who was too slow is told once (EPIPE) and goes on with
 * the oldest line that is left.
 */
static s64 kmsg_read(struct file *f, struct iov *to, u64 *pos)
{
	char line[512], out[600];
	u64 first = klog_first_seq(), seq = MAX(f->pos, first), us;
	size_t n = klog_read(&(u64){ seq }, line, sizeof(line)), len;
	char *end = n ? memchr(line, '\n', n) : NULL;
	const char *text;

	if (f->pos && f->pos < first) {
		f->pos = first;
		return -EPIPE;
	}
	if (!end)
		return -EAGAIN;
	*end = 0;
	us = stamp_us(line, &text);
	len = (size_t)ksnprintf(out, sizeof(out), "6,%llu,%llu,-;%s\n", (unsigned long long)seq,
				(unsigned long long)us, text);
	if (to->left < len)
		return -EINVAL;
	f->pos = seq + (u64)(end - line) + 1;
	return iov_to(to, out, len) == len ? (s64)len : -EFAULT;
}

static s64 kmsg_write(struct file *f, struct iov *from, u64 *pos)
{
	char line[256];
	s64 n = (s64)from->left;
	size_t got = iov_from(from, line, MIN(from->left, sizeof(line) - 1));
	const char *text;

	iov_advance(from, from->left);
	line[got] = 0;
	text = line;
	if (*text == '<') /* a priority: the log keeps none */
		while (*text && *text++ != '>')
			;
	klog("%s", text);
	return n;
}

static u32 kmsg_poll(struct file *f, struct poll_table *pt)
{
	poll_wait(f, &log_waitq, pt);
	if (f->pos && f->pos < klog_first_seq())
		return POLL_READABLE | POLLERR | POLLPRI;
	return f->pos < klog_end_seq() ? POLL_READABLE : 0;
}

static u32 always_ready(struct file *f, struct poll_table *pt)
{
	return POLL_READABLE | POLL_WRITABLE;
}

/* lseek(2) on these succeeds and does nothing. */
static s64 mem_seek(struct file *f, s64 off, int whence)
{
	return f->pos = 0;
}

static s64 kmsg_seek(struct file *f, s64 off, int whence)
{
	if (off)
		return -ESPIPE;
	switch (whence) {
	case SEEK_SET: f->pos = klog_first_seq(); break;
	case SEEK_DATA: f->pos = MAX(logread_cleared(), klog_first_seq()); break;
	case SEEK_END: f->pos = klog_end_seq(); break;
	default: return -EINVAL;
	}
	return 0;
}

static const struct file_ops null_fops = {
	.name = "null", .read = null_read, .write = null_write, .seek = mem_seek
};
static const struct file_ops zero_fops = {
	.name = "zero", .read = zero_read, .write = null_write, .seek = mem_seek, .mmap = zero_mmap
};
static const struct file_ops full_fops = {
	.name = "full", .read = zero_read, .write = full_write, .seek = mem_seek
};
static const struct file_ops random_fops = { .name = "random",
					     .read = random_read,
					     .write = random_write,
					     .seek = mem_seek,
					     .poll = always_ready,
					     .ioctl = random_ioctl };
static const struct file_ops kmsg_fops = {
	.name = "kmsg", .read = kmsg_read, .write = kmsg_write, .seek = kmsg_seek, .poll = kmsg_poll
};

const struct file_ops *mem_ops(unsigned minor)
{
	switch (minor) {
	case 3: return &null_fops;
	case 5: return &zero_fops;
	case 7: return &full_fops;
	case 8:
	case 9: return &random_fops;
	case 11: return &kmsg_fops;
	default: return NULL;
	}
}
