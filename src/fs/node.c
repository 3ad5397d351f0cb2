/* SPDX-License-Identifier: MIT */
#include <config.h>

#include "fs/node.h"

#include <fuse_lowlevel.h>

#include "util/error.h"

int node_locate(struct node_table *table, uint64_t id, struct node *out)
{
	struct node n = {.id = id, .is_root = id == FUSE_ROOT_ID};
	int rc = n.is_root ? 0 : node_table_find(table, id, &n.leaf, &n.row);

	if (!rc)
		*out = n;
	return rc;
}

int node_entry(const struct node *n, const struct page_source *pages,
	const struct digest *root, struct entry *e)
{
	static const struct span empty = {NULL, 0};
	struct place place;
	struct page page;
	int rc;

	if (n->is_root) {
		rc = tree_find(pages, root, empty, empty, &place, e);
		return rc == ERR_ABSENT ? ERR_CORRUPT : rc;
	}
	rc = pages->page(pages->ctx, &n->leaf, &page);
	if (rc)
		return rc;
	if (page.level != 0 || n->row >= page.count)
		return ERR_CORRUPT;
	return page_entry(&page, n->row, e);
}
