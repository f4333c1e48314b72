/*
 * printable.c - see printable.h. C1 controls (CSI is 0x9b) are obeyed as single bytes by 8-bit terminals and as U+0080 to
 * U+009F by those that speak UTF-8, so a byte above 0x7f stays only as part of a valid longer character.
 */
#include "host/printable.h"

/* Bytes of the valid UTF-8 character of more than one byte at s; 0: there is none. RFC 3629, section 4. */
static size_t wide(const uint8_t *s, size_t n)
{
	static const uint32_t least[] = { 0, 0, 0x80, 0x800, 0x10000 };
	size_t len = s[0] >= 0xf0 ? 4 : s[0] >= 0xe0 ? 3 : 2;
	uint32_t c = s[0] & (0x7f >> len);

	if (s[0] < 0xc2 || s[0] > 0xf4 || len > n)
		return 0;
	for (size_t i = 1; i < len; i++) {
		if ((s[i] & 0xc0) != 0x80)
			return 0;
		c = c << 6 | (s[i] & 0x3f);
	}
	if (c < least[len] || c > 0x10ffff || (c >= 0xd800 && c <= 0xdfff) || c <= 0x9f)
		return 0;
	return len;
}

void printable(uint8_t *s, size_t n, bool lines)
{
	for (size_t i = 0; i < n;) {
		size_t len = s[i] >= 0x80 ? wide(s + i, n - i) : 1;

		if (!len || s[i] == 127 || (s[i] < ' ' && s[i] != '\t' && !(s[i] == '\n' && lines)))
			s[i] = '?';
		i += len ? len : 1;
	}
}
