/* SPDX-License-Identifier: MIT */
#include <config.h>

#include "publish/profile_blob.h"

#include <stdlib.h>

#include "publish/history.h"

/* The files of a profile, in the order of the tree, so that each page is read once. */
struct profile_order {
	struct span path;
	size_t file;
};

static int profile_order_compare(const void *a, const void *b)
{
	const struct profile_order *x = a, *y = b;
	struct span parent_x, name_x, parent_y, name_y;

	path_split(x->path, &parent_x, &name_x);
	path_split(y->path, &parent_y, &name_y);
	return place_compare(parent_x, name_x, parent_y, name_y);
}

static int files_look_up(struct history *h, const struct profile_order *order, size_t count,
	bool *keep, size_t *absent)
{
	struct span parent, name;
	struct entry entry;
	int rc;

	for (size_t i = 0; i < count; i++) {
		path_split(order[i].path, &parent, &name);
		rc = history_find(h, parent, name, &entry);
		if (rc && rc != ERR_ABSENT)
			return rc;
		keep[order[i].file] = !rc && entry.type == ENTRY_FILE;
		*absent += !keep[order[i].file];
	}
	return 0;
}

/* Which of the files are there. */
static int find_files(struct store *store, const struct digest *root,
	const struct profile *profile, bool *keep, size_t *absent)
{
	size_t count = profile_files(profile);
	struct profile_order *order = calloc(count + 1, sizeof *order);
	struct history *h = history_new(store, root);
	int rc = order && h ? 0 : ERR_NO_MEMORY;

	for (size_t i = 0; i < count && !rc; i++)
		order[i] = (struct profile_order){profile_path(profile, i), i};
	if (!rc) {
		qsort(order, count, sizeof *order, profile_order_compare);
		rc = files_look_up(h, order, count, keep, absent);
	}
	history_free(h);
	free(order);
	return rc;
}

static int profile_text_put(struct publication *p, struct span text,
	struct profile_blob *out, struct trouble *t)
{
	struct profile_blob blob = {.size = text.size};
	struct scratch *x;
	int rc;

	if (text.size == 0) {
		*out = blob;
		return 0;
	}
	blob.digest = digest_of(text.data, text.size);
	x = scratch_take(p->scratches);
	if (!x)
		return ERR_NO_MEMORY;
	rc = blobs_put(p->blobs, x, &blob.digest, text, NULL, t);
	scratch_give(p->scratches, x);
	if (!rc)
		*out = blob;
	return rc;
}

int profile_blob_put(struct publication *p, struct store *store, const struct digest *root,
	const struct profile *profile, struct profile_blob *out, struct profile_told *told,
	struct trouble *t)
{
	bool *keep = calloc(profile_files(profile) + 1, sizeof *keep);
	struct profile_told found = {0};
	struct bytes text = {0};
	int rc = keep ? find_files(store, root, profile, keep, &found.absent)
		      : ERR_NO_MEMORY;

	if (!rc)
		rc = profile_encode(profile, keep, PROFILE_STORED_MAX, &text, &found.left);
	if (!rc)
		rc = profile_text_put(p, span_of_bytes(&text), out, t);
	if (!rc)
		*told = found;
	bytes_release(&text);
	free(keep);
	return rc;
}

int profile_blob_keep(
	struct publication *p, const struct manifest *previous, struct profile_blob *out)
{
	struct scratch *x;
	int rc;

	*out = (struct profile_blob){0};
	if (!previous || previous->profile_size == 0)
		return 0;
	x = scratch_take(p->scratches);
	if (!x)
		return ERR_NO_MEMORY;
	rc = blobs_adopt(p->blobs, x, &previous->profile, previous->profile_size);
	scratch_give(p->scratches, x);
	if (!rc)
		*out = (struct profile_blob){previous->profile, previous->profile_size};
	return rc;
}
