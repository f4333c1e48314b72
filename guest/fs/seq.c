/*
 * seq.c - growing text buffers for generated files (/proc, /sys, option strings). No locks: one owner.
 */
#include <stdarg.h>
#include <string.h>

#include "fs/seq.h"
#include "lib/log.h"
#include "mm/slab.h"

static bool reserve(struct seq *s, size_t n)
{
	size_t cap = s->cap ? s->cap : 256;
	char *p;

	if (s->failed)
		return false;
	if (s->len + n + 1 <= s->cap)
		return true;
	while (cap < s->len + n + 1)
		cap *= 2;
	p = krealloc(s->buf, cap);
	if (!p) {
		s->failed = true;
		return false;
	}
	s->buf = p;
	s->cap = cap;
	return true;
}

void seq_write(struct seq *s, const void *data, size_t n)
{
	if (!reserve(s, n))
		return;
	memcpy(s->buf + s->len, data, n);
	s->len += n;
	s->buf[s->len] = 0;
}

void seq_puts(struct seq *s, const char *str)
{
	seq_write(s, str, strlen(str));
}

void seq_putc(struct seq *s, char c)
{
	seq_write(s, &c, 1);
}

void seq_printf(struct seq *s, const char *fmt, ...)
{
	va_list ap;
	int n;

	va_start(ap, fmt);
	n = kvsnprintf(NULL, 0, fmt, ap);
	va_end(ap);
	if (n <= 0 || !reserve(s, (size_t)n))
		return;
	va_start(ap, fmt);
	kvsnprintf(s->buf + s->len, s->cap - s->len, fmt, ap);
	va_end(ap);
	s->len += (size_t)n;
}

void seq_escape(struct seq *s, const char *str, const char *chars)
{
	for (; *str; str++) {
		if (strchr(chars, *str))
			seq_printf(s, "\\%03o", (unsigned)(u8)*str);
		else
			seq_putc(s, *str);
	}
}

void seq_free(struct seq *s)
{
	kfree(s->buf);
	memset(s, 0, sizeof(*s));
}
