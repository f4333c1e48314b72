/*
 * logread.c - the two ways of reading the kernel log (logread.h).
 *
 * Lock: one spinlock around the position and the mark, outside the log's own. A line that was overwritten before it was
 * read is skipped.
 */
#include <string.h>

#include "lib/log.h"
#include "lib/logread.h"
#include "lib/spinlock.h"

#define LOG_RECORD_MAX 512
#define PREFIX	       "<6>"

int logread_console_level = 7;

static struct spinlock lock = SPINLOCK_INIT;
static u64 cleared;  /* sequence number of the first line that logread_all shows */
static u64 next_seq; /* the first line that logread_next has not given out completely */
static size_t given; /* bytes of it that are out, with the prefix */

/* The line at or after *seq, with its prefix; *seq moves behind it. Its length, 0: none. */
static size_t take_line(u64 *seq, char line[LOG_RECORD_MAX])
{
	const size_t head = sizeof(PREFIX) - 1;
	u64 at = MAX(*seq, klog_first_seq()), start = at;
	size_t n = klog_read(&at, line + head, LOG_RECORD_MAX - head);
	char *end = n ? memchr(line + head, '\n', n) : NULL;

	if (!end)
		return 0;
	memcpy(line, PREFIX, head);
	n = (size_t)(end - line) + 1;
	*seq = start + n - head;
	return n;
}

/* Bytes of all lines from seq on; with `limit` set, moves *seq on until what is left fits. */
static size_t measure(u64 *seq, size_t limit)
{
	char line[LOG_RECORD_MAX];
	size_t total = 0, n;
	u64 s = *seq;

	while ((n = take_line(&s, line)))
		total += n;
	while (limit && total > limit && (n = take_line(seq, line)))
		total -= n;
	return total;
}

size_t logread_all(char *buf, size_t size)
{
	char line[LOG_RECORD_MAX];
	size_t done = 0, n;
	u64 seq;

	spin_lock(&lock);
	seq = cleared;
	if (size && measure(&seq, size))
		while ((n = take_line(&seq, line)) && done + n <= size) {
			memcpy(buf + done, line, n);
			done += n;
		}
	spin_unlock(&lock);
	return done;
}

size_t logread_next(char *buf, size_t size)
{
	char line[LOG_RECORD_MAX];
	size_t done = 0, n;

	spin_lock(&lock);
	while (done < size) {
		u64 seq = next_seq;
		size_t part;

		n = take_line(&seq, line);
		if (!n)
			break;
		if (given >= n) /* the line that was begun is gone: start with this one */
			given = 0;
		part = MIN(n - given, size - done);
		memcpy(buf + done, line + given, part);
		done += part;
		given += part;
		if (given < n)
			break;
		next_seq = seq;
		given = 0;
	}
	spin_unlock(&lock);
	return done;
}

size_t logread_unread(void)
{
	size_t n;
	u64 seq;

	spin_lock(&lock);
	seq = next_seq;
	n = measure(&seq, 0);
	n -= MIN(n, given);
	spin_unlock(&lock);
	return n;
}

void logread_clear(void)
{
	spin_lock(&lock);
	cleared = klog_end_seq();
	spin_unlock(&lock);
}

u64 logread_cleared(void)
{
	u64 seq;

	spin_lock(&lock);
	seq = cleared;
	spin_unlock(&lock);
	return seq;
}
