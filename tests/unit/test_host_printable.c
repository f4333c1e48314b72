// sources: host/printable.c
/*
 * test_host_printable.c - no control character of any spelling reaches the terminal; text does.
 */
#include <stdio.h>
#include <string.h>

#include "host/printable.h"

static int failed;

static void check(int line, const char *in, const char *want, bool lines)
{
	uint8_t buf[64];
	size_t n = strlen(in);

	memcpy(buf, in, n);
	printable(buf, n, lines);
	if (n != strlen(want) || memcmp(buf, want, n) != 0) {
		fprintf(stderr, "line %d: got '%.*s', want '%s'\n", line, (int)n, (char *)buf,
			want);
		failed = 1;
	}
}
#define CHECK(in, want, lines) check(__LINE__, in, want, lines)

int main(void)
{
	CHECK("plain text~", "plain text~", false);
	CHECK("a\tb\nc", "a\tb?c", false);
	CHECK("a\tb\nc", "a\tb\nc", true);
	CHECK("\033[2J\a\r\177", "?[2J???", true);
	CHECK("\x9b"
	      "31m",
	      "?31m", true); /* CSI as one byte */
	CHECK("\xc2\x9b"
	      "31m",
	      "??31m", true);			 /* and as a character */
	CHECK("\xc2\x80\xc2\x9f", "????", true); /* first and last of C1 */
	CHECK("\xc2\xa0\xc3\xa9", "\xc2\xa0\xc3\xa9", true);
	CHECK("\xe2\x82\xac \xf0\x9f\x98\x80", "\xe2\x82\xac \xf0\x9f\x98\x80", true);
	CHECK("\xe1\x9b\x90", "\xe1\x9b\x90", true); /* 0x9b inside a character is none */
	CHECK("\xc1\x9b\xe0\x82\x9b\xf0\x80\x82\x9b", "?????????", true); /* longer than need be */
	CHECK("\xed\xa0\x80", "???", true);	 /* half a surrogate pair */
	CHECK("\xf4\x90\x80\x80", "????", true); /* above U+10FFFF */
	CHECK("\xe2\x82", "??", true);		 /* cut off */
	CHECK("\xe2\x82\033", "???", true);
	CHECK("\xff\xfe", "??", true);
	return failed;
}
