/*
 * elf.h - parse and validate an ELF64 executable, for the launcher (the Sentry's image) and for the Sentry (programs
 * and interpreters).
 *
 * Pure: no allocation, no state, no libc but memcpy-like loops; it reads the file only through the caller's callback,
 * each byte once, into private memory. The file is hostile: whatever elf_parse accepts has segments whose addresses and
 * file ranges do not wrap, do not overlap, lie in [lo_limit, hi_limit) and inside the file.
 *
 * Stricter than Linux: overlapping PT_LOADs, a PT_LOAD that ends behind the end of the file and an entry outside of
 * every executable segment are errors (Linux maps them and lets the program die).
 */
#ifndef MOAT_LOADER_ELF_H
#define MOAT_LOADER_ELF_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define ELF_SEGMENTS_MAX 32
#define ELF_PHDRS_MAX	 128
#define ELF_INTERP_MAX	 4096
#define ELF_PAGE	 4096ULL

#define ELF_R 4
#define ELF_W 2
#define ELF_X 1

enum elf_error {
	ELF_OK,
	ELF_IO,	       /* the callback failed; its value is in elf_image.io_error */
	ELF_TRUNCATED, /* the file ends inside a header or a segment */
	ELF_MAGIC,     /* not an ELF file */
	ELF_CLASS,     /* not 64-bit little-endian */
	ELF_MACHINE,   /* not x86-64 */
	ELF_TYPE,      /* neither ET_EXEC nor ET_DYN */
	ELF_VERSION,
	ELF_PHDRS,    /* program header table missing, too long or of a wrong entry size */
	ELF_NO_LOAD,  /* no PT_LOAD */
	ELF_TOO_MANY, /* more PT_LOADs than ELF_SEGMENTS_MAX */
	ELF_SIZES,    /* filesz above memsz */
	ELF_OVERFLOW, /* an address or an offset wraps */
	ELF_RANGE,    /* a segment outside of the permitted addresses */
	ELF_ALIGN,    /* address and offset of a segment differ modulo the page, or a bad p_align */
	ELF_OVERLAP,  /* two segments claim the same address, or they are not in ascending order */
	ELF_ENTRY,    /* the entry point lies in no executable segment */
	ELF_INTERP,   /* PT_INTERP twice, empty, too long or without its NUL */
};

struct elf_segment {
	uint64_t vaddr, memsz;	 /* as the file says, not rounded to pages; memsz > 0 */
	uint64_t offset, filesz; /* filesz <= memsz */
	uint32_t flags;		 /* ELF_R, ELF_W, ELF_X */
};

struct elf_image {
	bool dyn; /* ET_DYN: all addresses are relative to a base that the caller chooses */
	uint64_t entry;
	uint64_t lo, hi; /* page-rounded extent of all segments */
	uint64_t align;	 /* largest p_align of a PT_LOAD, at least a page */
	uint64_t phdr_vaddr; /* where the program headers are in memory (AT_PHDR); 0 if no segment holds them */
	uint16_t phnum, phentsize;
	bool stack_known; /* PT_GNU_STACK is there */
	bool stack_exec; /* its flags; true without the header, as Linux for x86-64's old binaries reports it */
	uint64_t interp_off; /* PT_INTERP: offset and length with the NUL; length 0: none */
	uint32_t interp_len;
	unsigned nsegs;
	struct elf_segment seg[ELF_SEGMENTS_MAX];
	int64_t io_error;
};

/* The file: read returns the bytes read (fewer only at its end), or a negative errno. */
struct elf_file {
	int64_t (*read)(void *ctx, uint64_t off, void *buf, size_t len);
	void *ctx;
	uint64_t size;
	uint64_t lo_limit,
		hi_limit; /* permitted addresses of segments; for ET_DYN only hi_limit - lo_limit counts */
};

/* Fills *out (complete only at ELF_OK). */
enum elf_error elf_parse(const struct elf_file *f, struct elf_image *out);

/* Copy the PT_INTERP string into buf (at least interp_len bytes). */
enum elf_error elf_interp(const struct elf_file *f, const struct elf_image *img, char *buf,
			  size_t size);

/* What is wrong, for one line of text: "not an ELF file". */
const char *elf_strerror(enum elf_error e);

/* The errno that execve(2) gives: ENOEXEC, EINVAL or EIO, as a positive number. */
int elf_errno(enum elf_error e);

#endif
