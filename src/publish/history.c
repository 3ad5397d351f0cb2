/* SPDX-License-Identifier: MIT */
#include <config.h>

#include <stdlib.h>
#include <string.h>

#include "format/extent_list.h"
#include "format/page_json.h"
#include "format/recipe.h"
#include "publish/history.h"

/* A lookup needs one page per level, and its neighbours need the same but for the leaf. */
#define PAGE_COUNT (PAGE_LEVEL_MAX + RECIPE_LEVEL_MAX + 6)

struct held {
	struct digest digest;
	struct bytes packed; /* empty: the place is free */
	uint64_t used;	     /* when, by h->clock */
};

struct history {
	struct store *store;
	struct blob_codec *codec;
	struct digest root;
	bool has_root;
	struct bytes text;
	uint64_t clock;
	struct held held[PAGE_COUNT];
};

struct history *history_new(struct store *s, const struct digest *root)
{
	struct history *h = calloc(1, sizeof *h);

	if (!h)
		return NULL;
	h->store = s;
	h->has_root = root != NULL;
	if (root)
		h->root = *root;
	h->codec = blob_codec_new();
	if (!h->codec) {
		free(h);
		return NULL;
	}
	return h;
}

void history_free(struct history *h)
{
	if (!h)
		return;
	for (size_t i = 0; i < PAGE_COUNT; i++)
		bytes_release(&h->held[i].packed);
	bytes_release(&h->text);
	blob_codec_free(h->codec);
	free(h);
}

/* The place of `digest`, else the one that was used longest ago. */
static struct held *history_find_place(struct history *h, const struct digest *digest)
{
	struct held *oldest = &h->held[0];

	for (size_t i = 0; i < PAGE_COUNT; i++) {
		struct held *place = &h->held[i];

		if (place->packed.size > 0 && digest_equal(&place->digest, digest))
			return place;
		if (place->used < oldest->used)
			oldest = place;
	}
	bytes_clear(&oldest->packed);
	return oldest;
}

typedef int (*unpack_fn)(struct span text, struct bytes *packed, struct trouble *t);

/* The packed form of a page, a recipe or a list of extents. */
static int history_load(struct history *h, const struct digest *digest, unpack_fn unpack,
	struct span *packed)
{
	struct held *place = history_find_place(h, digest);
	int rc = 0;

	if (place->packed.size == 0) {
		rc = store_read_blob(h->store, h->codec, digest, &h->text, NULL);
		if (!rc)
			rc = unpack(span_of_bytes(&h->text), &place->packed, NULL);
		if (rc)
			bytes_clear(&place->packed);
		place->digest = *digest;
	}
	place->used = ++h->clock;
	*packed = span_of_bytes(&place->packed);
	return rc;
}

static int load_page(void *ctx, const struct digest *digest, struct page *out)
{
	struct span packed;
	int rc = history_load(ctx, digest, page_json_decode, &packed);

	return rc ? rc : page_view(packed, out);
}

int history_find(struct history *h, struct span parent, struct span name, struct entry *out)
{
	struct page_source pages = {.page = load_page, .ctx = h};
	struct place place;

	if (!h->has_root)
		return ERR_ABSENT;
	return tree_find(&pages, &h->root, parent, name, &place, out);
}

int history_at(struct history *h, uint64_t rank, struct entry *out)
{
	struct page_source pages = {.page = load_page, .ctx = h};
	struct place place;
	uint64_t entries;
	int rc;

	if (!h->has_root)
		return ERR_ABSENT;
	rc = tree_count(&pages, &h->root, &entries);
	if (!rc && rank >= entries)
		return ERR_ABSENT;
	if (!rc)
		rc = tree_at(&pages, &h->root, rank, 0, &place, out);
	return rc == ERR_ABSENT ? ERR_CORRUPT : rc; /* it is a page that is absent */
}

static int load_recipe(struct history *h, const struct digest *digest, struct recipe *out)
{
	struct span packed;
	int rc = history_load(h, digest, recipe_decode, &packed);

	return rc ? rc : recipe_view(packed, out);
}

static int find_in_recipe(
	struct history *h, const struct digest *digest, uint64_t offset, struct digest *out)
{
	struct digest at = *digest;

	for (unsigned i = 0; i <= RECIPE_LEVEL_MAX; i++) {
		struct recipe_hit hit;
		struct recipe r;
		int rc = load_recipe(h, &at, &r);

		if (!rc)
			rc = recipe_find(&r, offset, &hit);
		if (rc)
			return rc;
		if (r.level == 0) {
			*out = hit.digest;
			return 0;
		}
		at = hit.digest;
		offset -= hit.start;
	}
	return ERR_CORRUPT;
}

static int find_in_list(
	const struct object_ref *object, uint64_t offset, struct digest *out)
{
	uint64_t end = 0;

	for (uint32_t i = 0; i < object->count; i++) {
		struct chunk_ref chunk = chunk_list_at(object->list, i);

		end += chunk.size;
		if (offset < end) {
			*out = chunk.digest;
			return 0;
		}
	}
	return ERR_ABSENT;
}

int history_chunk(struct history *h, const struct object_ref *object, uint64_t offset,
	struct digest *out)
{
	if (offset >= object->size)
		return ERR_ABSENT;
	if (object->form == OBJECT_SINGLE) {
		*out = object->digest;
		return 0;
	}
	if (object->form == OBJECT_LISTED)
		return find_in_list(object, offset, out);
	return find_in_recipe(h, &object->recipe, offset, out);
}

/* `each` over a recipe and all below it; deeper than `levels` is corrupt. */
static int each_of_recipe(struct history *h, const struct digest *digest, unsigned levels,
	history_each_fn each, void *ctx)
{
	struct recipe r;
	int rc = levels > 0 ? each(ctx, digest, 0) : ERR_CORRUPT;

	if (!rc)
		rc = load_recipe(h, digest, &r);
	for (uint32_t i = 0; !rc && i < r.count; i++) {
		struct recipe_hit hit;

		rc = recipe_at(&r, i, &hit);
		if (rc)
			break;
		if (r.level == 0) {
			rc = each(ctx, &hit.digest, hit.size);
			continue;
		}
		rc = each_of_recipe(h, &hit.digest, levels - 1, each, ctx);
		if (!rc) /* it may have been put out of memory meanwhile */
			rc = load_recipe(h, digest, &r);
	}
	return rc;
}

int history_each_blob(
	struct history *h, const struct object_ref *object, history_each_fn each, void *ctx)
{
	int rc = 0;

	if (object->form == OBJECT_SINGLE)
		return each(ctx, &object->digest, object->size);
	if (object->form == OBJECT_RECIPE)
		return each_of_recipe(h, &object->recipe, RECIPE_LEVEL_MAX + 1, each, ctx);
	for (uint32_t i = 0; !rc && i < object->count; i++) {
		struct chunk_ref chunk = chunk_list_at(object->list, i);

		rc = each(ctx, &chunk.digest, chunk.size);
	}
	return rc;
}

static int load_list(
	struct history *h, const struct digest *digest, struct extent_list *out)
{
	struct span packed;
	int rc = history_load(h, digest, extent_list_decode, &packed);

	return rc ? rc : extent_list_view(packed, out);
}

/* `each` over a list of parts and all below it; those of level 0 are not looked into.
 * Deeper than `levels` is corrupt. */
static int each_of_list(struct history *h, const struct digest *digest, unsigned levels,
	history_each_fn each, void *ctx)
{
	struct extent_list l;
	int rc = levels > 0 ? each(ctx, digest, 0) : ERR_CORRUPT;

	if (!rc)
		rc = load_list(h, digest, &l);
	for (uint32_t i = 0; !rc && l.level > 0 && i < l.count; i++) {
		struct extent_part part;
		unsigned level = l.level;

		rc = extent_list_part(&l, i, &part);
		if (rc)
			break;
		if (level == 1) {
			rc = each(ctx, &part.digest, 0);
			continue;
		}
		rc = each_of_list(h, &part.digest, levels - 1, each, ctx);
		if (!rc) /* it may have been put out of memory meanwhile */
			rc = load_list(h, digest, &l);
	}
	return rc;
}

int history_each_list(
	struct history *h, const struct extents_ref *list, history_each_fn each, void *ctx)
{
	return each_of_list(h, &list->digest, EXTENT_LIST_LEVEL_MAX, each, ctx);
}
