/* SPDX-License-Identifier: MIT */
#include <config.h>

#include <assert.h>
#include <stdlib.h>

#include "cache/write/pending_pages.h"
#include "util/error.h"

struct pending_page {
	struct blob_buffer *page;
	struct pending_page *next;
};

/* Where the link to the page of that digest is, or would be. */
static struct pending_page **pending_link(
	struct pending_pages *p, const struct digest *digest)
{
	struct pending_page **at =
		&p->buckets[(digest->bytes[0] << 8 | digest->bytes[1]) % PENDING_BUCKETS];

	while (*at && !digest_equal(blob_buffer_digest((*at)->page), digest))
		at = &(*at)->next;
	return at;
}

struct blob_buffer *pending_pages_find(struct pending_pages *p, const struct digest *digest)
{
	struct pending_page *found = *pending_link(p, digest);

	return found ? found->page : NULL;
}

int pending_pages_add(struct pending_pages *p, struct blob_buffer *page)
{
	struct pending_page *new = malloc(sizeof *new);

	if (!new)
		return ERR_NO_MEMORY;
	*new = (struct pending_page){blob_buffer_get(page), NULL};
	*pending_link(p, blob_buffer_digest(page)) = new;
	p->bytes += blob_buffer_span(page).size;
	atomic_fetch_add(&p->count, 1);
	return 0;
}

void pending_pages_remove(struct pending_pages *p, const struct digest *digest)
{
	struct pending_page **at = pending_link(p, digest), *found = *at;

	assert(found);
	*at = found->next;
	p->bytes -= blob_buffer_span(found->page).size;
	atomic_fetch_sub(&p->count, 1);
	blob_buffer_put(found->page);
	free(found);
}
