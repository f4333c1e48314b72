/*
 * host_write.c - for host_write.sh: long writes to a file.
 *
 *   host_write log FILE           records one after the other; after each its number on a line of standard output
 *   host_write check FILE N       does FILE begin with N of these?
 *   host_write once FILE BYTES    one write(2); prints what it returned, the size, and what the next one says
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define RECORD 700001 /* bytes: no multiple of anything */

static char record[RECORD], seen[RECORD];

static void make_record(unsigned n)
{
	for (unsigned i = 0; i < RECORD; i++)
		record[i] = (char)(i * 31 + i / 4096 + n);
}

static int write_log(const char *file)
{
	int fd = open(file, O_CREAT | O_WRONLY | O_APPEND, 0644);
	char line[16];

	for (unsigned n = 1; n <= 100; n++) {
		make_record(n);
		if (write(fd, record, RECORD) != RECORD) {
			perror(file);
			return 1;
		}
		if (write(1, line, (size_t)sprintf(line, "%u\n", n)) < 0)
			return 1;
	}
	return 0;
}

static int check_log(const char *file, unsigned records)
{
	FILE *f = fopen(file, "r");

	for (unsigned n = 1; n <= records; n++) {
		make_record(n);
		if (!f || fread(seen, 1, RECORD, f) != RECORD || memcmp(seen, record, RECORD)) {
			printf("record %u is not there\n", n);
			return 1;
		}
	}
	puts("all there");
	return 0;
}

static int write_once(const char *file, size_t bytes)
{
	int fd = open(file, O_CREAT | O_RDWR, 0644);
	char *data = malloc(bytes), *back = malloc(bytes);
	struct stat st;
	ssize_t n;

	if (!data || !back)
		return 1;
	for (size_t i = 0; i < bytes; i++)
		data[i] = (char)(i * 31 + i / 4096);
	n = write(fd, data, bytes);
	printf("%zd %s\n", n, n < 0 ? strerror(errno) : "");
	fstat(fd, &st);
	printf("size %lld, position %lld\n", (long long)st.st_size,
	       (long long)lseek(fd, 0, SEEK_CUR));
	n = pread(fd, back, bytes, 0);
	printf("%zd to read, %s\n", n,
	       n < 0 || memcmp(data, back, (size_t)n) ? "others" : "the same");
	n = write(fd, data, bytes);
	printf("then %zd %s\n", n, n < 0 ? strerror(errno) : "");
	return 0;
}

int main(int argc, char **argv)
{
	if (argc == 3 && strcmp(argv[1], "log") == 0)
		return write_log(argv[2]);
	if (argc == 4 && strcmp(argv[1], "check") == 0)
		return check_log(argv[2], (unsigned)atoi(argv[3]));
	if (argc == 4 && strcmp(argv[1], "once") == 0)
		return write_once(argv[2], (size_t)atol(argv[3]));
	return 2;
}
