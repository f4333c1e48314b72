/*
 * crash.c - see crash.h. The record is copied once; names come from the symbol table of our own copy of the image.
 */
#include <ctype.h>
#include <elf.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "host/crash.h"

/* After the seal stdio may not ask the host about its descriptor: format here, one write. */
void crash_print(const char *fmt, ...)
{
	char buf[4096];
	va_list ap;
	int n;

	va_start(ap, fmt);
	n = vsnprintf(buf, sizeof(buf), fmt, ap);
	va_end(ap);
	if (n >= (int)sizeof(buf))
		n = sizeof(buf) - 1;
	if (n > 0 && write(2, buf, (size_t)n) < 0)
		return; /* nobody listens */
}

/*
 * Calls fn(arg, name, value) for each function of the image, until it says true. The image is ours, not the guest's: no checks
 * beyond what keeps a build mistake readable.
 */
static void each_function(const struct sandbox *sb, bool (*fn)(void *, const char *, uint64_t),
			  void *arg)
{
	const char *image = sb->image;
	const Elf64_Ehdr *eh = sb->image;
	const Elf64_Shdr *sh = (const void *)(image + eh->e_shoff);

	for (unsigned i = 0; i < eh->e_shnum; i++) {
		const Elf64_Sym *sym = (const void *)(image + sh[i].sh_offset);
		const char *names = image + sh[sh[i].sh_link].sh_offset;

		if (sh[i].sh_type != SHT_SYMTAB)
			continue;
		for (uint64_t k = 0; k < sh[i].sh_size / sizeof(*sym); k++)
			if (ELF64_ST_TYPE(sym[k].st_info) == STT_FUNC &&
			    fn(arg, names + sym[k].st_name, sym[k].st_value))
				return;
	}
}

struct search {
	const char *name; /* what is looked for, or what was found */
	uint64_t addr, best;
};

static bool nearer(void *arg, const char *name, uint64_t value)
{
	struct search *s = arg;

	if (s->addr >= value && s->addr - value < s->best) {
		s->best = s->addr - value;
		s->name = name;
	}
	return false;
}

static bool named(void *arg, const char *name, uint64_t value)
{
	struct search *s = arg;

	if (strcmp(name, s->name) != 0)
		return false;
	s->addr = value;
	return true;
}

struct crash_symbol crash_symbol(const struct sandbox *sb, uint64_t addr)
{
	struct search s = { NULL, addr, ~0ULL };

	each_function(sb, nearer, &s);
	return (struct crash_symbol){ s.name, s.best };
}

uint64_t crash_address(const struct sandbox *sb, const char *name)
{
	struct search s = { name, 0, 0 };

	each_function(sb, named, &s);
	return s.addr;
}

static void clean(char *s, size_t size, bool lines)
{
	s[size - 1] = 0;
	for (; *s; s++) {
		if (!isprint((unsigned char)*s) && !(lines && *s == '\n'))
			*s = '?';
	}
}

void crash_print_address(const struct sandbox *sb, uint64_t slide, uint64_t addr)
{
	struct crash_symbol s = crash_symbol(sb, addr - slide);

	if (s.name && s.offset < 65536)
		crash_print("    %016llx  %s+0x%llx\n", (unsigned long long)addr, s.name,
			    (unsigned long long)s.offset);
	else
		crash_print("    %016llx\n", (unsigned long long)addr);
}

bool crash_report(struct sandbox *sb)
{
	static const char *const names[] = { "rax", "rbx", "rcx", "rdx", "rsi", "rdi", "rbp",
					     "rsp", "r8 ", "r9 ", "r10", "r11", "r12", "r13",
					     "r14", "r15", "rip", "flg", "cr2", "err" };
	static struct crash_record r;

	memcpy(&r, sb->arena + ARENA_CRASH, sizeof(r));
	if (r.magic != CRASH_MAGIC)
		return false;
	clean(r.reason, sizeof(r.reason), false);
	clean(r.task, sizeof(r.task), false);
	clean(r.dmesg_tail, sizeof(r.dmesg_tail), true);
	crash_print("moat: the Sentry crashed on CPU %u: %s\n", r.cpu, r.reason);
	if (r.task[0])
		crash_print("  program %s, pid %u, system call %lld\n", r.task, r.pid,
			    (long long)r.syscall_nr);
	for (unsigned i = 0; i < 20; i++)
		crash_print("%s%s %016llx%s", i % 4 ? "  " : "  ", names[i],
			    (unsigned long long)r.regs[i], i % 4 == 3 ? "\n" : "");
	crash_print("  backtrace\n");
	for (unsigned i = 0; i < r.depth && i < 32; i++)
		crash_print_address(sb, r.image_slide, r.backtrace[i]);
	if (sb->platform->describe)
		sb->platform->describe(sb);
	if (r.dmesg_tail[0])
		crash_print("  last lines of its log\n%s\n", r.dmesg_tail);
	return true;
}
