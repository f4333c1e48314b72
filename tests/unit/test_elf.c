// sources: loader/elf.c
/*
 * test_elf.c - loader/elf.c against good, broken and hostile files, and against random damage (nothing that it accepts may
 * break a promise of elf.h).
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "loader/elf.h"

#define LO 0x10000ULL
#define HI 0x7ffffffff000ULL

struct ehdr {
	uint8_t ident[16];
	uint16_t type, machine;
	uint32_t version;
	uint64_t entry, phoff, shoff;
	uint32_t flags;
	uint16_t ehsize, phentsize, phnum, shentsize, shnum, shstrndx;
};
struct phdr {
	uint32_t type, flags;
	uint64_t offset, vaddr, paddr, filesz, memsz, align;
};

/* A good program: text, data with bss, an interpreter, a stack header. */
static struct program {
	struct ehdr h;
	struct phdr p[4];
	char interp[16];
	char rest[0x3000 - sizeof(struct ehdr) - 4 * sizeof(struct phdr) - 16];
} good, bad;

static int failures, cases;
static int fail_read;

static int64_t mem_read(void *ctx, uint64_t off, void *buf, size_t len)
{
	if (fail_read)
		return -5;
	memcpy(buf, (char *)ctx + off, len);
	return len;
}

static enum elf_error parse(struct program *p, uint64_t size, struct elf_image *img)
{
	struct elf_file f = {
		.read = mem_read, .ctx = p, .size = size, .lo_limit = LO, .hi_limit = HI
	};

	return elf_parse(&f, img);
}

static void make_good(void)
{
	memset(&good, 0, sizeof(good));
	memcpy(good.h.ident, "\177ELF\2\1\1", 7);
	good.h.type = 2;
	good.h.machine = 62;
	good.h.version = 1;
	good.h.entry = 0x400200;
	good.h.phoff = sizeof(struct ehdr);
	good.h.phentsize = sizeof(struct phdr);
	good.h.phnum = 4;
	good.p[0] = (struct phdr){ 3, 4, offsetof(struct program, interp), 0, 0, 16, 16, 1 };
	good.p[1] = (struct phdr){ 1, 5, 0, 0x400000, 0, 0x1800, 0x1800, 0x1000 };
	good.p[2] = (struct phdr){ 1, 6, 0x1800, 0x402800, 0, 0x400, 0x2000, 0x1000 };
	good.p[3] = (struct phdr){ 0x6474e551, 6, 0, 0, 0, 0, 0, 16 };
	strcpy(good.interp, "/lib/ld.so");
}

static void check(int ok, const char *what, int line)
{
	cases++;
	if (ok)
		return;
	failures++;
	printf("line %d: %s\n", line, what);
}
#define CHECK(c) check(!!(c), #c, __LINE__)

/* Change one thing of the good program and say what must come of it. */
#define EXPECT(change, want)                                            \
	do {                                                            \
		struct elf_image im;                                    \
		enum elf_error got;                                     \
                                                                        \
		bad = good;                                             \
		change;                                                 \
		got = parse(&bad, sizeof(bad), &im);                    \
		if (got != (want))                                      \
			printf("%s: %s\n", #change, elf_strerror(got)); \
		check(got == (want), #change, __LINE__);                \
	} while (0)

static void test_good(void)
{
	struct elf_image im;
	char interp[64];
	struct elf_file f = {
		.read = mem_read, .ctx = &good, .size = sizeof(good), .lo_limit = LO, .hi_limit = HI
	};

	CHECK(parse(&good, sizeof(good), &im) == ELF_OK);
	CHECK(!im.dyn && im.entry == 0x400200 && im.nsegs == 2 && im.lo == 0x400000 &&
	      im.hi == 0x405000);
	CHECK(im.seg[1].vaddr == 0x402800 && im.seg[1].filesz == 0x400 &&
	      im.seg[1].memsz == 0x2000 && im.seg[1].flags == 6);
	CHECK(im.phdr_vaddr == 0x400040 && im.phnum == 4 && im.align == 4096);
	CHECK(im.stack_known && !im.stack_exec && im.interp_len == 16);
	CHECK(elf_interp(&f, &im, interp, sizeof(interp)) == ELF_OK &&
	      !strcmp(interp, "/lib/ld.so"));
	CHECK(elf_interp(&f, &im, interp, 4) == ELF_INTERP);
	fail_read = 1;
	CHECK(parse(&good, sizeof(good), &im) == ELF_IO && im.io_error == -5);
	fail_read = 0;
	EXPECT(bad.h.type = 3, ELF_OK);
	/* Two segments in one page of the same part of the file. */
	EXPECT((bad.p[2].vaddr = 0x401800, bad.p[2].offset = 0x1800), ELF_OK);
	EXPECT(bad.p[3].type = 0, ELF_OK);
	EXPECT(bad.p[2].memsz = bad.p[2].filesz = 0, ELF_OK);
}

static void test_headers(void)
{
	static const uint64_t sizes[] = { 0, 3, 4, 16, 63, 64, 100, 287 };
	struct elf_image im;
	unsigned i;

	for (i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++)
		CHECK(parse(&good, sizes[i], &im) == (sizes[i] < 4 ? ELF_MAGIC : ELF_TRUNCATED));
	EXPECT(bad.h.ident[0] = '#', ELF_MAGIC);
	EXPECT(bad.h.ident[4] = 1, ELF_CLASS);
	EXPECT(bad.h.ident[5] = 2, ELF_CLASS);
	EXPECT(bad.h.version = 2, ELF_VERSION);
	EXPECT(bad.h.machine = 183, ELF_MACHINE);
	EXPECT(bad.h.type = 1, ELF_TYPE);
	EXPECT(bad.h.phentsize = 32, ELF_PHDRS);
	EXPECT(bad.h.phnum = 0, ELF_PHDRS);
	EXPECT(bad.h.phnum = 65535, ELF_PHDRS);
	EXPECT(bad.h.phoff = sizeof(bad) - 8, ELF_TRUNCATED);
	EXPECT(bad.h.phoff = ~0ULL - 60, ELF_TRUNCATED);
	EXPECT(bad.h.phoff = ~0ULL, ELF_TRUNCATED);
	EXPECT(bad.h.entry = 0x402800, ELF_ENTRY);
	EXPECT(bad.h.entry = 0, ELF_ENTRY);
	EXPECT(bad.h.entry = 0x401800, ELF_ENTRY);
	EXPECT((bad.p[1].type = 0, bad.p[2].type = 0), ELF_NO_LOAD);
}

static void test_segments(void)
{
	EXPECT(bad.p[2].filesz = 0x3000, ELF_SIZES);
	EXPECT(bad.p[2].vaddr = ~0xfffULL | 0x800, ELF_OVERFLOW);
	EXPECT(bad.p[2].memsz = ~0ULL, ELF_OVERFLOW);
	EXPECT(bad.p[2].vaddr = 0x800000000800, ELF_RANGE);
	EXPECT(bad.p[2].memsz = HI, ELF_RANGE);
	EXPECT((bad.p[1].vaddr = 0), ELF_RANGE);
	EXPECT(bad.p[2].vaddr = 0x402801, ELF_ALIGN);
	EXPECT(bad.p[2].align = 0x1001, ELF_ALIGN);
	EXPECT((bad.p[2].offset = 0x2f800, bad.p[2].filesz = 1), ELF_TRUNCATED);
	EXPECT(bad.p[2].offset = ~0xfffULL | 0x800, ELF_TRUNCATED);
	EXPECT((bad.p[2].offset = ~0ULL - 0x7ff, bad.p[2].filesz = 0x1000), ELF_OVERFLOW);
	EXPECT(bad.p[2].vaddr = 0x400800, ELF_OVERLAP);
	EXPECT(bad.p[2].vaddr = 0x3ff800, ELF_OVERLAP);
	/* Shares its page with the text, but shows other bytes of the file there. */
	EXPECT((bad.p[2].vaddr = 0x401800, bad.p[2].offset = 0x800), ELF_OVERLAP);
	EXPECT((bad.p[2].vaddr = 0x401c00, bad.p[2].filesz = 0), ELF_OVERLAP);
	EXPECT(bad.p[0].filesz = 1, ELF_INTERP);
	EXPECT(bad.p[0].filesz = 5000, ELF_INTERP);
	EXPECT(bad.p[0].filesz = 5, ELF_INTERP);
	EXPECT(bad.p[3] = bad.p[0], ELF_INTERP);
	EXPECT(bad.p[0].offset = ~0ULL, ELF_OVERFLOW);
}

static void promises(const struct elf_image *im)
{
	uint64_t lo = im->dyn ? 0 : LO, hi = im->dyn ? HI - LO : HI, end = 0;
	unsigned i;

	CHECK(im->nsegs && im->nsegs <= ELF_SEGMENTS_MAX && im->lo % 4096 == 0 &&
	      im->hi % 4096 == 0);
	for (i = 0; i < im->nsegs; i++) {
		const struct elf_segment *s = &im->seg[i];

		CHECK(s->memsz && s->filesz <= s->memsz && s->vaddr >= lo && s->vaddr < hi &&
		      s->memsz <= hi - s->vaddr);
		CHECK(s->vaddr >= end && s->vaddr >= im->lo && s->vaddr + s->memsz <= im->hi);
		CHECK(!s->filesz ||
		      (s->offset <= sizeof(bad) && s->filesz <= sizeof(bad) - s->offset));
		end = s->vaddr + s->memsz;
	}
}

static void test_random(void)
{
	static const uint64_t nasty[] = { 0,	 1,	      0xfff,	  0x1000, 0x7fffffffffff,
					  ~0ULL, ~0ULL << 63, 0xffffffff, HI,	  LO };
	unsigned i, n, accepted = 0;
	struct elf_image im;

	srand(1);
	for (i = 0; i < 200000; i++) {
		bad = good;
		for (n = rand() % 4 + 1; n; n--) {
			size_t at = rand() % (sizeof(struct ehdr) + sizeof(bad.p));

			if (rand() % 2)
				((uint8_t *)&bad)[at] = rand();
			else
				memcpy((char *)&bad + (at & ~7UL), &nasty[rand() % 10], 8);
		}
		if (parse(&bad, rand() % 8 ? sizeof(bad) : rand() % sizeof(bad), &im) == ELF_OK) {
			accepted++;
			promises(&im);
		}
	}
	CHECK(accepted > 1000 && accepted < 150000);
}

int main(void)
{
	unsigned e;

	make_good();
	test_good();
	test_headers();
	test_segments();
	test_random();
	for (e = 0; e <= ELF_INTERP; e++)
		CHECK(elf_strerror(e)[0] && (e == 0) == (elf_errno(e) == 0));
	printf("elf: %d checks, %d failed\n", cases, failures);
	return failures != 0;
}
