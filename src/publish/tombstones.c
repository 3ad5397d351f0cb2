/* SPDX-License-Identifier: MIT */
#include <config.h>

#include <stdlib.h>
#include <string.h>

#include "publish/tombstones.h"
#include "util/array.h"

#define ROW_SIZE DIGEST_HEX_SIZE /* with its newline */

int tombstone_list_add(struct tombstone_list *l, const struct digest *blob)
{
	char row[ROW_SIZE];
	int rc = l->rows == 0 ? bytes_append_string(&l->text, TOMBSTONES_HEAD) : 0;

	digest_to_hex(blob, row);
	row[ROW_SIZE - 1] = '\n';
	if (!rc)
		rc = bytes_append(&l->text, row, sizeof row);
	if (!rc)
		l->rows++;
	return rc;
}

void tombstone_list_release(struct tombstone_list *l)
{
	bytes_release(&l->text);
	l->rows = 0;
}

int tombstones_decode(struct span text, tombstone_fn each, void *ctx, struct trouble *t)
{
	size_t head = strlen(TOMBSTONES_HEAD);
	int rc = 0;

	if (text.size < head || memcmp(text.data, TOMBSTONES_HEAD, head) ||
		(text.size - head) % ROW_SIZE)
		return ERR_CORRUPT;
	for (size_t at = head; at < text.size && !rc; at += ROW_SIZE) {
		struct digest blob;

		if (text.data[at + ROW_SIZE - 1] != '\n')
			return ERR_CORRUPT;
		rc = digest_from_hex(span_of(text.data + at, ROW_SIZE - 1), &blob);
		if (!rc)
			rc = each(ctx, &blob, t);
	}
	return rc;
}

/* A list that was seen, by a hash of its path. */
struct seen_list {
	uint64_t key;
	uint64_t look; /* the last one that saw it */
};

struct tombstones {
	struct store *store;
	struct seen_list *lists; /* sorted by key */
	size_t count, capacity;
	uint64_t look;
	size_t there; /* at the last look */
	struct bytes text;
};

struct tombstones *tombstones_new(struct store *s)
{
	struct tombstones *ts = calloc(1, sizeof *ts);

	if (ts)
		ts->store = s;
	return ts;
}

void tombstones_free(struct tombstones *ts)
{
	if (!ts)
		return;
	free(ts->lists);
	bytes_release(&ts->text);
	free(ts);
}

size_t tombstones_lists(const struct tombstones *ts)
{
	return ts->there;
}

/* Its place, or where it belongs. */
static size_t seen_list_find(const struct tombstones *ts, uint64_t key)
{
	size_t low = 0, high = ts->count;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (ts->lists[middle].key < key)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

/* Was it seen before? */
static int seen_list_meet(struct tombstones *ts, const char *path, bool *before)
{
	struct digest d = digest_of(path, strlen(path));
	uint64_t key = digest_prefix(&d);
	size_t i = seen_list_find(ts, key);
	int rc;

	*before = i < ts->count && ts->lists[i].key == key;
	if (*before) {
		ts->lists[i].look = ts->look;
		return 0;
	}
	if (ts->count == TOMBSTONES_LISTS_MAX)
		return ERR_LIMIT;
	rc = array_grow(&ts->lists, &ts->capacity, ts->count, sizeof *ts->lists);
	if (rc)
		return rc;
	memmove(ts->lists + i + 1, ts->lists + i, (ts->count - i) * sizeof *ts->lists);
	ts->lists[i] = (struct seen_list){key, ts->look};
	ts->count++;
	return 0;
}

/* One that is gone by now is as one that was never seen: what was on it is deleted, or
 * needed by a revision. */
static int tombstones_take(struct tombstones *ts, const char *path, tombstone_fn each,
	void *ctx, struct trouble *t)
{
	int rc;

	bytes_clear(&ts->text);
	rc = store_read_tombstones(ts->store, path, &ts->text, t);
	if (rc)
		return rc == ERR_ABSENT ? 0 : rc;
	rc = tombstones_decode(span_of_bytes(&ts->text), each, ctx, t);
	if (rc == ERR_CORRUPT)
		return trouble_set(t, rc,
			"%s in the store %s is damaged, and no blob that it may have named "
			"is safe to rely on: remove it, then run cairn gc",
			path, store_name(ts->store));
	return rc;
}

static int tombstones_meet(struct tombstones *ts, const char *path, tombstone_fn each,
	void *ctx, struct tombstones_looked *out, struct trouble *t)
{
	bool before;
	int rc;

	if (strncmp(path, TOMBSTONES_DELETING, strlen(TOMBSTONES_DELETING)) == 0) {
		out->deleting = true;
		return 0;
	}
	rc = seen_list_meet(ts, path, &before);
	if (rc == ERR_LIMIT)
		return trouble_set(t, rc,
			"the store %s has more than %d lists in "
			"tombstones/: run cairn gc",
			store_name(ts->store), TOMBSTONES_LISTS_MAX);
	ts->there++;
	if (rc || before)
		return rc;
	out->found = true;
	return tombstones_take(ts, path, each, ctx, t);
}

/* Forgets those that this look has not seen: true when there are any. */
static bool tombstones_forget(struct tombstones *ts)
{
	size_t kept = 0;
	bool gone;

	for (size_t i = 0; i < ts->count; i++)
		if (ts->lists[i].look == ts->look)
			ts->lists[kept++] = ts->lists[i];
	gone = kept < ts->count;
	ts->count = kept;
	return gone;
}

int tombstones_look(struct tombstones *ts, tombstone_fn each, void *ctx,
	struct tombstones_looked *out, struct trouble *t)
{
	struct tombstones_looked looked = {false, false, false};
	struct store_listing *listing;
	struct store_item item;
	int rc = store_list(ts->store, "tombstones/", &listing, t);

	if (rc)
		return rc;
	ts->look++;
	ts->there = 0;
	while (!(rc = store_listing_next(listing, &item, t))) {
		rc = tombstones_meet(ts, item.path, each, ctx, &looked, t);
		if (rc)
			break;
	}
	store_listing_close(listing);
	if (rc != ERR_ABSENT)
		return rc;
	looked.gone = tombstones_forget(ts);
	*out = looked;
	return 0;
}
