/* SPDX-License-Identifier: GPL-2.0 */
/* Doubly linked lists. */
#ifndef FAKE_LIST_H
#define FAKE_LIST_H

struct list_head {
	struct list_head *next, *prev;
};

static inline void INIT_LIST_HEAD(struct list_head *l)
{
	l->next = l;
	l->prev = l;
}

static inline void list_add_tail(struct list_head *e, struct list_head *l)
{
	e->prev = l->prev;
	e->next = l;
	l->prev->next = e;
	l->prev = e;
}

static inline void list_del(struct list_head *e)
{
	e->prev->next = e->next;
	e->next->prev = e->prev;
}

static inline void list_move(struct list_head *e, struct list_head *l)
{
	list_del(e);
	list_add_tail(e, l);
}

static inline bool list_empty(const struct list_head *l)
{
	return l->next == l;
}

#define LIST_HEAD(name)			struct list_head name = { &name, &name }
#define list_add_rcu			list_add_tail	/* order does not matter */
#define list_del_rcu			list_del
#define list_for_each_entry_srcu(e, l, m, held)				\
	assert(held);							\
	list_for_each_entry(e, l, m)
#define list_for_each_entry(e, l, m)					\
	for (e = container_of((l)->next, __typeof__(*e), m);		\
	     &e->m != (l); e = container_of(e->m.next, __typeof__(*e), m))
#define list_for_each_entry_safe(e, n, l, m)				\
	for (e = container_of((l)->next, __typeof__(*e), m),		\
	     n = container_of(e->m.next, __typeof__(*e), m);		\
	     &e->m != (l); e = n, n = container_of(n->m.next, __typeof__(*n), m))

#endif
