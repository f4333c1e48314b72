/*
 * reader.c - see reader.h. jansson parses; the tables say what is wanted. A place in the text is a chain of struct place on
 * the stack, spelled out only for a complaint.
 */
#include <errno.h>
#include <fcntl.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "oci/reader.h"

#define FILE_MAX (16UL << 20)

struct reader {
	const char *name;
	struct pool *pool;
	struct error *err;
};

struct place {
	const struct place *up;
	const char *key; /* NULL: an array's element */
	size_t index;
};

static size_t spell(const struct place *at, char *buf, size_t size)
{
	size_t n = at->up ? spell(at->up, buf, size) : 0;

	if (n >= size)
		return n;
	if (!at->key && at->up)
		n += (size_t)snprintf(buf + n, size - n, "[%zu]", at->index);
	else if (at->key)
		n += (size_t)snprintf(buf + n, size - n, "%s%.64s", n ? "." : "", at->key);
	return n;
}

static int complain(const struct reader *r, const struct place *at, const char *what)
{
	char where[256] = "";

	spell(at, where, sizeof(where));
	return error_set(r->err, EINVAL, "%s: %s%s%s", r->name, where, *where ? ": " : "", what);
}

static int no_memory(const struct reader *r)
{
	return error_set(r->err, ENOMEM, "%s: out of memory", r->name);
}

static const char *type_name(const json_t *v)
{
	switch (json_typeof(v)) {
	case JSON_OBJECT: return "an object";
	case JSON_ARRAY: return "an array";
	case JSON_STRING: return "a string";
	case JSON_INTEGER: return "a number";
	case JSON_REAL: return "a number with a fraction or exponent";
	case JSON_TRUE:
	case JSON_FALSE: return "a boolean";
	default: return "null";
	}
}

static int must_be(const struct reader *r, const struct place *at, const json_t *v,
		   const char *wanted)
{
	char text[80];

	snprintf(text, sizeof(text), "is %s, must be %s", type_name(v), wanted);
	return complain(r, at, text);
}

static int take_string(const struct reader *r, const struct place *at, const json_t *v,
		       unsigned flags, char **out)
{
	if (!json_is_string(v))
		return must_be(r, at, v, "a string");
	if (flags & FIELD_NOT_EMPTY && json_string_length(v) == 0)
		return complain(r, at, "is empty");
	if (flags & FIELD_ABSOLUTE && json_string_value(v)[0] != '/')
		return complain(r, at, "must be an absolute path");
	*out = pool_strndup(r->pool, json_string_value(v), json_string_length(v));
	return *out ? 0 : no_memory(r);
}

static int take_strings(const struct reader *r, const struct place *at, const json_t *v,
			unsigned flags, char ***out)
{
	size_t n = json_array_size(v);
	char **list;

	if (!json_is_array(v))
		return must_be(r, at, v, "an array of strings");
	if (flags & FIELD_NOT_EMPTY && n == 0)
		return complain(r, at, "is empty");
	list = pool_zalloc(r->pool, n + 1, sizeof(*list));
	if (!list)
		return no_memory(r);
	for (size_t i = 0; i < n; i++) {
		struct place here = { .up = at, .index = i };

		if (take_string(r, &here, json_array_get(v, i), 0, &list[i]) < 0)
			return -1;
	}
	*out = list;
	return 0;
}

static int take_map(const struct reader *r, const struct place *at, json_t *v,
		    struct string_map *out)
{
	const char *key;
	json_t *value;

	if (!json_is_object(v))
		return must_be(r, at, v, "an object");
	out->items = pool_zalloc(r->pool, json_object_size(v), sizeof(*out->items));
	if (!out->items)
		return no_memory(r);
	json_object_foreach(v, key, value)
	{
		struct place here = { .up = at, .key = key };
		struct string_pair *p = &out->items[out->n];

		p->key = pool_strndup(r->pool, key, strlen(key));
		if (!p->key)
			return no_memory(r);
		if (take_string(r, &here, value, 0, &p->value) < 0)
			return -1;
		out->n++;
	}
	return 0;
}

static int take_int(const struct reader *r, const struct place *at, const json_t *v,
		    const struct field *f, int64_t *out)
{
	char text[80];

	if (!json_is_integer(v))
		return must_be(r, at, v, "a number");
	*out = json_integer_value(v);
	if ((f->min || f->max) && (*out < f->min || *out > f->max)) {
		snprintf(text, sizeof(text), "is %lld, must be from %lld to %lld", (long long)*out,
			 (long long)f->min, (long long)f->max);
		return complain(r, at, text);
	}
	return 0;
}

static int take_ints(const struct reader *r, const struct place *at, const json_t *v,
		     const struct field *f, struct int_list *out)
{
	size_t n = json_array_size(v);

	if (!json_is_array(v))
		return must_be(r, at, v, "an array of numbers");
	out->items = pool_zalloc(r->pool, n, sizeof(*out->items));
	if (!out->items)
		return no_memory(r);
	for (; out->n < n; out->n++) {
		struct place here = { .up = at, .index = out->n };

		if (take_int(r, &here, json_array_get(v, out->n), f, &out->items[out->n]) < 0)
			return -1;
	}
	return 0;
}

static int take_enum(const struct reader *r, const struct place *at, const json_t *v,
		     const struct field *f, int *out)
{
	char text[160];
	size_t n = 0;
	int i;

	if (!json_is_string(v))
		return must_be(r, at, v, "a string");
	for (i = 0; f->names[i]; i++) {
		if (strcmp(f->names[i], json_string_value(v)) == 0) {
			*out = i;
			return 0;
		}
	}
	n = (size_t)snprintf(text, sizeof(text), "is '%.40s', must be", json_string_value(v));
	for (i = 0; f->names[i] && n < sizeof(text); i++)
		n += (size_t)snprintf(text + n, sizeof(text) - n, "%s %s", i ? "," : "",
				      f->names[i]);
	return complain(r, at, text);
}

static int take_object(const struct reader *r, const struct place *at, const json_t *v,
		       const struct object *o, void *out);

static int take_list(const struct reader *r, const struct place *at, const json_t *v,
		     const struct field *f, struct list_of *out)
{
	size_t n = json_array_size(v);

	if (!json_is_array(v))
		return must_be(r, at, v, "an array");
	if (f->flags & FIELD_NOT_EMPTY && n == 0)
		return complain(r, at, "is empty");
	out->items = pool_zalloc(r->pool, n, f->object->size);
	if (!out->items)
		return no_memory(r);
	for (; out->n < n; out->n++) {
		struct place here = { .up = at, .index = out->n };

		if (take_object(r, &here, json_array_get(v, out->n), f->object,
				(char *)out->items + out->n * f->object->size) < 0)
			return -1;
	}
	return 0;
}

static int take_bool(const struct reader *r, const struct place *at, const json_t *v, bool *out)
{
	if (!json_is_boolean(v))
		return must_be(r, at, v, "true or false");
	*out = json_is_true(v);
	return 0;
}

static int take_field(const struct reader *r, const struct place *at, json_t *v,
		      const struct field *f, void *to)
{
	switch (f->kind) {
	case FIELD_BOOL: return take_bool(r, at, v, to);
	case FIELD_OPT_BOOL:
		((struct opt_bool *)to)->set = true;
		return take_bool(r, at, v, &((struct opt_bool *)to)->value);
	case FIELD_INT: return take_int(r, at, v, f, to);
	case FIELD_OPT_INT:
		((struct opt_int *)to)->set = true;
		return take_int(r, at, v, f, &((struct opt_int *)to)->value);
	case FIELD_STRING: return take_string(r, at, v, f->flags, to);
	case FIELD_INTS: return take_ints(r, at, v, f, to);
	case FIELD_STRINGS: return take_strings(r, at, v, f->flags, to);
	case FIELD_ENUM: return take_enum(r, at, v, f, to);
	case FIELD_OBJECT: return take_object(r, at, v, f->object, to);
	case FIELD_POINTER: {
		void *o = pool_zalloc(r->pool, 1, f->object->size);

		if (!o)
			return no_memory(r);
		*(void **)to = o;
		return take_object(r, at, v, f->object, o);
	}
	case FIELD_LIST: return take_list(r, at, v, f, to);
	case FIELD_MAP: return take_map(r, at, v, to);
	}
	return complain(r, at, "is of a kind that its table does not know");
}

static int take_object(const struct reader *r, const struct place *at, const json_t *v,
		       const struct object *o, void *out)
{
	if (!json_is_object(v))
		return must_be(r, at, v, "an object");
	for (const struct field *f = o->fields; f->name; f++) {
		struct place here = { .up = at, .key = f->name };
		json_t *member = json_object_get(v, f->name);

		if (!member || json_is_null(member)) {
			if (f->flags & FIELD_REQUIRED)
				return complain(r, &here, "is missing");
			continue;
		}
		if (take_field(r, &here, member, f, (char *)out + f->offset) < 0)
			return -1;
	}
	return 0;
}

/*
 * jansson has no unsigned numbers: rewrite those of 2^63 and more as the negative ones of the same bits, padded with spaces
 * to their length. A longer number stays, and is jansson's to refuse.
 */
static void wrap_unsigned(char *text, size_t len)
{
	bool quoted = false;

	for (size_t i = 0; i < len; i++) {
		unsigned long long v;
		char digits[24], *end;
		size_t n = 0;

		if (text[i] == '"')
			quoted = !quoted;
		else if (quoted && text[i] == '\\')
			i++;
		if (quoted || text[i] < '1' || text[i] > '9')
			continue;
		while (i + n < len && text[i + n] >= '0' && text[i + n] <= '9')
			n++;
		if (n >= 19 && n <= 20 && (i == 0 || !strchr("-+.eE0123456789", text[i - 1])) &&
		    !(i + n < len && strchr(".eE", text[i + n]))) {
			memcpy(digits, text + i, n);
			digits[n] = 0;
			errno = 0;
			v = strtoull(digits, &end, 10);
			if (errno == 0 && v > INT64_MAX) {
				/* At most as long: -2^63 has 20 characters, and 2^63 and its kind 19. */
				int m = snprintf(digits, sizeof(digits), "%lld", (long long)v);

				if ((size_t)m <= n) {
					memset(text + i, ' ', n);
					memcpy(text + i, digits, (size_t)m);
				}
			}
		}
		i += n - 1;
	}
}

int read_json(const char *name, const char *text, size_t len, const struct object *object,
	      void *out, struct pool *pool, struct error *err)
{
	struct reader r = { name, pool, err };
	struct place top = { 0 };
	json_error_t fault;
	json_t *root;
	char *copy;
	int ret;

	memset(out, 0, object->size);
	copy = pool_strndup(pool, text, len);
	if (!copy)
		return no_memory(&r);
	wrap_unsigned(copy, len);
	root = json_loadb(copy, len, 0, &fault);
	if (!root)
		return error_set(err, EINVAL, "%s: line %d, column %d: %s", name, fault.line,
				 fault.column, fault.text);
	ret = take_object(&r, &top, root, object, out);
	json_decref(root);
	return ret;
}

/* All of fd, at most FILE_MAX bytes. */
static char *slurp(int fd, const char *path, size_t *len, struct error *err)
{
	size_t size = 64 << 10, n = 0;
	char *buf = malloc(size), *more;
	ssize_t got = 1;

	while (buf && n <= FILE_MAX) {
		if (n == size) {
			more = realloc(buf, size *= 2);
			if (!more)
				break;
			buf = more;
		}
		do
			got = read(fd, buf + n, size - n);
		while (got < 0 && errno == EINTR);
		if (got <= 0)
			break;
		n += (size_t)got;
	}
	if (buf && got == 0) {
		*len = n;
		return buf;
	}
	if (got < 0)
		error_errno(err, "%s", path);
	else if (n > FILE_MAX)
		error_set(err, EFBIG, "%s: is larger than %lu MiB", path, FILE_MAX >> 20);
	else
		error_set(err, ENOMEM, "%s: out of memory", path);
	free(buf);
	return NULL;
}

int read_json_file(const char *path, const struct object *object, void *out, struct pool *pool,
		   struct error *err)
{
	bool std = strcmp(path, "-") == 0;
	int fd = std ? 0 : open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK), ret;
	size_t len;
	char *text;

	if (fd < 0)
		return error_errno(err, "%s", path);
	text = slurp(fd, std ? "standard input" : path, &len, err);
	if (!std)
		close(fd);
	if (!text)
		return -1;
	ret = read_json(std ? "standard input" : path, text, len, object, out, pool, err);
	free(text);
	return ret;
}
