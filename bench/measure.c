/*
 * measure.c - measure.h's clock, options and output.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "measure.h"

#define BATCHES_MAX 1000

static uint64_t batch_ns = 10000000, fixed_n;
static int batches = 15;

uint64_t now_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * 1000000000 + (uint64_t)ts.tv_nsec;
}

void check(int ok, const char *what)
{
	if (!ok) {
		fprintf(stderr, "%s: %s: %s\n", program_invocation_short_name, what,
			strerror(errno));
		exit(1);
	}
}

static int by_value(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return x < y ? -1 : x > y;
}

static void measure(const struct bench *b)
{
	static double t[BATCHES_MAX];
	uint64_t n = b->least, ns;

	if (b->start)
		b->start();
	if (fixed_n) {
		n = fixed_n < b->least ? b->least : fixed_n;
		b->run(n); /* warm-up */
	} else {
		while ((ns = b->run(n)) < batch_ns)
			n = ns < batch_ns / 16 ? n * 8 : n * 2;
	}
	for (int i = 0; i < batches; i++)
		t[i] = (double)b->run(n) / (double)n;
	if (b->stop)
		b->stop();
	qsort(t, (size_t)batches, sizeof(*t), by_value);
	printf("%s %.2f %.2f\n", b->name, t[batches / 2], t[0]);
	fflush(stdout);
}

static int measure_named(const char *name)
{
	int found = 0;

	for (const struct bench *b = benches; b->name; b++)
		if (strcmp(name, "all") == 0 || strcmp(name, b->name) == 0) {
			measure(b);
			found = 1;
		}
	return found;
}

static int usage(void)
{
	fprintf(stderr,
		"usage: %s [-t MS] [-b BATCHES] [-n OPS] [-d DIR] NAME...|all|list|COMMAND [ARG]\n",
		program_invocation_short_name);
	return 2;
}

int measure_options(int argc, char **argv)
{
	int c;

	while ((c = getopt(argc, argv, "+t:b:n:d:")) != -1) {
		if (c == 't')
			batch_ns = strtoull(optarg, NULL, 10) * 1000000;
		else if (c == 'b')
			batches = atoi(optarg);
		else if (c == 'n')
			fixed_n = strtoull(optarg, NULL, 10);
		else if (c == 'd')
			measure_dir = optarg;
		else
			return usage();
	}
	return optind >= argc || !batch_ns || batches < 1 || batches > BATCHES_MAX ? usage() : 0;
}

int measure_all(int argc, char **argv)
{
	if (strcmp(argv[optind], "list") == 0) {
		for (const struct bench *b = benches; b->name; b++)
			puts(b->name);
		return 0;
	}
	for (; optind < argc; optind++)
		if (!measure_named(argv[optind]))
			return usage();
	return 0;
}
