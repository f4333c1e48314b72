/*
 * log.c - the kernel log: one ring of bytes, each line stamped like Linux's, oldest overwritten first.
 *
 * Lock: one innermost spinlock, taken by no one who holds it. Sequence numbers are byte positions since boot.
 */
#include <string.h>

#include "lib/log.h"
#include "lib/spinlock.h"

#define LOG_SIZE (64 * 1024) /* a power of two */
#define LOG_LINE 400
#define ONCE_MAX 512

void (*klog_sink)(const char *line, size_t len);
void (*klog_logged)(void);
u64 (*klog_clock)(void);

static char ring[LOG_SIZE];
static u64 head; /* bytes ever written */
static struct spinlock lock = SPINLOCK_INIT;
static u64 once_keys[ONCE_MAX]; /* open addressing, under lock; 0 is empty */
static unsigned once_count;

static void append(const char *line, size_t len)
{
	spin_lock(&lock);
	for (size_t i = 0; i < len; i++)
		ring[(head + i) % LOG_SIZE] = line[i];
	head += len;
	spin_unlock(&lock);
	if (klog_sink)
		klog_sink(line, len);
	if (klog_logged)
		klog_logged();
}

static void vlog(const char *fmt, va_list ap)
{
	char line[LOG_LINE];
	u64 us = klog_clock ? klog_clock() / 1000 : 0;
	int n = ksnprintf(line, sizeof(line), "[%5llu.%06llu] ", (unsigned long long)(us / 1000000),
			  (unsigned long long)(us % 1000000));

	n += kvsnprintf(line + n, sizeof(line) - (size_t)n - 1, fmt, ap);
	n = MIN(n, (int)sizeof(line) - 2);
	if (line[n - 1] != '\n')
		line[n++] = '\n';
	append(line, (size_t)n);
}

void klog(const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vlog(fmt, ap);
	va_end(ap);
}

/* True the first time a key is seen; once the table is 7/8 full, unknown keys stay silent. */
static bool first_time(u64 key)
{
	bool fresh = false;

	if (!key)
		key = 1;
	spin_lock(&lock);
	for (u64 i = key * 0x9e3779b97f4a7c15ULL >> 32;; i++) {
		u64 *slot = &once_keys[i % ONCE_MAX];

		if (*slot == key)
			break;
		if (!*slot) {
			fresh = once_count < ONCE_MAX - ONCE_MAX / 8;
			if (fresh) {
				*slot = key;
				once_count++;
			}
			break;
		}
	}
	spin_unlock(&lock);
	return fresh;
}

void klog_once(u64 key, const char *fmt, ...)
{
	va_list ap;

	if (!first_time(key ^ (u64)(uintptr_t)fmt))
		return;
	va_start(ap, fmt);
	vlog(fmt, ap);
	va_end(ap);
}

u64 klog_end_seq(void)
{
	return head;
}

u64 klog_first_seq(void)
{
	u64 first;

	spin_lock(&lock);
	first = head > LOG_SIZE ? head - LOG_SIZE : 0;
	/* Begin at a whole line when the oldest was cut. */
	while (first && first < head && ring[(first - 1) % LOG_SIZE] != '\n')
		first++;
	spin_unlock(&lock);
	return first;
}

size_t klog_read(u64 *seq, char *buf, size_t size)
{
	size_t n;

	spin_lock(&lock);
	if (head > LOG_SIZE && *seq < head - LOG_SIZE)
		*seq = head - LOG_SIZE;
	if (*seq > head)
		*seq = head;
	n = MIN(size, (size_t)(head - *seq));
	for (size_t i = 0; i < n; i++)
		buf[i] = ring[(*seq + i) % LOG_SIZE];
	*seq += n;
	spin_unlock(&lock);
	return n;
}
