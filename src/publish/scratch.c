/* SPDX-License-Identifier: MIT */
#include <config.h>

#include <pthread.h>
#include <stdlib.h>

#include "publish/scratch.h"

struct scratches {
	struct store *store;
	struct digest previous;
	bool has_previous;
	pthread_mutex_t scratches_mtx; /* first */
	struct scratch *first;
};

struct scratches *scratches_new(struct store *store, const struct digest *previous)
{
	struct scratches *s = calloc(1, sizeof *s);

	if (!s)
		return NULL;
	s->store = store;
	s->has_previous = previous != NULL;
	if (previous)
		s->previous = *previous;
	pthread_mutex_init(&s->scratches_mtx, NULL);
	return s;
}

static void scratch_free(struct scratch *x)
{
	blob_codec_free(x->codec);
	hasher_free(x->hasher);
	history_free(x->history);
	extent_list_builder_free(x->runs);
	bytes_release(&x->plain);
	bytes_release(&x->delta);
	bytes_release(&x->base);
	free(x->content);
	free(x);
}

void scratches_free(struct scratches *s)
{
	if (!s)
		return;
	while (s->first) {
		struct scratch *x = s->first;

		s->first = x->next;
		scratch_free(x);
	}
	pthread_mutex_destroy(&s->scratches_mtx);
	free(s);
}

static struct scratch *scratch_new(const struct scratches *s)
{
	struct scratch *x = calloc(1, sizeof *x);

	if (!x)
		return NULL;
	x->codec = blob_codec_new();
	x->hasher = hasher_new();
	x->content = malloc(CHUNK_SIZE_MAX);
	x->history = history_new(s->store, s->has_previous ? &s->previous : NULL);
	x->runs = extent_list_builder_new();
	if (!x->codec || !x->hasher || !x->content || !x->history || !x->runs) {
		scratch_free(x);
		return NULL;
	}
	chunker_init(&x->chunker);
	return x;
}

struct scratch *scratch_take(struct scratches *s)
{
	struct scratch *x;

	pthread_mutex_lock(&s->scratches_mtx);
	x = s->first;
	if (x)
		s->first = x->next;
	pthread_mutex_unlock(&s->scratches_mtx);
	return x ? x : scratch_new(s);
}

void scratch_give(struct scratches *s, struct scratch *scratch)
{
	pthread_mutex_lock(&s->scratches_mtx);
	scratch->next = s->first;
	s->first = scratch;
	pthread_mutex_unlock(&s->scratches_mtx);
}
