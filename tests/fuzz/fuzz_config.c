// sources: oci/pool.c oci/reader.c oci/config_fields.c oci/config_check.c oci/names.c oci/seccomp.c oci/state.c oci/mounts.c host/error.c host/mount_table.c host/overlay_dir.c
// libs: -ljansson -lcap -lseccomp
/*
 * fuzz_config.c - config.json with members that are wrong: of another type, huge, missing, twice, nested, renamed.
 *
 *   fuzz_config [SEED [ROUNDS]]       deterministic; a round depends on its seed alone, which counts up
 * With -DMOAT_LIBFUZZER it is a libFuzzer target instead: each input is one text.
 *
 * A round takes one of the samples in tests/oci/seeds and changes one to four members anywhere in it. What is accepted goes on to
 * the words of its mounts and to its filter. What is refused must be refused with a line that begins with the file's name and
 * then the place: a member that config.json has, or a line of the text.
 */
#include <ctype.h>
#include <fcntl.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "host/mount_table.h"
#include "oci/config.h"
#include "oci/mounts.h"
#include "oci/seccomp.h"

static const char *const members[] = { "ociVersion",  "process",    "root",
				       "hostname",    "domainname", "mounts",
				       "annotations", "hooks",	    "linux" };
static unsigned long accepted, refused;
static char complaint[ERROR_MSG_MAX]; /* the last one */

static void fail(const char *text, size_t len, const char *what)
{
	fprintf(stderr, "%s\n%.*s\n", what, (int)len, text);
	abort();
}

/* "config.json: process.args[0]: ...", "config.json: line 3, column 4: ...", or about the whole: "config.json: is ..." */
static bool names_place(const char *msg)
{
	static const char file[] = "config.json: ";

	if (strncmp(msg, file, strlen(file)) != 0)
		return false;
	msg += strlen(file);
	for (size_t i = 0; i < sizeof(members) / sizeof(*members); i++) {
		size_t n = strlen(members[i]);

		if (strncmp(msg, members[i], n) == 0 && strchr(".[:", msg[n]))
			return true;
	}
	return strncmp(msg, "line ", 5) == 0 || strncmp(msg, "is ", 3) == 0;
}

/* What create does with an accepted one, as far as it goes without a host. */
static void go_on(const struct oci_config *c, struct pool *pool)
{
	struct seccomp_program filter;
	struct error err;

	for (size_t i = 0; i < c->mounts.n; i++) {
		struct mount_spec m = { 0 };
		bool bind, recursive;

		oci_mount_options(c->mounts.items[i].options, &m, &bind, &recursive, pool, &err);
	}
	if (c->linux_.seccomp)
		seccomp_compile(c->linux_.seccomp, &filter, pool, &err);
}

static void one(const char *text, size_t len)
{
	struct pool pool = POOL_INIT;
	struct error err = { 0 };
	struct oci_config c;

	if (oci_config_parse("config.json", text, len, &c, &pool, &err) == 0) {
		accepted++;
		go_on(&c, &pool);
	} else {
		refused++;
		memcpy(complaint, err.msg, sizeof(complaint));
		if (!names_place(err.msg)) {
			fprintf(stderr, "said: %s\n", err.msg);
			fail(text, len, "this does not name the place in:");
		}
	}
	pool_free(&pool);
}

#ifdef MOAT_LIBFUZZER
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	one((const char *)data, size);
	return 0;
}
#else

static unsigned state;

static unsigned pick(unsigned n)
{
	state = state * 1103515245 + 12345;
	return (state >> 8) % n;
}

static json_t *odd_string(void)
{
	static const char *const list[] = { "",		"/",
					    "..",	"a/../../b",
					    "\xc3\xa4", "%s%n",
					    "-1",	"A=",
					    "=",	"SCMP_ACT_ALLOW",
					    "CAP_",	"RLIMIT_",
					    "size=-1",	"/proc/self/ns/net" };
	char *longer;
	json_t *s;

	if (pick(8))
		return json_string(list[pick(sizeof(list) / sizeof(*list))]);
	longer = malloc(1 << 16);
	memset(longer, 'x', 1 << 16);
	s = json_stringn(longer, 1 + pick(1 << 16));
	free(longer);
	return s;
}

static json_t *odd_value(void)
{
	static const json_int_t numbers[] = { 0,	 -1,	    1,		255,
					      65536,	 INT32_MAX, UINT32_MAX, INT64_MAX,
					      INT64_MIN, 1LL << 32, 4294967294 };
	json_t *v;

	switch (pick(9)) {
	case 0: return json_null();
	case 1: return json_boolean(pick(2));
	case 2: return json_real(1.5e300);
	case 3:
	case 4: return json_integer(numbers[pick(sizeof(numbers) / sizeof(*numbers))]);
	case 5: return json_array();
	case 6: return json_object();
	case 7:
		v = json_integer(1);
		for (unsigned i = pick(300); i; i--) {
			json_t *a = json_array();

			json_array_append_new(a, v);
			v = a;
		}
		return v;
	default: return odd_string();
	}
}

/* Change one member of v, or of what is in it. */
static void change(json_t *v)
{
	size_t n = json_is_object(v) ? json_object_size(v) : json_array_size(v), at;
	const char *key;
	json_t *child;
	void *it;

	if (!n)
		return;
	at = pick((unsigned)n);
	if (json_is_array(v)) {
		child = json_array_get(v, at);
		if (json_is_object(child) || json_is_array(child) ? pick(4) : 0) {
			change(child);
			return;
		}
		switch (pick(3)) {
		case 0: json_array_remove(v, at); break;
		case 1: json_array_append(v, child); break;
		default: json_array_set_new(v, at, odd_value());
		}
		return;
	}
	for (it = json_object_iter(v); at--;)
		it = json_object_iter_next(v, it);
	child = json_object_iter_value(it);
	key = json_object_iter_key(it);
	if ((json_is_object(child) || json_is_array(child)) && pick(8)) {
		change(child);
		return;
	}
	switch (pick(4)) {
	case 0: json_object_del(v, key); break;
	case 1: json_object_set(v, "another", child); break;
	default: json_object_set_new(v, key, odd_value());
	}
}

static void round_of(json_t *const *seeds, size_t n, unsigned seed)
{
	json_t *v;
	char *text;
	size_t len;

	state = seed * 2654435761u + 1;
	v = json_deep_copy(seeds[pick((unsigned)n)]);
	for (unsigned k = 1 + pick(4); k; k--)
		change(v);
	text = json_dumps(v, JSON_COMPACT);
	if (!text)
		abort();
	len = strlen(text);
	if (!pick(20)) /* and the text itself */
		text[pick((unsigned)len)] = "{}[]\",:\\\x01"[pick(9)];
	if (!pick(50))
		len = pick((unsigned)len);
	one(text, len);
	free(text);
	json_decref(v);
}

/* Much of one thing. */
static void large(json_t *const *seeds, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		json_t *v = json_deep_copy(seeds[i]), *notes = json_object();
		char key[32], *text;
		unsigned long before = accepted;

		for (unsigned k = 0; k < 20000; k++) {
			snprintf(key, sizeof(key), "key.number/%u", k);
			json_object_set_new(
				notes, key,
				json_string("forty bytes of a value that says nothing"));
		}
		json_object_set_new(v, "annotations", notes);
		text = json_dumps(v, JSON_COMPACT);
		if (!text || strlen(text) < 1 << 20)
			abort();
		one(text, strlen(text));
		if (accepted == before)
			fail(text, 100, "1 MiB of annotations is refused:");
		free(text);
		json_decref(v);
	}
}

int main(int argc, char **argv)
{
	static const char *const names[] = { "tests/oci/seeds/pod.json",
					     "tests/oci/seeds/rest.json" };
	unsigned seed = argc > 1 ? (unsigned)atoi(argv[1]) : 1;
	unsigned rounds = argc > 2 ? (unsigned)atoi(argv[2]) : 4000;
	json_t *seeds[2];
	json_error_t err;

	for (size_t i = 0; i < 2; i++) {
		char *text;

		seeds[i] = json_load_file(names[i], 0, &err);
		if (!seeds[i]) {
			fprintf(stderr, "%s:%d: %s\n", names[i], err.line, err.text);
			return 1;
		}
		text = json_dumps(seeds[i], 0);
		one(text, strlen(text));
		free(text);
	}
	if (refused) {
		fprintf(stderr, "a sample is refused as it is: %s\n", complaint);
		return 1;
	}
	large(seeds, 2);
	for (unsigned i = 0; i < rounds; i++)
		round_of(seeds, 2, seed + i);
	printf("%lu accepted, %lu refused\n", accepted, refused);
	for (size_t i = 0; i < 2; i++)
		json_decref(seeds[i]);
	return accepted < rounds / 50 || refused < rounds / 50;
}
#endif
