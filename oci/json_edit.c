/*
 * json_edit.c - see json_edit.h. jansson says whether the text is JSON; what is walked after that is known to be well formed.
 */
#include <errno.h>
#include <jansson.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "host/error.h"
#include "oci/json_edit.h"

static const char *blanks(const char *p)
{
	return p + strspn(p, " \t\r\n");
}

static const char *after_string(const char *p)
{
	for (p++; *p && *p != '"'; p++)
		p += *p == '\\' && p[1];
	return p + (*p != 0);
}

static const char *after_value(const char *p)
{
	unsigned depth = 0;

	do {
		if (*p == '"') {
			p = after_string(p);
			continue;
		}
		if (!depth && !strchr("{[", *p))
			return p + strcspn(p, ",]} \t\r\n");
		depth += *p == '{' || *p == '[';
		depth -= *p == '}' || *p == ']';
		p++;
	} while (depth && *p);
	return p;
}

/* The member's value in the object that begins at p; NULL: it has none of that name. */
static const char *member(const char *p, const char *name)
{
	size_t len = strlen(name);

	for (p = blanks(p + 1); *p == '"';) {
		bool found = strncmp(p + 1, name, len) == 0 && p[1 + len] == '"';

		p = blanks(blanks(after_string(p)) + 1); /* behind the colon */
		if (found)
			return p;
		p = blanks(after_value(p));
		if (*p == ',')
			p = blanks(p + 1);
	}
	return NULL;
}

/* The value in objects of its own for the names before it. NULL without memory. */
static char *wrap(const char *const *names, const char *value)
{
	char *inner, *out = NULL;

	if (!names[0])
		return asprintf(&out, "\"%s\"", value) < 0 ? NULL : out;
	inner = wrap(names + 1, value);
	if (inner && asprintf(&out, "{ \"%s\": %s }", names[0], inner) < 0)
		out = NULL;
	free(inner);
	return out;
}

static char *no_memory(struct error *err)
{
	error_set(err, ENOMEM, "out of memory");
	return NULL;
}

/* A new first member of the object at p, set off as the present first one is. */
static char *add_member(const char *text, const char *p, const char *const *names,
			const char *value, struct error *err)
{
	char *inner = wrap(names + 1, value), *out = NULL;
	const char *first = blanks(p + 1);
	int before = (int)(first - (p + 1)), n;

	if (!inner)
		return no_memory(err);
	if (*first == '}')
		n = asprintf(&out, "%.*s\n    \"%s\": %s\n%s", (int)(p + 1 - text), text, names[0],
			     inner, first);
	else
		n = asprintf(&out, "%.*s%.*s\"%s\": %s,%s%s", (int)(p + 1 - text), text, before,
			     p + 1, names[0], inner, before ? "" : " ", p + 1);
	free(inner);
	return n < 0 ? no_memory(err) : out;
}

static char *set(const char *text, const char *const *path, const char *value, struct error *err)
{
	const char *p = blanks(text);
	char *out;

	for (; *p == '{'; path++) {
		const char *next = member(p, path[0]);

		if (!next)
			return add_member(text, p, path, value, err);
		p = next;
		if (!path[1])
			break;
		if (*p != '{') {
			error_set(err, EINVAL, "\"%s\" is no object", path[0]);
			return NULL;
		}
	}
	if (asprintf(&out, "%.*s\"%s\"%s", (int)(p - text), text, value, after_value(p)) < 0)
		return no_memory(err);
	return out;
}

char *json_set(const char *text, const char *const *path, const char *value, struct error *err)
{
	json_error_t fault;
	json_t *o;

	if (!*blanks(text))
		return set("{}\n", path, value, err);
	o = json_loads(text, JSON_REJECT_DUPLICATES, &fault);
	if (!json_is_object(o)) {
		error_set(err, EINVAL, o ? "it is no JSON object" : "line %d: %s", fault.line,
			  fault.text);
		json_decref(o);
		return NULL;
	}
	json_decref(o);
	return set(text, path, value, err);
}
