/*
 * reader.h - reads a JSON text into C structs by tables: an object of the JSON is a struct, and a struct field[] says which
 * member goes where, of what kind, within what bounds. Every complaint names the place in the file:
 * "config.json: process.rlimits[0].hard: is a string, must be a number".
 *
 * Members that no table names are ignored, as the OCI specification asks; null counts as absent. What is absent leaves the
 * struct's zero. Numbers from 2^63 to 2^64-1 (RLIM_INFINITY, masks) come out as the negative number of the same 64 bits.
 * All memory comes from the caller's pool.
 */
#ifndef MOAT_OCI_READER_H
#define MOAT_OCI_READER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "host/error.h"
#include "oci/pool.h"

enum field_kind {
	FIELD_BOOL,	/* bool */
	FIELD_INT,	/* int64_t, within min..max */
	FIELD_OPT_INT,	/* struct opt_int */
	FIELD_OPT_BOOL, /* struct opt_bool */
	FIELD_STRING,	/* char * */
	FIELD_INTS,	/* struct int_list, each within min..max */
	FIELD_STRINGS,	/* char **, NULL-ended; NULL if absent */
	FIELD_ENUM,	/* int: the index in names */
	FIELD_OBJECT,	/* the struct itself */
	FIELD_POINTER,	/* struct *, NULL if absent */
	FIELD_LIST,	/* struct list_of: an array of structs */
	FIELD_MAP,	/* struct string_map: an object with strings as values */
};

struct opt_int {
	bool set;
	int64_t value;
};

struct opt_bool {
	bool set, value;
};

struct int_list {
	int64_t *items;
	size_t n;
};

/* An array of n structs; its table says of which. */
struct list_of {
	void *items;
	size_t n;
};

struct string_map {
	struct string_pair {
		char *key, *value;
	} * items;
	size_t n;
};

#define FIELD_REQUIRED	1u
#define FIELD_NOT_EMPTY 2u /* strings and arrays */
#define FIELD_ABSOLUTE	4u /* a path that begins with / */

struct object;

struct field {
	const char *name;
	enum field_kind kind;
	unsigned flags;
	size_t offset;
	int64_t min, max;	     /* FIELD_INT, FIELD_OPT_INT; both 0: any */
	const char *const *names;    /* FIELD_ENUM, NULL-ended */
	const struct object *object; /* FIELD_OBJECT, FIELD_POINTER, FIELD_LIST */
};

struct object {
	size_t size;
	const struct field *fields; /* ended by a NULL name */
};

/*
 * Read text (len bytes, called `name` in complaints) into *out, which is zeroed first. 0, or -1 with one line in err; EINVAL
 * for what is wrong with the text, ENOMEM. The pool is the caller's to free in any case.
 */
int read_json(const char *name, const char *text, size_t len, const struct object *object,
	      void *out, struct pool *pool, struct error *err);
/* The same for a file of at most 16 MiB; "-" is standard input. */
int read_json_file(const char *path, const struct object *object, void *out, struct pool *pool,
		   struct error *err);

#endif
