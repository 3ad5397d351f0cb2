/* SPDX-License-Identifier: MIT */
/* page_json_decode() on any text. */
#include <config.h>

#include "fuzz/fuzz_pages.h"
#include "format/page_packer.h"

/* What a page that was accepted gives back makes the same page. */
static void pack_again(const struct page *p, struct span packed)
{
	struct page_packer *k = page_packer_new(p->level);
	struct bytes again = {0};

	must(k);
	for (uint32_t i = 0; i < p->count; i++) {
		struct page_child child;
		struct entry e;

		if (p->level > 0)
			must(page_child(p, i, &child) == 0 &&
				page_packer_child(k, &child) == 0);
		else
			must(page_entry(p, i, &e) == 0 && page_packer_entry(k, &e) == 0);
	}
	must(page_packer_finish(k, &again) == 0);
	must(span_equal(packed, span_of_bytes(&again)));
	page_packer_free(k);
	bytes_release(&again);
}

static void page_run(const uint8_t *data, size_t size)
{
	struct bytes packed = {0};
	struct trouble t = {0};
	struct page page;
	int rc = page_json_decode(span_of(data, size), &packed, &t);

	must(rc <= 0 && (rc == 0 || (t.text[0] && packed.size == 0)));
	if (rc == 0) {
		must(page_view(span_of_bytes(&packed), &page) == 0);
		must(fuzz_walk_page(&page, true) == page.count);
		pack_again(&page, span_of_bytes(&packed));
	}
	bytes_release(&packed);
}

static void page_samples(fuzz_sample_fn sample, void *ctx)
{
	fuzz_page_samples(sample, ctx, false);
}

const struct fuzz_target fuzz_page = {"page", page_run, page_samples};
