/* SPDX-License-Identifier: MIT */
#include <config.h>

#include <pthread.h>
#include <stdlib.h>
#include <time.h>

#include "publish/listed_blobs.h"
#include "publish/tally.h"
#include "util/array.h"
#include "util/clock.h"

/* The filter: so many bytes for each list, and of each digest so many bits are set, for
 * which one in a few thousand that is not listed is put again. */
#define FILTER_BYTES_A_LIST (64u << 10)
#define FILTER_MAX (32u << 20)
#define FILTER_BITS 6
/* Who deletes is waited for so long. */
#define DELETING_WAIT (600 * NS_PER_SECOND)
#define DELETING_PAUSE (100 * NS_PER_MS)

struct listed_blobs {
	struct store *store;
	struct tombstones *tombstones;
	uint8_t *filter; /* NULL: nothing is listed. Changed while no other thread looks */
	uint64_t filter_bits;
	bool was_deleted; /* of what was listed, some may be */

	pthread_mutex_t rescued_mtx; /* all below */
	struct tally *done;	     /* put again */
	struct digest *rescued;	     /* the same; only where others may delete meanwhile */
	size_t count, capacity;
};

static int filter_make(struct listed_blobs *l)
{
	uint64_t size = (uint64_t)tombstones_lists(l->tombstones) * FILTER_BYTES_A_LIST;

	if (size > FILTER_MAX)
		size = FILTER_MAX;
	if (size < FILTER_BYTES_A_LIST)
		size = FILTER_BYTES_A_LIST;
	l->filter = calloc(1, (size_t)size);
	l->filter_bits = size * 8;
	return l->filter ? 0 : ERR_NO_MEMORY;
}

/* Digests are random: each four bytes of one are a number of their own. */
static uint64_t filter_bit(
	const struct listed_blobs *l, const struct digest *blob, unsigned i)
{
	uint64_t word = 0;

	for (unsigned k = 0; k < 4; k++)
		word = word << 8 | blob->bytes[8 + 4 * i + k];
	return word % l->filter_bits;
}

static void filter_add(struct listed_blobs *l, const struct digest *blob)
{
	for (unsigned i = 0; i < FILTER_BITS; i++) {
		uint64_t bit = filter_bit(l, blob, i);

		l->filter[bit / 8] |= (uint8_t)(1u << bit % 8);
	}
}

static bool filter_has(const struct listed_blobs *l, const struct digest *blob)
{
	for (unsigned i = 0; i < FILTER_BITS; i++) {
		uint64_t bit = filter_bit(l, blob, i);

		if (!(l->filter[bit / 8] & 1u << bit % 8))
			return false;
	}
	return true;
}

static int listed_note(void *ctx, const struct digest *blob, struct trouble *t)
{
	struct listed_blobs *l = ctx;
	int rc = l->filter ? 0 : filter_make(l);

	(void)t;
	if (!rc)
		filter_add(l, blob);
	return rc;
}

int listed_blobs_new(struct store *s, struct listed_blobs **out, struct trouble *t)
{
	struct listed_blobs *l = calloc(1, sizeof *l);
	struct tombstones_looked looked;
	int rc = ERR_NO_MEMORY;

	if (!l)
		return rc;
	pthread_mutex_init(&l->rescued_mtx, NULL);
	l->store = s;
	l->tombstones = tombstones_new(s);
	l->done = tally_new();
	if (l->tombstones && l->done)
		rc = tombstones_look(l->tombstones, listed_note, l, &looked, t);
	if (rc) {
		listed_blobs_free(l);
		return rc;
	}
	l->was_deleted = looked.deleting;
	*out = l;
	return 0;
}

void listed_blobs_free(struct listed_blobs *l)
{
	if (!l)
		return;
	pthread_mutex_destroy(&l->rescued_mtx);
	tombstones_free(l->tombstones);
	tally_free(l->done);
	free(l->rescued);
	free(l->filter);
	free(l);
}

static int rescue_note(struct listed_blobs *l, const struct digest *blob, struct trouble *t)
{
	int rc = tally_add(l->done, blob, 0);

	if (rc || l->store->alone)
		return rc;
	pthread_mutex_lock(&l->rescued_mtx);
	if (l->count == RESCUED_MAX)
		rc = trouble_set(t, ERR_LIMIT,
			"more than %u blobs that are needed are listed to be deleted in "
			"%s: "
			"run cairn gc to its end first",
			RESCUED_MAX, store_name(l->store));
	if (!rc)
		rc = array_grow(&l->rescued, &l->capacity, l->count, sizeof *l->rescued);
	if (!rc)
		l->rescued[l->count++] = *blob;
	pthread_mutex_unlock(&l->rescued_mtx);
	return rc;
}

static int rescue_blob(struct listed_blobs *l, const struct digest *blob, struct trouble *t)
{
	struct bytes stored = {0};
	int rc = store_read_stored(l->store, blob, &stored, t);

	if (!rc)
		rc = store_write_blob(l->store, blob, span_of_bytes(&stored), t);
	bytes_release(&stored);
	return rc ? rc : rescue_note(l, blob, t);
}

int listed_blobs_rescue(
	struct listed_blobs *l, const struct digest *blob, struct trouble *t)
{
	if (!l->filter || !filter_has(l, blob) || tally_has(l->done, blob))
		return 0;
	return rescue_blob(l, blob, t);
}

static int fail_deleted(const struct listed_blobs *l, struct trouble *t)
{
	return trouble_set(t, ERR_CHANGED,
		"cairn gc has deleted from the store %s what this revision was to share "
		"with "
		"older ones: publish again, and it is stored anew",
		store_name(l->store));
}

struct securing {
	struct listed_blobs *listed;
	bool (*relied)(void *ctx, const struct digest *blob);
	void *ctx;
};

/* It has come onto a list meanwhile: what was put again before that list was made is not
 * safe by it. */
static int secure_listed(void *ctx, const struct digest *blob, struct trouble *t)
{
	struct securing *s = ctx;
	int rc = listed_note(s->listed, blob, t);

	if (rc || !s->relied(s->ctx, blob))
		return rc;
	rc = rescue_blob(s->listed, blob, t);
	return rc == ERR_ABSENT ? fail_deleted(s->listed, t) : rc;
}

/* Of what was put again, a deletion that was under way may have hit some. */
static int check_rescued(struct listed_blobs *l, struct trouble *t)
{
	int rc = 0;

	for (size_t i = 0; i < l->count && !rc; i++) {
		struct stored stored;

		rc = store_find_blob(l->store, &l->rescued[i], &stored, t);
		if (rc == ERR_ABSENT)
			rc = fail_deleted(l, t);
	}
	return rc;
}

static int wait_for_deleting(struct listed_blobs *l, int64_t until, struct trouble *t)
{
	const struct timespec pause = {0, DELETING_PAUSE};

	if (clock_monotonic() > until)
		return trouble_set(t, ERR_BUSY,
			"cairn gc is deleting blobs of the store %s, or was cut off: wait "
			"for "
			"it, or run it again",
			store_name(l->store));
	nanosleep(&pause, NULL);
	return 0;
}

int listed_blobs_secure(struct listed_blobs *l,
	bool (*relied)(void *ctx, const struct digest *blob), void *ctx, struct trouble *t)
{
	struct securing s = {l, relied, ctx};
	int64_t until = clock_monotonic() + DELETING_WAIT;
	struct tombstones_looked looked = {.found = true};
	int rc = 0;

	while (!rc && looked.found) {
		uint64_t before = listed_blobs_rescued(l);

		rc = tombstones_look(l->tombstones, secure_listed, &s, &looked, t);
		if (!rc && listed_blobs_rescued(l) > before)
			rc = store_sync(l->store, t);
		if (rc || l->store->alone)
			break;
		l->was_deleted = l->was_deleted || looked.gone || looked.deleting;
		if (looked.deleting) {
			rc = wait_for_deleting(l, until, t);
			looked.found = true;
		}
	}
	return !rc && l->was_deleted && !l->store->alone ? check_rescued(l, t) : rc;
}

uint64_t listed_blobs_rescued(struct listed_blobs *l)
{
	return tally_count(l->done);
}
