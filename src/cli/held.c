/* SPDX-License-Identifier: MIT */
#include <config.h>

#include "cli/held.h"

#include <string.h>

struct held_walk {
	struct attempt attempt;
	held_fn each;
	void *ctx;
	struct held_gaps gaps;
};

static int held_page(
	struct held_walk *h, const struct digest *digest, const struct held_gaps *below);

static int held_child(struct held_walk *h, const struct page *page, uint32_t i)
{
	struct page_child child;
	struct held_gaps below;
	struct entry entry;
	int rc;

	if (!page->level) {
		rc = page_entry(page, i, &entry);
		return rc ? rc : h->each(h->ctx, &h->attempt, &entry);
	}
	rc = page_child(page, i, &child);
	below = (struct held_gaps){child.entries, child.bytes};
	return rc ? rc : held_page(h, &child.digest, &below);
}

/* Depth first over what is there; a missing page is counted, not fetched. */
static int held_page(
	struct held_walk *h, const struct digest *digest, const struct held_gaps *below)
{
	struct page page;
	int rc = attempt_page(&h->attempt, digest, &page);

	if (rc == ERR_PENDING) {
		h->attempt.want_count = 0;
		h->gaps.entries += below->entries;
		h->gaps.bytes = page_bytes_add(h->gaps.bytes, below->bytes);
		return 0;
	}
	for (uint32_t i = 0; !rc && i < page.count; i++)
		rc = held_child(h, &page, i);
	return rc;
}

int held_each(struct reader *r, held_fn each, void *ctx, struct held_gaps *gaps)
{
	const struct manifest *m = r->dataset->manifest;
	const struct held_gaps all = {m->totals.entries, m->totals.bytes};
	struct held_walk h = {.each = each, .ctx = ctx};
	int rc = attempt_begin(&h.attempt, r->cache, NULL);

	if (rc)
		return rc;
	rc = held_page(&h, &m->root, &all);
	attempt_end(&h.attempt);
	*gaps = h.gaps;
	return rc;
}

int held_look(struct attempt *a, const struct entry *e, uint64_t *resident,
	struct cache_object *object)
{
	const struct object_id id = object_id_of(&e->object);
	uint64_t bytes = 0;
	int rc = attempt_resident(a, e, &bytes);

	if (rc && rc != ERR_PENDING)
		return rc;
	if (cache_find_object(a->cache, &id, object))
		memset(object, 0, sizeof *object);
	*resident = bytes;
	return 0;
}
