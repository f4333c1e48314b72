/*
 * toml_edit.c - see toml_edit.h. One pass over the file finds its items, headers and entries, with their places; editing is
 * cutting and pasting at one of them.
 *
 * Differs from TOML 1.0 in being lenient: what a value is made of is not looked at beyond its end, and escapes in quoted keys
 * are compared as they are written.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "host/error.h"
#include "oci/toml_edit.h"

#define NAMES_MAX 32 /* of one path */

struct name {
	const char *at; /* without its quotes */
	size_t len;
};

struct path {
	struct name names[NAMES_MAX];
	unsigned n;
};

enum kind { END, TABLE, ENTRY };

struct item {
	enum kind kind;
	struct path path;	       /* of a header; of an entry that of its table and its own */
	const char *line, *next;       /* where its first line begins, and the one after its last */
	const char *value, *value_end; /* of an entry */
};

struct scan {
	const char *text, *p;
	struct path table; /* whose entries we are among */
	struct error *err;
};

static int fault_at(const struct scan *s, const char *at, const char *what)
{
	unsigned line = 1;

	for (const char *p = s->text; p < at; p++)
		line += *p == '\n';
	return error_set(s->err, EINVAL, "line %u: %s", line, what);
}

static int fault(const struct scan *s, const char *what)
{
	return fault_at(s, s->p, what);
}

static void blanks(struct scan *s)
{
	s->p += strspn(s->p, " \t");
}

/* Blanks, line ends and comments. */
static void gap(struct scan *s)
{
	for (;;) {
		s->p += strspn(s->p, " \t\r\n");
		if (*s->p != '#')
			return;
		s->p += strcspn(s->p, "\n");
	}
}

/* ---- values ---- */

/* A string of any of the four kinds; s->p is at its first quote. */
static int string(struct scan *s)
{
	char q = *s->p;
	bool many = s->p[1] == q && s->p[2] == q;

	for (s->p += many ? 3 : 1; *s->p; s->p++) {
		if (*s->p == '\\' && q == '"' && s->p[1]) {
			s->p++;
		} else if (*s->p == '\n' && !many) {
			break;
		} else if (*s->p == q && (!many || (s->p[1] == q && s->p[2] == q))) {
			s->p += many ? 3 : 1;
			/* Up to two quotes may stand before those that end it. */
			while (many && *s->p == q)
				s->p++;
			return 0;
		}
	}
	return fault(s, "a string that does not end");
}

/* Strings, numbers and dates, and arrays and inline tables of them. */
static int value(struct scan *s)
{
	unsigned depth = 0;

	do {
		if (depth)
			gap(s);
		switch (*s->p) {
		case '"':
		case '\'':
			if (string(s) < 0)
				return -1;
			break;
		case '[':
		case '{':
			depth++;
			s->p++;
			continue;
		case ']':
		case '}':
			if (!depth)
				return fault(s, "a bracket that nothing opened");
			depth--;
			s->p++;
			break;
		case ',':
		case '=':
			if (!depth)
				return fault(s, "a value is missing");
			s->p++;
			break;
		default: {
			size_t n = strcspn(s->p, ",=[]{}#\"' \t\r\n");

			if (!n)
				return fault(s, depth ? "a list that does not end"
						      : "a value is missing");
			s->p += n;
		}
		}
		if (depth)
			gap(s);
	} while (depth);
	return 0;
}

/* ---- keys ---- */

static int name(struct scan *s, struct name *out)
{
	char q = *s->p;

	if (q == '"' || q == '\'') {
		out->at = s->p + 1;
		if (string(s) < 0)
			return -1;
		out->len = (size_t)(s->p - out->at) - 1;
		return 0;
	}
	out->at = s->p;
	out->len = strcspn(s->p, ".=[]{}#\"', \t\r\n");
	s->p += out->len;
	return out->len ? 0 : fault(s, "neither a key nor a table");
}

static int dotted(struct scan *s, struct path *out)
{
	for (;; s->p++) {
		blanks(s);
		if (out->n == NAMES_MAX)
			return fault(s, "too many names");
		if (name(s, &out->names[out->n++]) < 0)
			return -1;
		blanks(s);
		if (*s->p != '.')
			return 0;
	}
}

/* ---- items ---- */

static int header(struct scan *s, struct item *it)
{
	bool array = s->p[1] == '[';

	s->p += array ? 2 : 1;
	it->kind = TABLE;
	if (dotted(s, &it->path) < 0)
		return -1;
	if (*s->p != ']' || (array && s->p[1] != ']'))
		return fault(s, "a table's header that does not end");
	s->p += array ? 2 : 1;
	s->table = it->path;
	return 0;
}

static int entry(struct scan *s, struct item *it)
{
	it->kind = ENTRY;
	it->path = s->table;
	if (dotted(s, &it->path) < 0)
		return -1;
	if (*s->p != '=')
		return fault(s, "a key without '='");
	s->p++;
	blanks(s);
	it->value = s->p;
	if (value(s) < 0)
		return -1;
	it->value_end = s->p;
	return 0;
}

static int next_item(struct scan *s, struct item *it)
{
	*it = (struct item){ .kind = END };
	gap(s);
	if (!*s->p)
		return 0;
	for (it->line = s->p; it->line > s->text && it->line[-1] != '\n';)
		it->line--;
	if ((*s->p == '[' ? header(s, it) : entry(s, it)) < 0)
		return -1;
	blanks(s);
	if (*s->p == '#')
		s->p += strcspn(s->p, "\n");
	s->p += *s->p == '\r';
	if (*s->p && *s->p != '\n')
		return fault(s, "more than one thing on a line");
	s->p += *s->p == '\n';
	it->next = s->p;
	return 0;
}

/* ---- search ---- */

/* The names of `table`, then `key`, which may be NULL. */
static struct path path_of(toml_path table, const char *key)
{
	struct path p = { .n = 0 };

	for (; *table && p.n < NAMES_MAX - 1; table++)
		p.names[p.n++] = (struct name){ *table, strlen(*table) };
	if (key)
		p.names[p.n++] = (struct name){ key, strlen(key) };
	return p;
}

/* Are the first n names the same? */
static bool same(const struct path *a, const struct path *b, unsigned n)
{
	for (unsigned i = 0; i < n; i++)
		if (a->names[i].len != b->names[i].len ||
		    memcmp(a->names[i].at, b->names[i].at, a->names[i].len) != 0)
			return false;
	return true;
}

static bool equal(const struct path *a, const struct path *b)
{
	return a->n == b->n && same(a, b, a->n);
}

struct found {
	struct item table, entry; /* kind END: not there */
};

/* Fails where the table is there in a form that lines cannot be added to. */
static int find(const char *text, toml_path table, const char *key, struct found *f,
		struct error *err)
{
	struct path t = path_of(table, NULL), k = path_of(table, key);
	struct scan s = { .text = text, .p = text, .err = err };
	const char *dots = NULL;
	struct item it;

	*f = (struct found){ { 0 }, { 0 } };
	for (;;) {
		if (next_item(&s, &it) < 0)
			return -1;
		if (it.kind == END)
			break;
		if (it.kind == TABLE && equal(&it.path, &t))
			f->table = it;
		else if (it.kind == ENTRY && equal(&it.path, &k))
			f->entry = it;
		else if (it.kind == ENTRY && it.path.n <= t.n && same(&it.path, &t, it.path.n))
			return fault_at(&s, it.line,
					"an inline table: write it as a table of its own first");
		else if (it.kind == ENTRY && it.path.n > t.n && s.table.n < t.n &&
			 same(&it.path, &t, t.n))
			dots = it.line;
	}
	if (t.n && dots && f->table.kind == END && f->entry.kind == END)
		return fault_at(&s, dots,
				"dotted keys of a table: write it as a table of its own first");
	return 0;
}

/* ---- edits ---- */

/* text with what is in [from, to) replaced by three strings. */
static char *splice(const char *text, const char *from, const char *to, const char *a,
		    const char *b, const char *c, struct error *err)
{
	char *out;

	if (asprintf(&out, "%.*s%s%s%s%s", (int)(from - text), text, a, b, c, to) >= 0)
		return out;
	error_set(err, ENOMEM, "out of memory");
	return NULL;
}

/* [a."b.c".d] */
static void write_header(char *out, size_t size, toml_path table)
{
	size_t n = (size_t)snprintf(out, size, "[");

	for (; *table && n < size; table++) {
		bool bare = !strpbrk(*table, ". \t\"'[]=#");
		const char *q = bare ? "" : "\"";

		n += (size_t)snprintf(out + n, size - n, "%s%s%s%s", q, *table, q,
				      table[1] ? "." : "]\n");
	}
}

char *toml_set(const char *text, toml_path table, const char *key, const char *value,
	       struct error *err)
{
	const char *end = text + strlen(text);
	char line[4400], head[512] = "";
	struct found f;
	int indent;

	if (find(text, table, key, &f, err) < 0)
		return NULL;
	if (f.entry.kind == ENTRY)
		return splice(text, f.entry.value, f.entry.value_end, value, "", "", err);
	if (!*table) { /* the top's own entries stand before all tables */
		snprintf(line, sizeof(line), "%s = %s\n", key, value);
		return splice(text, text, text, line, "", "", err);
	}
	indent = f.table.kind == TABLE ? (int)strspn(f.table.line, " \t") + 2 : 2;
	snprintf(line, sizeof(line), "%*s%s = %s\n", indent, "", key, value);
	if (f.table.kind == TABLE)
		return splice(text, f.table.next, f.table.next,
			      f.table.next[-1] == '\n' ? "" : "\n", line, "", err);
	write_header(head, sizeof(head), table);
	return splice(text, end, end,
		      end == text	? ""
		      : end[-1] == '\n' ? "\n"
					: "\n\n",
		      head, line, err);
}

char *toml_get(const char *text, toml_path table, const char *key, struct error *err)
{
	struct found f;

	if (find(text, table, key, &f, err) < 0 || f.entry.kind != ENTRY)
		return NULL;
	return strndup(f.entry.value, (size_t)(f.entry.value_end - f.entry.value));
}

bool toml_has_table(const char *text, toml_path table)
{
	struct error ignored;
	struct found f;

	return find(text, table, "", &f, &ignored) == 0 && f.table.kind == TABLE;
}
