/*
 * fuzz_calls.h - what the files of fuzz_calls share: the memory that arguments point to, the
 * descriptors in use, random numbers.
 *
 *   fuzz_calls.c        the parent, its workers and their threads
 *   fuzz_calls_table.c  which calls there are (guest/sys/syscalls.def)
 *   fuzz_calls_args.c   their arguments
 *   fuzz_calls_data.c   what pointers point to
 *   fuzz_calls_make.c   objects to call upon: descriptors, mappings, children
 */
#ifndef MOAT_TESTS_FUZZ_CALLS_H
#define MOAT_TESTS_FUZZ_CALLS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define WORKERS 3
#define THREADS 3

/* Descriptors in use: few, so that two calls often mean the same one. 0 to 2 stay as they are. */
#define FD_FIRST 3
#define FDS	 60

/* Names, then slots: shared by all workers, so that one changes what another's call reads. */
#define DATA	  0x10000000UL
#define DATA_SIZE (256UL << 10)
#define NAME_SIZE 128UL
#define SLOTS	  (DATA + (64UL << 10))
#define SLOT_SIZE 256UL
#define SLOT_N	  ((DATA + DATA_SIZE - SLOTS) / SLOT_SIZE)

/* Where calls map and unmap: each worker's own. */
#define ARENA	    0x20000000UL
#define ARENA_PAGES 4096UL
#define PAGE	    4096UL

#define N_OF(array) (sizeof(array) / sizeof((array)[0]))

/* Argument kinds of syscalls.def. */
enum kind {
	no_a,
	fd_a,
	path_a,
	ubuf_a,
	uptr_a,
	addr_a,
	size_a,
	off_a,
	long_a,
	ulong_a,
	int_a,
	uint_a,
	flags_a,
	oflags_a,
	mode_a,
	pid_a,
	sig_a,
	id_a,
	prot_a,
	mflags_a,
};

struct call {
	int nr;
	const char *name;
	enum kind args[6];
};

/* Who runs, for arguments that are a process. Workers may ruin it: nothing else depends on it. */
struct shared {
	volatile int pid[WORKERS];
	volatile int tid[WORKERS][THREADS];
	volatile unsigned long calls[WORKERS];
};
extern struct shared *shared;

/* fuzz_calls.c */
void call_once(void); /* one call with random arguments */
/* Each thread has its own row of numbers. */
uint64_t random_bits(void);
unsigned long below(unsigned long n); /* 0 to n - 1 */
static inline bool one_in(unsigned long n)
{
	return below(n) == 0;
}

/*
 * fuzz_calls_table.c: only the calls of these names are made, or with none, all that are safe.
 * false: a name is unknown, or not a safe one's.
 */
bool calls_choose(char **names);
const struct call *calls_pick(void);

/* fuzz_calls_args.c: false if this call is better not made now. */
bool call_args(const struct call *c, unsigned long a[6]);
int random_pid(void);
int random_tid(void);
int random_fd(void);

/* fuzz_calls_data.c */
void data_fill(void);
void data_change(void); /* one slot */
unsigned long random_slot(void);
unsigned long random_name(void);

/* fuzz_calls_make.c */
void make_object(void);

#endif
