/*
 * exec_args.c - argument and environment strings on their way from the old program to the new one.
 *
 * They are copied once, into pages of the Sentry, before anything of the old program is touched, so that every error
 * can still be reported to it.
 */
#include <string.h>

#include "lib/err.h"
#include "mm/frame.h"
#include "sys/exec.h"

void exec_strings_free(struct exec_strings *s)
{
	unsigned i;

	for (i = 0; i < EXEC_PAGES && s->pages[i]; i++)
		page_free(s->pages[i]);
}

/* Room at the end: a pointer and how many bytes may go there. */
static int tail(struct exec_strings *s, u8 **p, size_t *room)
{
	size_t page = s->len / PAGE_SIZE;

	if (s->len >= s->limit || page >= EXEC_PAGES)
		return -E2BIG;
	if (!s->pages[page]) {
		s->pages[page] = page_alloc();
		if (!s->pages[page])
			return -ENOMEM;
	}
	*p = s->pages[page] + s->len % PAGE_SIZE;
	*room = MIN(PAGE_SIZE - s->len % PAGE_SIZE, s->limit - s->len);
	return 0;
}

int exec_strings_add(struct exec_strings *s, const char *str)
{
	size_t n = strlen(str) + 1, room;
	u8 *p;
	int err;

	if (n > EXEC_STRING_MAX)
		return -E2BIG;
	while (n) {
		err = tail(s, &p, &room);
		if (err)
			return err;
		room = MIN(room, n);
		memcpy(p, str, room);
		str += room;
		n -= room;
		s->len += room;
	}
	s->count++;
	return 0;
}

static int add_user(struct exec_strings *s, uaddr_t src)
{
	size_t n, room, total = 0;
	u8 *p, *nul;
	int err;

	for (;;) {
		err = tail(s, &p, &room);
		if (err)
			return err;
		/* Pieces that stay inside a page of the source never fail half-way. */
		n = MIN(room, PAGE_SIZE - (src & (PAGE_SIZE - 1)));
		n = MIN(n, 256UL);
		if (src >= USER_END || user_read(p, src, n))
			return -EFAULT;
		nul = memchr(p, 0, n);
		if (nul)
			n = (size_t)(nul - p) + 1;
		s->len += n;
		src += n;
		total += n;
		if (total > EXEC_STRING_MAX)
			return -E2BIG;
		if (nul)
			break;
	}
	s->count++;
	return 0;
}

int exec_strings_user(struct exec_strings *s, uaddr_t array, unsigned skip)
{
	u64 ptr;
	int err;

	if (!array)
		return 0;
	for (;; array += sizeof(ptr)) {
		if (user_read(&ptr, array, sizeof(ptr)))
			return -EFAULT;
		if (!ptr)
			return 0;
		if (skip) {
			skip--;
			continue;
		}
		err = add_user(s, ptr);
		if (err)
			return err;
		/* The pointers count too. */
		if (s->len + s->count * sizeof(ptr) > s->limit)
			return -E2BIG;
	}
}

int exec_strings_kernel(struct exec_strings *s, char *const *array, unsigned skip)
{
	int err;

	for (; array && *array; array++) {
		if (skip) {
			skip--;
			continue;
		}
		err = exec_strings_add(s, *array);
		if (err)
			return err;
	}
	return 0;
}

int exec_strings_put(const struct exec_strings *s, struct mm *mm, uaddr_t dst)
{
	size_t off, n;

	for (off = 0; off < s->len; off += n) {
		n = MIN(PAGE_SIZE, s->len - off);
		if (mm_poke(mm, dst + off, s->pages[off / PAGE_SIZE], n, true) != (s64)n)
			return -EFAULT;
	}
	return 0;
}

size_t exec_strings_length(const struct exec_strings *s, size_t off)
{
	size_t start = off, n;
	const u8 *p, *nul;

	for (;;) {
		n = PAGE_SIZE - off % PAGE_SIZE;
		p = s->pages[off / PAGE_SIZE] + off % PAGE_SIZE;
		nul = memchr(p, 0, n);
		if (nul)
			return off + (size_t)(nul - p) - start;
		off += n;
	}
}
