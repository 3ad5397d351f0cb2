/* SPDX-License-Identifier: MIT */
#include <config.h>

#include "cache/attempt_pages.h"

static int attempt_pages_page(void *ctx, const struct digest *digest, struct page *out)
{
	return attempt_page(ctx, digest, out);
}

static bool attempt_pages_hint(void *ctx, const struct digest *digest)
{
	return attempt_hint_page(ctx, digest);
}

struct page_source attempt_pages(struct attempt *a)
{
	return (struct page_source){
		.page = attempt_pages_page, .hint = attempt_pages_hint, .ctx = a};
}
