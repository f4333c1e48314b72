/*
 * seq.h - growing text buffers for generated files: /proc, /sys, option strings.
 */
#ifndef MOAT_FS_SEQ_H
#define MOAT_FS_SEQ_H

#include "lib/types.h"

struct pid_ns;

struct seq {
	char *buf;
	size_t len, cap;
	u64 start;   /* the position of buf in the file */
	u64 next;    /* what show makes next: 0: the beginning; see struct text_ops */
	bool failed; /* out of memory: the reader gets -ENOMEM */
	const struct pid_ns *pid_ns; /* whose numbers a file of /proc/PID shows */
};
#define SEQ_PART (64UL << 10)
void seq_printf(struct seq *s, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
void seq_puts(struct seq *s, const char *str);
void seq_write(struct seq *s, const void *data, size_t n);
void seq_putc(struct seq *s, char c);
void seq_escape(struct seq *s, const char *str,
		const char *chars); /* octal escapes, as /proc/mounts */
void seq_free(struct seq *s);

#endif
