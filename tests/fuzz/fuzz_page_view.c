/* SPDX-License-Identifier: MIT */
/* page_view() and all that reads a packed page, which may be rotten or forged. */
#include <config.h>

#include "fuzz/fuzz_pages.h"

static void page_view_run(const uint8_t *data, size_t size)
{
	/* In memory of just that size, at an odd address. */
	uint8_t *copy = malloc(size + 1);
	struct page page;

	must(copy);
	if (size > 0)
		memcpy(copy + 1, data, size);
	if (page_view(span_of(copy + 1, size), &page) == 0) {
		must(page.count <= PAGE_ROWS_MAX && page.level <= PAGE_LEVEL_MAX);
		fuzz_walk_page(&page, false);
	}
	free(copy);
}

static void page_view_samples(fuzz_sample_fn sample, void *ctx)
{
	fuzz_page_samples(sample, ctx, true);
}

const struct fuzz_target fuzz_page_view = {"page_view", page_view_run, page_view_samples};
