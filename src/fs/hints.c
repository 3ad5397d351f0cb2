/* SPDX-License-Identifier: MIT */
#include <config.h>

#include "fs/hints.h"

bool hints_full(const struct hints *h)
{
	return h->count == HINTS_MAX;
}

void hints_add(struct hints *h, const struct want *want)
{
	if (!hints_full(h))
		h->wants[h->count++] = *want;
}

void hints_add_missing(struct hints *h, const struct attempt *a)
{
	for (unsigned i = 0; i < a->want_count; i++)
		hints_add(h, &a->wants[i]);
}

void hints_send(struct hints *h, struct source *source)
{
	if (h->count)
		source_hint(source, h->wants, h->count, FETCH_READAHEAD);
	h->count = 0;
}
