/*
 * random.c - ChaCha20 (RFC 8439) as a generator with fast key erasure: the first 32 bytes of each block sequence become
 * the next key, the rest is output.
 */
#include <string.h>

#include "lib/random.h"
#include "lib/spinlock.h"

static struct spinlock lock = SPINLOCK_INIT;
static u32 key[8];
static bool seeded;

static u32 rotl(u32 x, int n)
{
	return x << n | x >> (32 - n);
}

#define QUARTER(a, b, c, d)          \
	do {                         \
		a += b;              \
		d = rotl(d ^ a, 16); \
		c += d;              \
		b = rotl(b ^ c, 12); \
		a += b;              \
		d = rotl(d ^ a, 8);  \
		c += d;              \
		b = rotl(b ^ c, 7);  \
	} while (0)

static void block(const u32 k[8], u64 counter, u64 nonce, u32 out[16])
{
	u32 in[16] = { 0x61707865, 0x3320646e, 0x79622d32, 0x6b206574 }, x[16];
	int i;

	memcpy(in + 4, k, 32);
	in[12] = (u32)counter;
	in[13] = (u32)(counter >> 32);
	in[14] = (u32)nonce;
	in[15] = (u32)(nonce >> 32);
	memcpy(x, in, sizeof(x));
	for (i = 0; i < 10; i++) {
		QUARTER(x[0], x[4], x[8], x[12]);
		QUARTER(x[1], x[5], x[9], x[13]);
		QUARTER(x[2], x[6], x[10], x[14]);
		QUARTER(x[3], x[7], x[11], x[15]);
		QUARTER(x[0], x[5], x[10], x[15]);
		QUARTER(x[1], x[6], x[11], x[12]);
		QUARTER(x[2], x[7], x[8], x[13]);
		QUARTER(x[3], x[4], x[9], x[14]);
	}
	for (i = 0; i < 16; i++)
		out[i] = x[i] + in[i];
}

void random_seed(const void *data, size_t n)
{
	const u8 *p = data;
	u32 out[16], in[8];
	size_t k;

	spin_lock(&lock);
	do { /* absorb 32 bytes at a time: key := ChaCha(key ^ data) */
		memset(in, 0, sizeof(in));
		k = MIN(n, sizeof(in));
		memcpy(in, p, k);
		for (size_t i = 0; i < 8; i++)
			key[i] ^= in[i];
		block(key, 0, ~0ULL - n, out);
		memcpy(key, out, sizeof(key));
		p += k;
		n -= k;
	} while (n);
	seeded = true;
	spin_unlock(&lock);
}

bool random_ready(void)
{
	return seeded;
}

void random_bytes(void *buf, size_t n)
{
	u32 out[16], k[8];
	u8 *p = buf;
	u64 counter = 1;
	size_t m;

	/* The first block splits into the generator's next key and the key of this call's stream. */
	spin_lock(&lock);
	block(key, 0, 0, out);
	memcpy(key, out, 32);
	memcpy(k, out + 8, 32);
	spin_unlock(&lock);
	while (n) {
		block(k, counter++, 0, out);
		m = MIN(n, sizeof(out));
		memcpy(p, out, m);
		p += m;
		n -= m;
	}
	memset(k, 0, sizeof(k));
	memset(out, 0, sizeof(out));
	__asm__ volatile("" : : "r"(k), "r"(out) : "memory");
}

u64 random_u64(void)
{
	u64 v;

	random_bytes(&v, sizeof(v));
	return v;
}
