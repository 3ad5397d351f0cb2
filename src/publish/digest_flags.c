/* SPDX-License-Identifier: MIT */
#include <config.h>

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "publish/digest_flags.h"
#include "util/error.h"

/* While a table is made anew, the old one is there, too, with half of the places. */
#define BYTES_A_PLACE 12
/* Full when so many eighths are taken. */
#define FULL_EIGHTHS 7

struct digest_flags {
	pthread_mutex_t flags_mtx; /* all below */
	uint64_t *places;	   /* key with flags in its low bits; 0: free */
	size_t place_count, place_max;
	size_t count;
	uint64_t first, last;
};

struct digest_flags *digest_flags_new(uint64_t memory)
{
	struct digest_flags *f = calloc(1, sizeof *f);
	uint64_t most = memory / BYTES_A_PLACE;

	if (!f)
		return NULL;
	f->place_count = most > DIGEST_FLAGS_MIN ? (size_t)most : DIGEST_FLAGS_MIN;
	while (f->place_count >= 2 * DIGEST_FLAGS_MIN)
		f->place_count /= 2;
	f->place_max = f->place_count;
	while (f->place_max * 2 <= most)
		f->place_max *= 2;
	f->places = calloc(f->place_count, sizeof *f->places);
	if (!f->places) {
		free(f);
		return NULL;
	}
	f->last = UINT64_MAX;
	pthread_mutex_init(&f->flags_mtx, NULL);
	return f;
}

void digest_flags_free(struct digest_flags *f)
{
	if (!f)
		return;
	pthread_mutex_destroy(&f->flags_mtx);
	free(f->places);
	free(f);
}

uint64_t digest_flags_key(const struct digest *d)
{
	uint64_t key = 0;

	for (size_t i = 0; i < 8; i++)
		key = key << 8 | d->bytes[i];
	return key;
}

/* Where it is, or may be put. Keys of a range begin alike, so what decides is mixed. */
static uint64_t *flags_place(uint64_t *places, size_t place_count, uint64_t key)
{
	uint64_t bits = key & ~(uint64_t)DIGEST_FLAGS_ALL;
	uint64_t mixed = bits * UINT64_C(0x9e3779b97f4a7c15);
	size_t i;

	mixed = (mixed ^ mixed >> 32) * UINT64_C(0xd6e8feb86659fd93);
	i = (size_t)((unsigned __int128)mixed * place_count >> 64);
	while (places[i] && (places[i] & ~(uint64_t)DIGEST_FLAGS_ALL) != bits)
		i = i + 1 == place_count ? 0 : i + 1;
	return &places[i];
}

static bool flags_in_range(const struct digest_flags *f, uint64_t key)
{
	return key >= (f->first & ~(uint64_t)DIGEST_FLAGS_ALL) && key <= f->last;
}

/* With so many places, and without what is beyond the range. */
static int flags_remake(struct digest_flags *f, size_t place_count)
{
	uint64_t *places = calloc(place_count, sizeof *places);

	if (!places)
		return ERR_NO_MEMORY;
	f->count = 0;
	for (size_t i = 0; i < f->place_count; i++) {
		if (!f->places[i] ||
			!flags_in_range(f, f->places[i] & ~(uint64_t)DIGEST_FLAGS_ALL))
			continue;
		*flags_place(places, place_count, f->places[i]) = f->places[i];
		f->count++;
	}
	free(f->places);
	f->places = places;
	f->place_count = place_count;
	return 0;
}

/* Half of the range goes. Without a second table of that size: its keys are gathered at the
 * front, and put back one after the other. */
static int flags_halve(struct digest_flags *f)
{
	size_t kept = 0;
	uint64_t *keys;

	f->last = (f->first + (f->last - f->first) / 2) | DIGEST_FLAGS_ALL;
	for (size_t i = 0; i < f->place_count; i++)
		if (f->places[i] &&
			flags_in_range(f, f->places[i] & ~(uint64_t)DIGEST_FLAGS_ALL))
			f->places[kept++] = f->places[i];
	keys = malloc(kept * sizeof *keys + 1);
	if (!keys)
		return ERR_NO_MEMORY;
	memcpy(keys, f->places, kept * sizeof *keys);
	memset(f->places, 0, f->place_count * sizeof *f->places);
	for (size_t i = 0; i < kept; i++)
		*flags_place(f->places, f->place_count, keys[i]) = keys[i];
	f->count = kept;
	free(keys);
	return 0;
}

static int flags_make_place(struct digest_flags *f)
{
	int rc = 0;

	while (!rc && f->count >= f->place_count / 8 * FULL_EIGHTHS) {
		if (f->place_count == f->place_max)
			rc = flags_halve(f);
		else
			rc = flags_remake(f, f->place_count * 2);
	}
	return rc;
}

static int flags_add_key(
	struct digest_flags *f, uint64_t key, unsigned flags, unsigned *before)
{
	uint64_t *place;
	int rc = flags_in_range(f, key) ? flags_make_place(f) : 0;

	*before = 0;
	if (rc || !flags_in_range(f, key))
		return rc;
	place = flags_place(f->places, f->place_count, key);
	*before = (unsigned)(*place & DIGEST_FLAGS_ALL);
	if (!*place) {
		*place = key & ~(uint64_t)DIGEST_FLAGS_ALL;
		f->count++;
	}
	*place |= flags;
	return 0;
}

void digest_flags_begin(struct digest_flags *f, uint64_t first, uint64_t last)
{
	pthread_mutex_lock(&f->flags_mtx);
	memset(f->places, 0, f->place_count * sizeof *f->places);
	f->count = 0;
	f->first = first;
	f->last = last;
	pthread_mutex_unlock(&f->flags_mtx);
}

uint64_t digest_flags_last(struct digest_flags *f)
{
	uint64_t last;

	pthread_mutex_lock(&f->flags_mtx);
	last = f->last;
	pthread_mutex_unlock(&f->flags_mtx);
	return last;
}

bool digest_flags_covers(struct digest_flags *f, const struct digest *d)
{
	bool covers;

	pthread_mutex_lock(&f->flags_mtx);
	covers = digest_flags_key(d) >= f->first && digest_flags_key(d) <= f->last;
	pthread_mutex_unlock(&f->flags_mtx);
	return covers;
}

int digest_flags_add(
	struct digest_flags *f, const struct digest *d, unsigned flags, unsigned *before)
{
	int rc;

	pthread_mutex_lock(&f->flags_mtx);
	rc = flags_add_key(f, digest_flags_key(d), flags, before);
	pthread_mutex_unlock(&f->flags_mtx);
	return rc;
}

unsigned digest_flags_of(struct digest_flags *f, const struct digest *d)
{
	uint64_t key = digest_flags_key(d);
	unsigned flags;

	pthread_mutex_lock(&f->flags_mtx);
	flags = (unsigned)(*flags_place(f->places, f->place_count, key) & DIGEST_FLAGS_ALL);
	pthread_mutex_unlock(&f->flags_mtx);
	return flags;
}

int digest_flags_add_all(struct digest_flags *f, struct digest_flags *from, unsigned flags)
{
	unsigned before;
	int rc = 0;

	pthread_mutex_lock(&f->flags_mtx);
	for (size_t i = 0; i < from->place_count && !rc; i++)
		if (from->places[i])
			rc = flags_add_key(f, from->places[i] & ~(uint64_t)DIGEST_FLAGS_ALL,
				flags, &before);
	pthread_mutex_unlock(&f->flags_mtx);
	return rc;
}

uint64_t digest_flags_count(struct digest_flags *f)
{
	uint64_t count;

	pthread_mutex_lock(&f->flags_mtx);
	count = f->count;
	pthread_mutex_unlock(&f->flags_mtx);
	return count;
}
