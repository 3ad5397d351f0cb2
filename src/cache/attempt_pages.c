/* SPDX-License-Identifier: MIT */
#include "cache/attempt_pages.h"

static int page(void *ctx, const struct digest *digest, struct page *out)
{
	return attempt_page(ctx, digest, out);
}

static bool hint(void *ctx, const struct digest *digest)
{
	return attempt_hint_page(ctx, digest);
}

struct page_source attempt_pages(struct attempt *a)
{
	return (struct page_source){.page = page, .hint = hint, .ctx = a};
}
