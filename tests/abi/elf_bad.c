/*
 * Hostile and damaged ELF files: execve answers with an error or the new program dies by a signal;
 * nobody else notices. Each case changes a field or two of a small valid image made here.
 */
#include "abi.h"
#include <elf.h>

/* One page: headers, then code that calls exit_group(7). */
struct image {
	Elf64_Ehdr eh;
	Elf64_Phdr ph[4];
	unsigned char code[64];
	char interp[64];
	char tail[PAGE * 2];
};

static struct image img;

static void make_image(void)
{
	static const unsigned char code[] = {
		0xbf, 7, 0, 0, 0, 0xb8, 231, 0, 0, 0, 0x0f, 0x05, 0xf4
	};
	uint64_t base = 0x10000000;

	memset(&img, 0, sizeof(img));
	memcpy(img.eh.e_ident, ELFMAG, SELFMAG);
	img.eh.e_ident[EI_CLASS] = ELFCLASS64;
	img.eh.e_ident[EI_DATA] = ELFDATA2LSB;
	img.eh.e_ident[EI_VERSION] = EV_CURRENT;
	img.eh.e_type = ET_EXEC;
	img.eh.e_machine = EM_X86_64;
	img.eh.e_version = EV_CURRENT;
	img.eh.e_entry = base + offsetof(struct image, code);
	img.eh.e_phoff = offsetof(struct image, ph);
	img.eh.e_ehsize = sizeof(Elf64_Ehdr);
	img.eh.e_phentsize = sizeof(Elf64_Phdr);
	img.eh.e_phnum = 2;
	img.ph[0] = (Elf64_Phdr){ PT_LOAD, PF_R | PF_X, 0, base, base, PAGE, PAGE, PAGE };
	img.ph[1] = (Elf64_Phdr){ PT_LOAD,     PF_R | PF_W, PAGE, base + PAGE,
				  base + PAGE, PAGE,	    PAGE, PAGE };
	memcpy(img.code, code, sizeof(code));
}

enum { OK7 = 7, SIGNAL = 1000 };

/* 7: it ran; -errno: execve refused; SIGNAL + n: it died. */
static int run_image(size_t size)
{
	int fd = open("elf", O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0755), st;
	pid_t pid;

	if (fd < 0 || write(fd, &img, size) != (ssize_t)size || close(fd))
		ABI_FAIL("cannot write the image: %s", abi_errname(errno));
	pid = abi_fork();
	if (pid == 0) {
		execve("./elf", (char *[]){ "elf", NULL }, (char *[]){ NULL });
		_exit(100 + errno);
	}
	st = abi_wait(pid);
	if (WIFSIGNALED(st))
		return SIGNAL + WTERMSIG(st);
	return WEXITSTATUS(st) >= 100 ? -(WEXITSTATUS(st) - 100) : WEXITSTATUS(st);
}

#define EXPECT(want, change)                                                             \
	do {                                                                             \
		make_image();                                                            \
		change;                                                                  \
		int got_ = run_image(sizeof(img));                                       \
		if (got_ != (want))                                                      \
			ABI_FAIL("%s: expected %d, got %d", #change, (int)(want), got_); \
	} while (0)

/* Any outcome but a success or a hang will do: Linux versions differ. */
#define EXPECT_NOT_RUN(change)                                     \
	do {                                                       \
		make_image();                                      \
		change;                                            \
		int got_ = run_image(sizeof(img));                 \
		if (got_ >= 0 && got_ < SIGNAL)                    \
			ABI_FAIL("%s: it ran: %d", #change, got_); \
	} while (0)

/* Linux runs such a file, if only to its death; a loader that refuses it at once is as good. */
#define EXPECT_OR_REFUSED(want, change)                                                  \
	do {                                                                             \
		make_image();                                                            \
		change;                                                                  \
		int got_ = run_image(sizeof(img));                                       \
		if (got_ != (want) && got_ != -ENOEXEC && got_ != -EINVAL)               \
			ABI_FAIL("%s: expected %d, got %d", #change, (int)(want), got_); \
	} while (0)

TEST(valid)
{
	abi_tmpdir();
	EXPECT(OK7, (void)0);
	EXPECT(OK7, img.eh.e_phnum = 1);
	EXPECT(OK7, img.ph[1].p_memsz = 1 << 20);     /* bss */
	EXPECT(OK7, img.eh.e_shoff = 0xffffffffffff); /* sections are nobody's business */
	EXPECT_OR_REFUSED(OK7, img.eh.e_version = 0);
}

TEST(header)
{
	abi_tmpdir();
	EXPECT(-ENOEXEC, img.eh.e_ident[0] = 0);
	EXPECT(-ENOEXEC, img.eh.e_machine = EM_AARCH64);
	EXPECT(-ENOEXEC, img.eh.e_type = ET_REL);
	EXPECT(-ENOEXEC, img.eh.e_type = ET_CORE);
	EXPECT(-ENOEXEC, img.eh.e_phentsize = 55);
	EXPECT(-ENOEXEC, img.eh.e_phnum = 0);
	EXPECT(-ENOEXEC, img.eh.e_phnum = 0xffff);
	EXPECT_NOT_RUN(img.eh.e_phoff = 1UL << 40);
	EXPECT_NOT_RUN(img.eh.e_phoff = -8UL);
	EXPECT_NOT_RUN(img.eh.e_phoff = sizeof(img) - 10);
}

TEST(truncated)
{
	static const size_t sizes[] = { 1, 4, 16, 52, 63, 64, 100, 119 };

	abi_tmpdir();
	for (size_t i = 0; i < ARRAY_LEN(sizes); i++) {
		int r;

		make_image();
		r = run_image(sizes[i]);
		if (r >= 0 && r < SIGNAL)
			ABI_FAIL("%zu bytes: it ran: %d", sizes[i], r);
	}
	make_image();
	img.eh.e_phnum = 1;
	/* Linux reads the rest of the page as zero */
	int r = run_image(offsetof(struct image, interp));
	CHECK(r == OK7 || r == -ENOEXEC || r == -EINVAL);
}

TEST(entry)
{
	abi_tmpdir();
	EXPECT_OR_REFUSED(SIGNAL + SIGSEGV, img.eh.e_entry = 0);
	EXPECT_OR_REFUSED(SIGNAL + SIGSEGV, img.eh.e_entry = 0x10001000); /* not executable */
	EXPECT_NOT_RUN(img.eh.e_entry = 0x7ffffffff000);
	EXPECT_NOT_RUN(img.eh.e_entry = 0x800000000000);
	EXPECT_NOT_RUN(img.eh.e_entry = 0xffffffff80000000);
	EXPECT_NOT_RUN(img.eh.e_entry = 0x8000000000000000);
}

TEST(segments)
{
	abi_tmpdir();
	EXPECT_NOT_RUN(img.ph[0].p_vaddr = 0x7fffffffe000);
	EXPECT_NOT_RUN(img.ph[0].p_vaddr = 0xffffffff80000000);
	EXPECT_NOT_RUN(img.ph[0].p_vaddr = -PAGE);
	EXPECT_NOT_RUN(img.ph[0].p_vaddr += 1); /* not congruent with the offset */
	EXPECT_NOT_RUN(img.ph[0].p_filesz = -1UL);
	EXPECT_NOT_RUN(img.ph[0].p_memsz = -1UL);
	EXPECT_NOT_RUN(img.ph[0].p_memsz = 1UL << 47);
	EXPECT_NOT_RUN(img.ph[1].p_memsz = 1UL << 47);
	EXPECT_NOT_RUN(img.ph[0].p_memsz = 16); /* less than filesz */
	EXPECT_NOT_RUN(img.ph[0].p_offset = -PAGE);
	EXPECT_NOT_RUN(img.ph[0].p_type = PT_NULL);
	EXPECT(OK7, img.ph[1].p_flags = 0);
	EXPECT_OR_REFUSED(SIGNAL + SIGSEGV, img.ph[0].p_flags = PF_R);
}

TEST(overlap)
{
	abi_tmpdir();
	/* the later segment wins: it hides the code, with pages that are not executable */
	EXPECT_OR_REFUSED(SIGNAL + SIGSEGV, img.ph[1].p_vaddr = img.ph[0].p_vaddr);
	/* or with the same file page, executable: it runs */
	EXPECT_OR_REFUSED(OK7, img.ph[1] = img.ph[0]);
}

TEST(data_past_the_end_of_the_file)
{
	abi_tmpdir();
	EXPECT_OR_REFUSED(OK7, (img.ph[1].p_offset = 1 << 20, img.ph[1].p_flags = PF_R));
}

TEST(interpreter)
{
	abi_tmpdir();
#define INTERP(text, len)                                                                 \
	(img.eh.e_phnum = 3, strcpy(img.interp, text), img.ph[2].p_type = PT_INTERP,      \
	 img.ph[2].p_offset = offsetof(struct image, interp), img.ph[2].p_filesz = (len), \
	 img.ph[2].p_memsz = (len))
	EXPECT(-ENOENT, INTERP("/nonexistent/ld.so", 19));
	EXPECT(-ENOEXEC, INTERP("/nonexistent/ld.so", 10)); /* no NUL at the end */
	EXPECT(-ENOEXEC, INTERP("", 1));
	EXPECT(-ENOEXEC, INTERP("/x", 100000));
	EXPECT(-EACCES, INTERP("/", 2));
	EXPECT_NOT_RUN(INTERP("/dev/null", 10));
	EXPECT_NOT_RUN((INTERP("/x", 3), img.ph[2].p_offset = 1UL << 50));
	close(abi_file("text", "not an ELF file", 0755));
	EXPECT_NOT_RUN(INTERP("./text", 7));
	close(abi_file("short", "\177ELF", 0755));
	EXPECT_NOT_RUN(INTERP("./short", 8));
}

TEST(position_independent)
{
	abi_tmpdir();
	EXPECT(OK7, (img.eh.e_type = ET_DYN, img.ph[0].p_vaddr = 0, img.ph[1].p_vaddr = PAGE,
		     img.eh.e_entry = offsetof(struct image, code)));
}

TEST(random_damage)
{
	/* Any outcome is right as long as we are still here to see it. A fixed seed. */
	uint32_t x = 12345;

	abi_tmpdir();
	for (int i = 0; i < 150; i++) {
		make_image();
		for (int k = 0; k < 2; k++) {
			x = x * 1664525 + 1013904223;
			((unsigned char *)&img)[(x >> 8) % offsetof(struct image, code)] = x >> 24;
		}
		/* the code stays, so that what runs is what we wrote or a fault */
		run_image(sizeof(img));
	}
	CHECK_EQ(access("elf", X_OK), 0);
}
