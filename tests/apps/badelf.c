/*
 * badelf.c - broken and hostile ELF files, for bad_input.sh: writes each into DIR, executes it and says how that ended.
 * Run natively and in a sandbox, the two outputs have to agree.
 *
 * usage: badelf DIR
 */
#define _GNU_SOURCE
#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#define BASE 0x400000UL

/* mov $60, %eax; mov $7, %edi; syscall */
static const unsigned char code[] = { 0xb8, 60, 0, 0, 0, 0xbf, 7, 0, 0, 0, 0x0f, 0x05 };

static struct image {
	Elf64_Ehdr eh;
	Elf64_Phdr ph[4];
	char text[256];
	char interp[64];
} good, bad;

static void make_good(void)
{
	memcpy(good.eh.e_ident, ELFMAG, SELFMAG);
	good.eh.e_ident[EI_CLASS] = ELFCLASS64;
	good.eh.e_ident[EI_DATA] = ELFDATA2LSB;
	good.eh.e_ident[EI_VERSION] = EV_CURRENT;
	good.eh.e_type = ET_EXEC;
	good.eh.e_machine = EM_X86_64;
	good.eh.e_version = EV_CURRENT;
	good.eh.e_entry = BASE + offsetof(struct image, text);
	good.eh.e_phoff = offsetof(struct image, ph);
	good.eh.e_ehsize = sizeof(good.eh);
	good.eh.e_phentsize = sizeof(good.ph[0]);
	good.eh.e_phnum = 1;
	good.ph[0] = (Elf64_Phdr){ .p_type = PT_LOAD,
				   .p_flags = PF_R | PF_X,
				   .p_vaddr = BASE,
				   .p_filesz = sizeof(good),
				   .p_memsz = sizeof(good),
				   .p_align = 4096 };
	good.ph[1] = good.ph[0];
	good.ph[1].p_flags = PF_R | PF_W;
	good.ph[1].p_vaddr += 0x10000;
	memcpy(good.text, code, sizeof(code));
}

static void interp(const char *path)
{
	bad.eh.e_phnum = 2;
	bad.ph[1] = (Elf64_Phdr){ .p_type = PT_INTERP,
				  .p_offset = offsetof(struct image, interp),
				  .p_filesz = strlen(path) + 1 };
	strcpy(bad.interp, path);
}

/* The changes, each to a fresh copy; NULL ends. */
static const char *variant(int n)
{
	struct image *b = &bad;

	*b = good;
	switch (n) {
	case 0: return "good";
	case 1: b->eh.e_ident[EI_CLASS] = ELFCLASS32; return "class 32";
	case 2: b->eh.e_ident[EI_MAG3] = 'G'; return "magic";
	case 3: b->eh.e_machine = EM_AARCH64; return "machine arm64";
	case 4: b->eh.e_type = ET_REL; return "relocatable";
	case 5: b->eh.e_type = ET_CORE; return "core";
	case 6: b->eh.e_phnum = 0; return "no program headers";
	case 7: b->eh.e_phnum = 0xffff; return "65535 program headers";
	case 8: b->eh.e_phentsize = 1; return "header size 1";
	case 9: b->eh.e_phentsize = 0; return "header size 0";
	case 10: b->eh.e_phoff = 1UL << 40; return "headers beyond the file";
	case 11: b->eh.e_phoff = ~0UL - 16; return "headers' offset wraps";
	case 12: b->eh.e_entry = 0; return "entry 0";
	case 13: b->eh.e_entry = 1UL << 63; return "entry in the upper half";
	case 14: b->eh.e_entry = 0x8000000000UL; return "entry where nothing is";
	case 15: b->ph[0].p_filesz = b->ph[0].p_memsz + 1; return "file size over memory size";
	case 16: b->ph[0].p_memsz = 1UL << 47; return "memory size 128 TiB";
	case 17: b->ph[0].p_memsz = ~0UL; return "memory size wraps";
	case 18:
		b->ph[0].p_filesz = b->ph[0].p_memsz = 1UL << 30;
		return "file size beyond the file";
	case 19: b->ph[0].p_offset = ~0xfffUL; return "segment offset wraps";
	case 20: b->ph[0].p_vaddr = 1UL << 63; return "segment in the upper half";
	case 21: b->ph[0].p_vaddr = 0x7ffffffff000; return "segment at the end of user space";
	case 22: b->ph[0].p_vaddr = BASE + 1; return "address and offset differ within a page";
	case 23: b->ph[0].p_align = 3; return "alignment 3";
	case 24: b->ph[0].p_flags = 0; return "no access";
	case 25: b->ph[0].p_flags = PF_R; return "no execution";
	case 26: b->ph[0].p_type = PT_NULL; return "no segment to load";
	case 27:
		b->eh.e_phnum = 2;
		b->ph[1].p_vaddr = BASE;
		b->ph[1].p_flags = PF_R | PF_X;
		return "two segments in one place";
	case 28:
		b->eh.e_phnum = 2;
		b->ph[1].p_vaddr = BASE;
		b->ph[1].p_filesz = 0;
		b->ph[1].p_memsz = 65536;
		return "zeros over the code";
	case 29:
		b->eh.e_phnum = 2;
		b->ph[1].p_vaddr = BASE - 0x200000;
		return "segments in falling order";
	case 30: interp("/no/such/loader"); return "no such interpreter";
	case 31: interp("/"); return "interpreter is a directory";
	case 32: interp("relative"); return "interpreter with a relative name";
	case 33: interp(""); return "interpreter without a name";
	case 34:
		interp("/proc/self/exe");
		b->ph[1].p_filesz = 14;
		return "interpreter's name without its end";
	case 35:
		interp("/x");
		b->ph[1].p_filesz = 1UL << 40;
		return "interpreter's name of 1 TiB";
	case 36:
		interp("/x");
		b->ph[1].p_offset = 1UL << 62;
		return "interpreter's name beyond the file";
	case 37: interp("/proc/self/maps"); return "interpreter is no ELF file";
	case 38:
		b->eh.e_type = ET_DYN;
		b->eh.e_entry -= BASE;
		b->ph[0].p_vaddr = 0;
		return "position-independent";
	case 39:
		b->eh.e_type = ET_DYN;
		b->ph[0].p_memsz = 1UL << 46;
		return "position-independent, 64 TiB";
	case 40: b->ph[0].p_filesz = 0; return "all zeros";
	case 41:
		b->ph[0].p_vaddr = 0;
		b->eh.e_entry -= BASE;
		return "segment at 0";
	default: return NULL;
	}
}

static void attempt(const char *path, const char *name, const void *data, size_t size)
{
	int fd, status, gate[2], error = 0;
	pid_t pid;

	unlink(path);
	fd = open(path, O_WRONLY | O_CREAT, 0755);
	if (fd < 0 || write(fd, data, size) != (ssize_t)size || close(fd) ||
	    pipe2(gate, O_CLOEXEC)) {
		perror(path);
		exit(1);
	}
	pid = fork();
	if (pid == 0) {
		char *argv[] = { (char *)path, NULL }, *envp[] = { NULL };

		setrlimit(RLIMIT_CORE, &(struct rlimit){ 0, 0 });
		alarm(10);
		execve(path, argv, envp);
		error = errno;
		status = write(gate[1], &error, sizeof(error)) != sizeof(error);
		_exit(status);
	}
	close(gate[1]);
	if (read(gate[0], &error, sizeof(error)) != sizeof(error))
		error = 0;
	close(gate[0]);
	waitpid(pid, &status, 0);
	if (error)
		printf("%s: %s\n", name, strerror(error));
	else if (WIFSIGNALED(status))
		printf("%s: signal %d\n", name, WTERMSIG(status));
	else
		printf("%s: status %d\n", name, WEXITSTATUS(status));
}

int main(int argc, char **argv)
{
	static const size_t cuts[] = { 0, 1, 4, 16, 52, 63, 64, 65, 119, 120, 300 };
	const char *name;
	char text[64];

	setvbuf(stdout, NULL, _IONBF, 0);
	if (argc != 2 || chdir(argv[1]))
		return 1;
	make_good();
	for (int i = 0; (name = variant(i)); i++)
		attempt("elf", name, &bad, sizeof(bad));
	for (size_t i = 0; i < sizeof(cuts) / sizeof(*cuts); i++) {
		snprintf(text, sizeof(text), "cut at %zu", cuts[i]);
		attempt("elf", text, &good, cuts[i]);
	}
	return unlink("elf");
}
