/*
 * measure.h - the clock of the benchmark programs: batches of one operation, their median and minimum in ns.
 *
 *   PROGRAM [-t MS] [-b BATCHES] [-n OPS] [-d DIR] NAME...|all     one line each: NAME MEDIAN MIN, in ns per operation
 *   PROGRAM list                                                   the names
 *
 * A batch is as many operations as take MS (10); finding that number is the warm-up. The median and the minimum are over
 * the batches (15). -n gives the number instead, for machines whose clock counts instructions and for counts from
 * outside. What a program has to do before or after is outside of the clock.
 */
#ifndef MOAT_BENCH_MEASURE_H
#define MOAT_BENCH_MEASURE_H

#include <stdint.h>

struct bench {
	const char *name;
	uint64_t (*run)(uint64_t n); /* ns that n operations took */
	void (*start)(void), (*stop)(void);
	uint64_t least; /* n is a multiple of it */
};

extern const struct bench benches[]; /* the program's; the last has no name */
extern const char *measure_dir;	     /* -d: where files go; has a default */

uint64_t now_ns(void);
/* Ends the program with a line about errno unless ok. */
void check(int ok, const char *what);
/* Takes the options; argv[optind] is the first name. 0, or 2 after a line of usage. */
int measure_options(int argc, char **argv);
/* Measures all that argv[optind] and its followers name, or lists the names. The program's exit status. */
int measure_all(int argc, char **argv);

#endif
