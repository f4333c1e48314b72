/*
 * exec.h - the parts of execve: the arguments, the image, the switch to the new program.
 */
#ifndef MOAT_SYS_EXEC_H
#define MOAT_SYS_EXEC_H

#include "fs/file.h"
#include "loader/elf.h"
#include "mm/mm.h"
#include "task/task.h"

#define EXEC_STRING_MAX 131072UL /* one argument, MAX_ARG_STRLEN */
#define EXEC_PAGES	1536	 /* all strings: 6 MiB, as Linux */
#define EXEC_SCRIPTS	5
#define EXEC_PREFIX	(2 * EXEC_SCRIPTS + 1)

/* Strings one behind the other, each with its NUL, in pages of the Sentry. */
struct exec_strings {
	u8 *pages[EXEC_PAGES];
	size_t len, limit;
	unsigned count;
};

void exec_strings_free(struct exec_strings *s);
int exec_strings_add(struct exec_strings *s, const char *str); /* -E2BIG, -ENOMEM */
/* A NULL-terminated array of user pointers; -EFAULT too. skip: leave out that many at the front. */
int exec_strings_user(struct exec_strings *s, uaddr_t array, unsigned skip);
int exec_strings_kernel(struct exec_strings *s, char *const *array, unsigned skip);
/* Write them to dst of another address space. */
int exec_strings_put(const struct exec_strings *s, struct mm *mm, uaddr_t dst);
/* Length of the string at offset off, without the NUL. */
size_t exec_strings_length(const struct exec_strings *s, size_t off);

/* Where a program's arguments come from. */
struct exec_source {
	bool user;
	bool unreachable; /* the name leads to a descriptor that exec closes: no good for a script */
	uaddr_t uargv, uenvp;
	char *const *argv, *const *envp;
};

struct exec {
	const char *name;	   /* as it was called: AT_EXECFN */
	struct file *file;	   /* the program, or the interpreter of a script */
	struct file *interp;	   /* PT_INTERP's file */
	char *prefix[EXEC_PREFIX]; /* what scripts put in front of the arguments */
	unsigned nprefix, skip;
	struct exec_strings *args, *envs;
	struct mm *mm;
	uaddr_t entry, sp; /* where it starts */
	uaddr_t phdr, base, program_entry;
	unsigned phnum;
	struct cred *cred; /* what it will have; NULL: unchanged */
	bool secure;	   /* AT_SECURE */
};

/* Map program and interpreter into x->mm and set entry, phdr ... (exec_load.c). */
int exec_load(struct exec *x, const struct elf_image *img, const struct elf_image *interp);
/* Build the initial stack: strings, auxiliary vector, pointers (exec_stack.c). */
int exec_stack(struct exec *x, bool executable);
/* The credentials after exec of this file (exec_cred.c). */
int exec_cred(struct exec *x);

#endif
