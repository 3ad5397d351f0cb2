/* SPDX-License-Identifier: MIT */
#include <config.h>

#include "fs/parked_list.h"

#include <assert.h>

void parked_list_init(struct parked_list *l)
{
	*l = (struct parked_list){0};
	pthread_mutex_init(&l->list_mtx, NULL);
	pthread_cond_init(&l->gone_cond, NULL);
}

void parked_list_release(struct parked_list *l)
{
	assert(l->count == 0);
	pthread_cond_destroy(&l->gone_cond);
	pthread_mutex_destroy(&l->list_mtx);
}

void parked_list_add(struct parked_list *l, struct parked_link *p)
{
	atomic_init(&p->references, 1);
	p->previous = NULL;
	pthread_mutex_lock(&l->list_mtx);
	p->next = l->first;
	if (p->next)
		p->next->previous = p;
	l->first = p;
	l->count++;
	pthread_mutex_unlock(&l->list_mtx);
}

void parked_list_share(struct parked_link *p)
{
	atomic_fetch_add(&p->references, 1);
}

bool parked_list_put(struct parked_link *p, unsigned references)
{
	return atomic_fetch_sub(&p->references, references) == references;
}

void parked_list_remove(struct parked_list *l, struct parked_link *p)
{
	pthread_mutex_lock(&l->list_mtx);
	if (p->previous)
		p->previous->next = p->next;
	else
		l->first = p->next;
	if (p->next)
		p->next->previous = p->previous;
	l->count--;
	pthread_cond_signal(&l->gone_cond);
	pthread_mutex_unlock(&l->list_mtx);
}

/* False when the last reference is on its way out. */
static bool share_living(struct parked_link *p)
{
	unsigned n = atomic_load(&p->references);

	while (n && !atomic_compare_exchange_weak(&p->references, &n, n + 1))
		;
	return n > 0;
}

struct parked_link *parked_list_get(struct parked_list *l)
{
	struct parked_link *p;

	pthread_mutex_lock(&l->list_mtx);
	while ((p = l->first) && !share_living(p))
		pthread_cond_wait(&l->gone_cond, &l->list_mtx);
	pthread_mutex_unlock(&l->list_mtx);
	return p;
}

unsigned parked_list_all(
	struct parked_list *l, struct parked_link **out, unsigned room, unsigned *count)
{
	unsigned n = 0;

	pthread_mutex_lock(&l->list_mtx);
	for (struct parked_link *p = l->first; p && n < room; p = p->next)
		if (share_living(p))
			out[n++] = p;
	*count = l->count;
	pthread_mutex_unlock(&l->list_mtx);
	return n;
}

unsigned parked_list_count(struct parked_list *l)
{
	unsigned count;

	pthread_mutex_lock(&l->list_mtx);
	count = l->count;
	pthread_mutex_unlock(&l->list_mtx);
	return count;
}
