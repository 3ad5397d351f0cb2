/* SPDX-License-Identifier: MIT */
#include <config.h>

#include "publish/store_pages.h"

#include <stdlib.h>

#include "format/page_json.h"
#include "util/array.h"

/* Two cursors have one page open on each level: with as many, a pass gets somewhere. */
#define PAGES_KEPT_MIN (2 * (PAGE_LEVEL_MAX + 1))

struct kept_page {
	struct digest digest;
	struct bytes packed;
};

struct store_pages {
	struct store *store;
	struct blob_codec *codec;
	uint64_t memory, used; /* bytes of packed pages */
	struct kept_page *kept;
	size_t count, capacity;
	struct bytes text;
	bool is_full; /* the pass ended for want of room */
	struct trouble trouble;
};

struct store_pages *store_pages_new(struct store *s, uint64_t memory)
{
	struct store_pages *p = calloc(1, sizeof *p);

	if (!p)
		return NULL;
	p->store = s;
	p->memory = memory;
	p->codec = blob_codec_new();
	if (!p->codec) {
		free(p);
		return NULL;
	}
	return p;
}

static void store_pages_clear(struct store_pages *p)
{
	for (size_t i = 0; i < p->count; i++)
		bytes_release(&p->kept[i].packed);
	p->count = 0;
	p->used = 0;
	p->is_full = false;
	p->trouble = (struct trouble){0};
}

void store_pages_free(struct store_pages *p)
{
	if (!p)
		return;
	store_pages_clear(p);
	free(p->kept);
	bytes_release(&p->text);
	blob_codec_free(p->codec);
	free(p);
}

static int kept_page_load(struct store_pages *p, const struct digest *digest)
{
	struct kept_page page = {.digest = *digest};
	int rc = array_grow(&p->kept, &p->capacity, p->count, sizeof *p->kept);

	if (!rc)
		rc = store_read_blob(p->store, p->codec, digest, &p->text, &p->trouble);
	if (!rc)
		rc = page_json_decode(span_of_bytes(&p->text), &page.packed, &p->trouble);
	if (rc) {
		bytes_release(&page.packed);
		return rc;
	}
	p->used += page.packed.size;
	p->kept[p->count++] = page;
	return 0;
}

static int kept_page_get(void *ctx, const struct digest *digest, struct page *out)
{
	struct store_pages *p = ctx;
	size_t i;

	for (i = 0; i < p->count; i++)
		if (digest_equal(&p->kept[i].digest, digest))
			break;
	if (i == p->count) {
		int rc;

		p->is_full = p->used >= p->memory && p->count >= PAGES_KEPT_MIN;
		rc = p->is_full ? ERR_PENDING : kept_page_load(p, digest);
		if (rc)
			return rc;
	}
	return page_view(span_of_bytes(&p->kept[i].packed), out);
}

static struct page_source store_pages_source(struct store_pages *p)
{
	return (struct page_source){.page = kept_page_get, .ctx = p};
}

/* The page source has no sentence of its own. */
static int store_pages_end(const struct store_pages *p, int rc, struct trouble *t)
{
	if (rc && p->trouble.code == rc)
		trouble_set(t, rc, "%s", p->trouble.text);
	return rc;
}

struct counted_walk {
	tree_each_fn each;
	void *ctx;
	uint64_t rank; /* of the next one */
};

static int counted_walk_each(
	void *ctx, const struct place *place, const struct entry *entry)
{
	struct counted_walk *w = ctx;

	w->rank++;
	return w->each(w->ctx, place, entry);
}

int store_pages_walk(struct store_pages *p, const struct digest *root, uint64_t rank,
	tree_each_fn each, void *ctx, struct trouble *t)
{
	struct page_source source = store_pages_source(p);
	struct counted_walk w = {each, ctx, rank};
	int rc;

	do {
		store_pages_clear(p);
		rc = tree_walk(&source, root, w.rank, 0, counted_walk_each, &w);
	} while (rc == ERR_PENDING && p->is_full);
	return store_pages_end(p, rc, t);
}

int store_pages_diff(struct store_pages *p, const struct digest *before,
	const struct digest *after, struct tree_told *told, tree_diff_fn each, void *ctx,
	struct trouble *t)
{
	struct page_source source = store_pages_source(p);
	int rc;

	do {
		store_pages_clear(p);
		rc = tree_diff(&source, before, after, told, each, ctx);
	} while (rc == ERR_PENDING && p->is_full);
	return store_pages_end(p, rc, t);
}
