/*
 * text_diff.c - see text_diff.h. The longest common subsequence by its table: configuration files are small, and what is the
 * same at both ends does not enter it.
 */
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "oci/text_diff.h"

#define AROUND 3

struct line {
	const char *p;
	size_t len; /* with its newline */
};

struct lines {
	struct line *l;
	size_t n;
};

/* A change: ' ' both have it, '-' the old one, '+' the new one. */
struct step {
	char sign;
	struct line line;
};

static int split(const char *text, struct lines *out)
{
	size_t room = 1;

	for (const char *p = text; *p; p++)
		room += *p == '\n';
	*out = (struct lines){ malloc(room * sizeof(*out->l)), 0 };
	if (!out->l)
		return -1;
	while (*text) {
		const char *end = strchr(text, '\n');
		size_t len = end ? (size_t)(end + 1 - text) : strlen(text);

		out->l[out->n++] = (struct line){ text, len };
		text += len;
	}
	return 0;
}

static bool same(const struct line *a, const struct line *b)
{
	return a->len == b->len && memcmp(a->p, b->p, a->len) == 0;
}

/* The steps from a to b, into out, which has room for all of both. Their number, or -1. */
static ssize_t compare(const struct lines *a, const struct lines *b, struct step *out)
{
	size_t head = 0, tail = 0, n, m, i = 0, j = 0, k = 0;
	unsigned *t;

	while (head < a->n && head < b->n && same(&a->l[head], &b->l[head]))
		head++;
	while (tail < a->n - head && tail < b->n - head &&
	       same(&a->l[a->n - 1 - tail], &b->l[b->n - 1 - tail]))
		tail++;
	n = a->n - head - tail;
	m = b->n - head - tail;
	/* t[i][j]: lines that a from i on and b from j on have in common. */
	t = calloc((n + 1) * (m + 1), sizeof(*t));
	if (!t)
		return -1;
#define T(i, j)	  t[(i) * (m + 1) + (j)]
#define A(i)	  (&a->l[head + (i)])
#define B(j)	  (&b->l[head + (j)])
#define MAX(x, y) ((x) > (y) ? (x) : (y))
	for (i = n; i-- > 0;)
		for (j = m; j-- > 0;)
			T(i, j) = same(A(i), B(j)) ? T(i + 1, j + 1) + 1
						   : MAX(T(i + 1, j), T(i, j + 1));
	for (i = 0; i < head; i++)
		out[k++] = (struct step){ ' ', a->l[i] };
	for (i = j = 0; i < n || j < m;) {
		if (i < n && j < m && same(A(i), B(j)))
			out[k++] = (struct step){ ' ', *A(i) }, i++, j++;
		else if (i < n && (j == m || T(i + 1, j) >= T(i, j + 1)))
			out[k++] = (struct step){ '-', *A(i++) };
		else
			out[k++] = (struct step){ '+', *B(j++) };
	}
	for (i = a->n - tail; i < a->n; i++)
		out[k++] = (struct step){ ' ', a->l[i] };
	free(t);
	return (ssize_t)k;
}

/* One hunk: steps [from, to). before: lines of both texts ahead of it. */
static void print_hunk(FILE *f, const struct step *s, size_t from, size_t to)
{
	size_t at[2] = { 1, 1 }, n[2] = { 0, 0 };

	for (size_t i = 0; i < to; i++) {
		size_t *count = i < from ? at : n;

		count[0] += s[i].sign != '+';
		count[1] += s[i].sign != '-';
	}
	fprintf(f, "@@ -%zu,%zu +%zu,%zu @@\n", n[0] ? at[0] : at[0] - 1, n[0],
		n[1] ? at[1] : at[1] - 1, n[1]);
	for (size_t i = from; i < to; i++) {
		fprintf(f, "%c%.*s", s[i].sign, (int)s[i].line.len, s[i].line.p);
		if (s[i].line.p[s[i].line.len - 1] != '\n')
			fprintf(f, "\n\\ No newline at end of file\n");
	}
}

static void print(FILE *f, const char *name, const struct step *s, size_t n)
{
	size_t i = 0, from, to;

	while (i < n && s[i].sign == ' ')
		i++;
	if (i < n)
		fprintf(f, "--- %s\n+++ %s\n", name, name);
	while (i < n) {
		from = i > AROUND ? i - AROUND : 0;
		to = i + 1;
		/* Changes with less than that between them share a hunk. */
		for (i = to; i < n && i <= to + 2 * AROUND; i++)
			if (s[i].sign != ' ')
				to = i + 1;
		print_hunk(f, s, from, to + AROUND < n ? to + AROUND : n);
		for (i = to; i < n && s[i].sign == ' ';)
			i++;
	}
}

int text_diff(FILE *f, const char *name, const char *old_text, const char *new_text)
{
	struct lines a = { 0 }, b = { 0 };
	struct step *steps = NULL;
	ssize_t n = -1;

	if (split(old_text, &a) == 0 && split(new_text, &b) == 0)
		steps = malloc((a.n + b.n + 1) * sizeof(*steps));
	if (steps)
		n = compare(&a, &b, steps);
	if (n > 0)
		print(f, name, steps, (size_t)n);
	free(steps);
	free(a.l);
	free(b.l);
	return n < 0 ? -1 : 0;
}
