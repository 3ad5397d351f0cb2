/* SPDX-License-Identifier: MIT */
#include <config.h>

#include <string.h>

#include "util/error.h"
#include "util/lmdb_page.h"

_Static_assert(sizeof(struct lmdb_page) == sizeof(size_t) + 8, "mdb.c's MDB_page");
_Static_assert(sizeof(struct lmdb_node) == 8, "mdb.c's MDB_node");

size_t lmdb_node_data_size(const struct lmdb_node *n)
{
#if __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
	return (size_t)n->hi | (size_t)n->lo << 16;
#else
	return (size_t)n->lo | (size_t)n->hi << 16;
#endif
}

size_t lmdb_node_child(const struct lmdb_node *n)
{
	size_t number = lmdb_node_data_size(n);

#if SIZE_MAX > UINT32_MAX
	number |= (size_t)n->flags << 32;
#endif
	return number;
}

static size_t node_size(const struct lmdb_node *n, bool leaf)
{
	size_t data = !leaf		     ? 0
		      : n->flags & F_BIGDATA ? sizeof(size_t)
					     : lmdb_node_data_size(n);

	return (sizeof *n + n->key_size + data + 1) & ~(size_t)1;
}

static size_t node_offset(const uint8_t *page, size_t i)
{
	uint16_t at;

	memcpy(&at, page + sizeof(struct lmdb_page) + i * sizeof at, sizeof at);
	return at;
}

const uint8_t *lmdb_page_node(const uint8_t *page, size_t i, struct lmdb_node *out)
{
	const uint8_t *node = page + node_offset(page, i);

	memcpy(out, node, sizeof *out);
	return node;
}

/* The bytes of a node are taken for it alone; 0: they are not there. */
static size_t take_node(
	const uint8_t *page, size_t size, size_t i, bool leaf, uint8_t *used)
{
	const struct lmdb_page *h = (const struct lmdb_page *)page;
	size_t at = node_offset(page, i), bytes;
	struct lmdb_node n;

	if (at % 2 || at < h->upper || at > size - sizeof n)
		return 0;
	lmdb_page_node(page, i, &n);
	bytes = node_size(&n, leaf);
	if (bytes > size - at || memchr(used + at, 1, bytes))
		return 0;
	memset(used + at, 1, bytes);
	return bytes;
}

int lmdb_page_check(const uint8_t *page, size_t size, size_t number, bool leaf,
	uint8_t *used, size_t *count)
{
	const struct lmdb_page *h = (const struct lmdb_page *)page;
	size_t nodes, taken, sum = 0;

	if (h->number != number || h->flags != (leaf ? P_LEAF : P_BRANCH) ||
		h->lower <= sizeof *h || h->lower % 2 || h->lower > h->upper ||
		h->upper > size)
		return ERR_CORRUPT;
	nodes = (h->lower - sizeof *h) / sizeof(uint16_t);
	memset(used, 0, size);
	for (size_t i = 0; i < nodes; i++) {
		taken = take_node(page, size, i, leaf, used);
		if (!taken)
			return ERR_CORRUPT;
		sum += taken;
	}
	if (sum != size - h->upper)
		return ERR_CORRUPT;
	*count = nodes;
	return 0;
}
