/*
 * key_ring.c - keyrings: linking, unlinking and searching. A walk visits each keyring once and goes KEY_DEPTH_MAX deep.
 */
#include <string.h>

#include "ipc/key.h"
#include "lib/err.h"
#include "mm/slab.h"

struct key *keyring_find(const struct key *ring, enum key_type type, const char *desc)
{
	for (size_t i = 0; i < ring->len; i++)
		if (ring->links[i]->type == type && !strcmp(ring->links[i]->desc, desc))
			return ring->links[i];
	return NULL;
}

/* Is `what` below ring? 0, -EDEADLK: yes; -ELOOP: too deep to say. */
static int find_cycle(struct key *ring, const struct key *what, u64 visit, unsigned depth)
{
	int err = 0;

	if (ring == what)
		return -EDEADLK;
	if (ring->type != KEY_KEYRING || ring->visit == visit)
		return 0;
	if (depth >= KEY_DEPTH_MAX)
		return -ELOOP;
	ring->visit = visit;
	for (size_t i = 0; i < ring->len && !err; i++)
		err = find_cycle(ring->links[i], what, visit, depth + 1);
	return err;
}

int keyring_link(struct key *ring, struct key *k)
{
	struct key **links;
	int err;

	if (ring->type != KEY_KEYRING)
		return -ENOTDIR;
	err = k->type == KEY_KEYRING ? find_cycle(k, ring, key_walk_start(), 0) : 0;
	if (err)
		return err;
	key_get(k);
	for (size_t i = 0; i < ring->len; i++) {
		struct key *old = ring->links[i];

		if (old != k && (old->type != k->type || strcmp(old->desc, k->desc)))
			continue;
		ring->links[i] = k; /* of one type and name there is one */
		key_put(old);
		return 0;
	}
	if (ring->len == ring->cap) {
		links = krealloc(ring->links, (ring->cap + 8) * sizeof(*links));
		if (!links) {
			key_put(k);
			return -ENOMEM;
		}
		ring->links = links;
		ring->cap += 8;
	}
	ring->links[ring->len++] = k;
	return 0;
}

int keyring_unlink(struct key *ring, struct key *k)
{
	if (ring->type != KEY_KEYRING)
		return -ENOTDIR;
	for (size_t i = 0; i < ring->len; i++) {
		if (ring->links[i] != k)
			continue;
		memmove(ring->links + i, ring->links + i + 1,
			(ring->len - i - 1) * sizeof(*ring->links));
		ring->len--;
		key_put(k);
		return 0;
	}
	return -ENOENT;
}

int keyring_clear(struct key *ring)
{
	if (ring->type != KEY_KEYRING)
		return -ENOTDIR;
	while (ring->len)
		key_put(ring->links[--ring->len]);
	return 0;
}

/* The errors of a search, the most telling last. */
static int worse(int a, int b)
{
	static const int order[] = { -ENOKEY, -EACCES, -EKEYEXPIRED, -EKEYREVOKED };
	size_t i = 0, j = 0;

	while (order[i] != a && i < 3)
		i++;
	while (order[j] != b && j < 3)
		j++;
	return i > j ? a : b;
}

static struct key *search(struct key *ring, enum key_type type, const char *desc, u64 visit,
			  unsigned depth, int *err)
{
	struct key *k;

	if (ring->visit == visit || depth > KEY_DEPTH_MAX)
		return NULL;
	ring->visit = visit;
	for (size_t i = 0; i < ring->len; i++) {
		k = ring->links[i];
		if (k->type != type || strcmp(k->desc, desc) || k->invalid)
			continue;
		if (key_state(k))
			*err = worse(*err, key_state(k));
		else if (!key_may(k, KEY_SEARCH))
			*err = worse(*err, -EACCES);
		else
			return k;
	}
	for (size_t i = 0; i < ring->len; i++) {
		k = ring->links[i];
		if (k->type != KEY_KEYRING || key_state(k) || !key_may(k, KEY_SEARCH))
			continue;
		k = search(k, type, desc, visit, depth + 1, err);
		if (k)
			return k;
	}
	return NULL;
}

struct key *keyring_search(struct key *ring, enum key_type type, const char *desc)
{
	int err = -ENOKEY;
	struct key *k;

	if (ring->type != KEY_KEYRING)
		return ERR_PTR(-ENOTDIR);
	if (type == KEY_KEYRING && !strcmp(ring->desc, desc) && key_may(ring, KEY_SEARCH))
		return ring;
	k = search(ring, type, desc, key_walk_start(), 0, &err);
	return k ? k : ERR_PTR(err);
}
