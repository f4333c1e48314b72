/*
 * host_races.c - for host_races.sh: somebody on the host who swaps a directory for a link out of the root, and a program
 * inside that uses names below it all the while.
 *
 *   host_races flip DIR              exchange DIR/x and DIR/link until killed, or the parent is gone
 *   host_races use DIR TRIES         every kind of access below DIR/x; prints what came of them, and ESCAPED if anything from
 *                                    outside was seen
 */
#define _GNU_SOURCE
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

static char at[6][256];
static unsigned long done, refused, escaped;

static const char *name(int slot, const char *dir, const char *rest)
{
	snprintf(at[slot], sizeof(at[slot]), "%s/%s", dir, rest);
	return at[slot];
}

static int flip(const char *dir)
{
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	while (!syscall(SYS_renameat2, AT_FDCWD, name(0, dir, "x"), AT_FDCWD, name(1, dir, "link"),
			2 /* RENAME_EXCHANGE */))
		;
	perror("renameat2");
	return 1;
}

static void count(int ok)
{
	if (ok)
		done++;
	else
		refused++;
}

static void saw(const char *what, int bad)
{
	if (bad) {
		escaped++;
		printf("ESCAPED: %s\n", what);
	}
}

/* The file inside is 7 bytes long and its mode is 0644; the one outside differs in both. */
static void look(const char *file)
{
	char buf[64] = "";
	struct stat st;
	int fd, ok;

	ok = stat(file, &st) == 0;
	count(ok);
	saw("stat", ok && st.st_size != 7);
	fd = open(file, O_RDONLY);
	count(fd >= 0);
	if (fd < 0)
		return;
	ok = read(fd, buf, sizeof(buf) - 1) > 0;
	saw("read", ok && strcmp(buf, "inside\n"));
	saw("fstat", fstat(fd, &st) == 0 && st.st_size != 7);
	close(fd);
}

static void list(const char *dir)
{
	DIR *d = opendir(dir);
	struct dirent *e;

	count(d != NULL);
	while (d && (e = readdir(d)))
		saw("readdir", strncmp(e->d_name, "outside", 7) == 0);
	if (d)
		closedir(d);
}

/* What is made, or hit, where it should not be is seen from the host afterwards. */
static void change(const char *dir, unsigned k)
{
	const char *file = name(2, dir, "x/file"), *new = name(3, dir, "x/new"),
		   *other = name(4, dir, "x/other"), *sub = name(5, dir, "x/sub");
	int fd;

	switch (k % 8) {
	case 0:
		fd = open(new, O_CREAT | O_RDWR | O_TRUNC, 0600);
		count(fd >= 0 && write(fd, "inside\n", 7) == 7);
		if (fd >= 0)
			close(fd);
		break;
	case 1: count(unlink(new) == 0); break;
	case 2: count(rename(new, other) == 0); break;
	case 3: count(unlink(other) == 0); break;
	case 4: count(mkdir(sub, 0700) == 0 && rmdir(sub) == 0); break;
	case 5: count(chmod(file, 0644) == 0); break;
	case 6: count(symlink("file", other) == 0 && unlink(other) == 0); break;
	case 7: count(link(file, other) == 0 && unlink(other) == 0); break;
	}
}

static int use(const char *dir, unsigned long tries)
{
	for (unsigned long k = 0; k < tries; k++) {
		look(name(0, dir, "x/file"));
		list(name(1, dir, "x"));
		change(dir, (unsigned)k);
	}
	unlink(name(3, dir, "x/new"));
	unlink(name(4, dir, "x/other"));
	rmdir(name(5, dir, "x/sub"));
	printf("%s%s%s\n", done > tries / 10 ? "used" : "hardly used",
	       refused > tries / 100 ? ", refused" : ", hardly refused",
	       escaped ? ", escaped" : "");
	return escaped != 0;
}

int main(int argc, char **argv)
{
	if (argc > 2 && strcmp(argv[1], "flip") == 0)
		return flip(argv[2]);
	if (argc > 3 && strcmp(argv[1], "use") == 0)
		return use(argv[2], strtoul(argv[3], NULL, 10));
	return 2;
}
