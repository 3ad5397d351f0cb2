/* SPDX-License-Identifier: MIT */
/*
 * The order of a page's rows, as it is checked row by row: by page_packer.c for pages that
 * come in, by page_builder.c for those that go out. Pure; any thread.
 */
#ifndef CAIRN_FORMAT_PAGE_ORDER_H
#define CAIRN_FORMAT_PAGE_ORDER_H

#include "format/entry.h"

/* The place of the last row, which the next one must exceed. Zero-initialised: none yet. */
struct page_order {
	bool begun;
	struct span parent, name;
};
/* 0, ERR_CORRUPT or ERR_LIMIT: parent and name keep the rules and stand behind the last
 * place; the root is first or nowhere, and a directory. *column as in entry_check(). */
int page_order_check(const struct page_order *last, struct span parent, struct span name,
	enum entry_type type, const char **column);

#endif
