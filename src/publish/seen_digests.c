/* SPDX-License-Identifier: MIT */
#include <config.h>

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "publish/seen_digests.h"

#define WAYS 8 /* places that a digest may have */
#define SETS_MIN 16

struct seen_digests {
	pthread_mutex_t seen_mtx; /* all below */
	struct digest *places;	  /* `sets` times WAYS; all zeros: free */
	size_t sets;		  /* a power of two */
	unsigned next;		  /* whom the next one puts out */
};

struct seen_digests *seen_digests_new(uint64_t memory)
{
	struct seen_digests *s = calloc(1, sizeof *s);

	if (!s)
		return NULL;
	s->sets = SETS_MIN;
	while (s->sets * 2 * WAYS * sizeof *s->places <= memory)
		s->sets *= 2;
	s->places = calloc(s->sets * WAYS, sizeof *s->places);
	if (!s->places) {
		free(s);
		return NULL;
	}
	pthread_mutex_init(&s->seen_mtx, NULL);
	return s;
}

void seen_digests_free(struct seen_digests *s)
{
	if (!s)
		return;
	pthread_mutex_destroy(&s->seen_mtx);
	free(s->places);
	free(s);
}

static bool seen_meet_locked(struct seen_digests *s, const struct digest *d)
{
	struct digest *set = s->places + (size_t)(digest_prefix(d) & (s->sets - 1)) * WAYS;

	for (size_t i = 0; i < WAYS; i++) {
		if (digest_equal(&set[i], d))
			return true;
		if (digest_is_zero(&set[i])) {
			set[i] = *d;
			return false;
		}
	}
	set[s->next++ % WAYS] = *d;
	return false;
}

bool seen_digests_meet(struct seen_digests *s, const struct digest *d)
{
	bool met;

	if (digest_is_zero(d)) /* how a free place looks */
		return false;
	pthread_mutex_lock(&s->seen_mtx);
	met = seen_meet_locked(s, d);
	pthread_mutex_unlock(&s->seen_mtx);
	return met;
}

void seen_digests_clear(struct seen_digests *s)
{
	pthread_mutex_lock(&s->seen_mtx);
	memset(s->places, 0, s->sets * WAYS * sizeof *s->places);
	pthread_mutex_unlock(&s->seen_mtx);
}
