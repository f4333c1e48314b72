/*
 * printf.c - formatting for the kernel log and for text files (/proc): the integer and string part of snprintf(3).
 */
#include <string.h>

#include "lib/log.h"

struct out {
	char *buf;
	size_t size, len;
	va_list ap; /* what is still to be converted */
};

static void put(struct out *o, char c)
{
	if (o->len + 1 < o->size)
		o->buf[o->len] = c;
	o->len++;
}

static void pad(struct out *o, char c, int n)
{
	while (n-- > 0)
		put(o, c);
}

struct spec {
	bool left, zero, plus, space, alt;
	int width, precision; /* precision -1: none given */
};

static void put_string(struct out *o, const struct spec *s, const char *str, size_t n)
{
	if (!s->left)
		pad(o, ' ', s->width - (int)n);
	for (size_t i = 0; i < n; i++)
		put(o, str[i]);
	if (s->left)
		pad(o, ' ', s->width - (int)n);
}

static void put_number(struct out *o, const struct spec *s, u64 v, unsigned base, bool upper,
		       const char *sign)
{
	const char *digits = upper ? "0123456789ABCDEF" : "0123456789abcdef";
	char tmp[24];
	int n = 0, prefix = (int)strlen(sign), zeros;

	do {
		tmp[n++] = digits[v % base];
		v /= base;
	} while (v);
	zeros = s->precision > n ? s->precision - n : 0;
	if (s->zero && !s->left && s->precision < 0 && s->width > n + prefix)
		zeros = s->width - n - prefix;
	if (!s->left)
		pad(o, ' ', s->width - n - zeros - prefix);
	while (*sign)
		put(o, *sign++);
	pad(o, '0', zeros);
	for (int i = n; i > 0; i--)
		put(o, tmp[i - 1]);
	if (s->left)
		pad(o, ' ', s->width - n - zeros - prefix);
}

static const char *parse_flags(const char *f, struct spec *s)
{
	for (;; f++) {
		switch (*f) {
		case '-': s->left = true; break;
		case '0': s->zero = true; break;
		case '+': s->plus = true; break;
		case ' ': s->space = true; break;
		case '#': s->alt = true; break;
		default: return f;
		}
	}
}

static const char *parse_int(const char *f, int *v)
{
	for (*v = 0; *f >= '0' && *f <= '9'; f++)
		*v = *v * 10 + (*f - '0');
	return f;
}

/* Length modifiers: -2 hh, -1 h, 0 none, 1 l (and ll, z, t, j: all 64 bits here). */
static const char *parse_length(const char *f, int *len)
{
	*len = 0;
	for (;; f++) {
		if (*f == 'h')
			--*len;
		else if (*f == 'l' || *f == 'z' || *f == 't' || *f == 'j')
			*len = 1;
		else
			return f;
	}
}

static s64 narrow(s64 v, int len)
{
	switch (len) {
	case -2: return (s8)v;
	case -1: return (s16)v;
	default: return v;
	}
}

/* Flags, width and precision, behind the percent sign. */
static const char *parse_spec(const char *f, struct spec *s, struct out *o)
{
	f = parse_flags(f, s);
	if (*f == '*') {
		s->width = va_arg(o->ap, int);
		if (s->width < 0) {
			s->left = true;
			s->width = -s->width;
		}
		f++;
	} else {
		f = parse_int(f, &s->width);
	}
	if (*f != '.')
		return f;
	if (f[1] != '*')
		return parse_int(f + 1, &s->precision);
	s->precision = va_arg(o->ap, int);
	return f + 2;
}

static void convert_signed(struct out *o, const struct spec *s, int len)
{
	s64 v = narrow(len > 0 ? va_arg(o->ap, s64) : va_arg(o->ap, int), len);

	put_number(o, s, v < 0 ? 0 - (u64)v : (u64)v, 10, false,
		   v < 0      ? "-"
		   : s->plus  ? "+"
		   : s->space ? " "
			      : "");
}

static void convert_unsigned(struct out *o, const struct spec *s, int len, char how)
{
	u64 v = len > 0 ? va_arg(o->ap, u64) : va_arg(o->ap, unsigned);
	const char *prefix = how == 'x' ? "0x" : how == 'X' ? "0X" : how == 'o' ? "0" : "";

	if (len < 0)
		v &= len == -2 ? 0xff : 0xffff;
	put_number(o, s, v,
		   how == 'u'	? 10
		   : how == 'o' ? 8
				: 16,
		   how == 'X', s->alt && v ? prefix : "");
}

static void convert_string(struct out *o, const struct spec *s)
{
	const char *str = va_arg(o->ap, const char *);

	if (!str)
		str = "(null)";
	put_string(o, s, str, s->precision >= 0 ? strnlen(str, (size_t)s->precision) : strlen(str));
}

int kvsnprintf(char *buf, size_t size, const char *fmt, va_list ap)
{
	struct out o = { .buf = buf, .size = size };

	va_copy(o.ap, ap);
	for (const char *f = fmt; *f; f++) {
		struct spec s = { .precision = -1 };
		int len;
		char c;

		if (*f != '%') {
			put(&o, *f);
			continue;
		}
		f = parse_length(parse_spec(f + 1, &s, &o), &len);
		switch (*f) {
		case 'd':
		case 'i': convert_signed(&o, &s, len); break;
		case 'u':
		case 'x':
		case 'X':
		case 'o': convert_unsigned(&o, &s, len, *f); break;
		case 'p': put_number(&o, &s, (u64)va_arg(o.ap, void *), 16, false, "0x"); break;
		case 'c':
			c = (char)va_arg(o.ap, int);
			put_string(&o, &s, &c, 1);
			break;
		case 's': convert_string(&o, &s); break;
		case '%': put(&o, '%'); break;
		default: /* an unknown conversion shows itself */
			put(&o, '%');
			if (!*f)
				f--;
			else
				put(&o, *f);
		}
	}
	va_end(o.ap);
	if (size)
		buf[o.len < size ? o.len : size - 1] = 0;
	return (int)o.len;
}

int ksnprintf(char *buf, size_t size, const char *fmt, ...)
{
	va_list ap;
	int n;

	va_start(ap, fmt);
	n = kvsnprintf(buf, size, fmt, ap);
	va_end(ap);
	return n;
}
