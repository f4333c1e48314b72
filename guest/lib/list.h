/*
 * list.h - intrusive doubly linked lists. The caller holds whatever lock guards the list.
 */
#ifndef MOAT_LIB_LIST_H
#define MOAT_LIB_LIST_H

#include "lib/types.h"

struct list {
	struct list *next, *prev;
};

#define LIST_INIT(name)          \
	{                        \
		&(name), &(name) \
	}

static inline void list_init(struct list *l)
{
	l->next = l->prev = l;
}

static inline bool list_empty(const struct list *l)
{
	return l->next == l;
}

/* Insert n behind pos. */
static inline void list_add(struct list *pos, struct list *n)
{
	n->prev = pos;
	n->next = pos->next;
	pos->next->prev = n;
	pos->next = n;
}

/* Insert n before pos: at the tail when pos is the head. */
static inline void list_add_tail(struct list *pos, struct list *n)
{
	list_add(pos->prev, n);
}

/* Unlink n and leave it initialized, so that a second list_del is harmless. */
static inline void list_del(struct list *n)
{
	n->prev->next = n->next;
	n->next->prev = n->prev;
	list_init(n);
}

#define list_entry(l, type, member) container_of(l, type, member)
#define list_first(h, type, member) list_entry((h)->next, type, member)
#define list_for_each(it, h, member)                                                  \
	for (it = list_entry((h)->next, __typeof__(*it), member); &it->member != (h); \
	     it = list_entry(it->member.next, __typeof__(*it), member))
#define list_for_each_safe(it, tmp, h, member)                          \
	for (it = list_entry((h)->next, __typeof__(*it), member),       \
	    tmp = list_entry(it->member.next, __typeof__(*it), member); \
	     &it->member != (h);                                        \
	     it = tmp, tmp = list_entry(it->member.next, __typeof__(*it), member))

#endif
