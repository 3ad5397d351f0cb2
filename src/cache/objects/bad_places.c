/* SPDX-License-Identifier: MIT */
#include <config.h>

#include "cache/objects/bad_places.h"

void bad_places_init(struct bad_places *b)
{
	pthread_mutex_init(&b->places_mtx, NULL);
	for (unsigned i = 0; i < BAD_PLACES_MAX; i++)
		b->list[i].kind = BAD_PLACE_NONE;
	b->next = 0;
	atomic_init(&b->count, 0);
}

void bad_places_release(struct bad_places *b)
{
	pthread_mutex_destroy(&b->places_mtx);
}

/* places_mtx is held. BAD_PLACES_MAX: it is not there. */
static unsigned bad_places_index(
	const struct bad_places *b, uint64_t instance, uint64_t ordinal)
{
	unsigned i = 0;

	while (i < BAD_PLACES_MAX &&
		(b->list[i].kind == BAD_PLACE_NONE || b->list[i].instance != instance ||
			b->list[i].ordinal != ordinal))
		i++;
	return i;
}

static void bad_places_set(
	struct bad_places *b, uint64_t instance, uint64_t ordinal, enum bad_place kind)
{
	unsigned i;

	pthread_mutex_lock(&b->places_mtx);
	i = bad_places_index(b, instance, ordinal);
	if (i == BAD_PLACES_MAX && kind != BAD_PLACE_NONE) {
		i = b->next;
		b->next = (b->next + 1) % BAD_PLACES_MAX;
		b->list[i].instance = instance;
		b->list[i].ordinal = ordinal;
		atomic_fetch_add(&b->count, 1);
	}
	if (i < BAD_PLACES_MAX)
		b->list[i].kind = kind;
	pthread_mutex_unlock(&b->places_mtx);
}

void bad_places_add(struct bad_places *b, uint64_t instance, uint64_t ordinal)
{
	bad_places_set(b, instance, ordinal, BAD_PLACE_READ);
}

void bad_places_refuse(struct bad_places *b, uint64_t instance, uint64_t ordinal)
{
	bad_places_set(b, instance, ordinal, BAD_PLACE_WRITE);
}

void bad_places_remove(struct bad_places *b, uint64_t instance, uint64_t ordinal)
{
	bad_places_set(b, instance, ordinal, BAD_PLACE_NONE);
}

enum bad_place bad_places_find(struct bad_places *b, uint64_t instance, uint64_t ordinal)
{
	enum bad_place kind = BAD_PLACE_NONE;
	unsigned i;

	/* Nearly always. */
	if (!atomic_load_explicit(&b->count, memory_order_relaxed))
		return kind;
	pthread_mutex_lock(&b->places_mtx);
	i = bad_places_index(b, instance, ordinal);
	if (i < BAD_PLACES_MAX)
		kind = b->list[i].kind;
	pthread_mutex_unlock(&b->places_mtx);
	return kind;
}
