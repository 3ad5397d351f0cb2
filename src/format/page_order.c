/* SPDX-License-Identifier: MIT */
#include <config.h>

#include "format/page_order.h"
#include "format/names.h"
#include "util/error.h"

int page_order_check(const struct page_order *last, struct span parent, struct span name,
	enum entry_type type, const char **column)
{
	bool same_run = last->begun && span_equal(last->parent, parent);
	bool root = name.size == 0 && parent.size == 0;

	*column = "parent";
	if (!same_run && path_check(parent))
		return ERR_CORRUPT;
	*column = "name";
	if (root ? last->begun || type != ENTRY_DIRECTORY : name_check(name))
		return ERR_CORRUPT;
	if (parent.size > 0 && parent.size + 1 + name.size > PATH_SIZE_MAX)
		return ERR_LIMIT;
	if (!last->begun)
		return 0;
	if (same_run)
		return span_compare(last->name, name) < 0 ? 0 : ERR_CORRUPT;
	*column = "parent";
	return path_compare(last->parent, parent) < 0 ? 0 : ERR_CORRUPT;
}
