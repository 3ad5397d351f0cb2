/* SPDX-License-Identifier: MIT */
#include <config.h>

#include <string.h>

#include "cache/file_map.h"

/* Where a search in a file's lists stands. */
struct file_position {
	struct extent_list list;
	uint32_t row;
	uint64_t before; /* bytes of the slice before the list */
};

static int file_root(struct attempt *a, const struct entry *e, struct extent_list *out)
{
	int rc = attempt_extents(a, &e->run_list.digest, out);

	if (!rc && !extent_list_is_root(out, &e->run_list, e->size))
		rc = ERR_CORRUPT;
	return rc;
}

/* From a list to the part at its row. */
static int file_descend(
	struct attempt *a, struct file_position *p, const struct extent_part *part)
{
	struct extent_list below;
	int rc = attempt_extents(a, &part->digest, &below);

	if (!rc && !extent_list_is_part(&p->list, part, &below))
		rc = ERR_CORRUPT;
	if (rc)
		return rc;
	p->list = below;
	p->before += part->before;
	return 0;
}

/* The piece of a hole that a part begins behind. */
static struct piece hole_to(uint64_t offset, uint64_t end)
{
	return (struct piece){.hole = true, .size = end - offset};
}

static int map_in_lists(
	struct attempt *a, const struct entry *e, uint64_t offset, struct piece *out)
{
	struct file_position p = {.before = e->offset};
	struct extent_part part;
	int rc = file_root(a, e, &p.list);

	while (!rc) {
		p.row = extent_list_find(&p.list, offset);
		if (p.row == p.list.count) {
			*out = hole_to(offset, e->size);
			return 0;
		}
		if (p.list.level == 0)
			break;
		rc = extent_list_part(&p.list, p.row, &part);
		if (!rc && part.span.first > offset) {
			*out = hole_to(offset, part.span.first);
			return 0;
		}
		if (!rc)
			rc = file_descend(a, &p, &part);
	}
	if (rc)
		return rc;
	*out = extents_map(p.list.rows, p.list.count, e->size, offset);
	if (!out->hole)
		out->object_offset += p.before;
	return 0;
}

int file_map(struct attempt *a, const struct entry *e, uint64_t offset, struct piece *out)
{
	if (e->run_list.count > 0)
		return map_in_lists(a, e, offset, out);
	*out = entry_map(e, offset);
	return 0;
}

/* Between two runs of a list is a hole, so two pieces tell. */
static int seek_in_lists(
	struct attempt *a, const struct entry *e, uint64_t offset, bool data, uint64_t *out)
{
	struct piece piece;
	int rc = offset < e->size ? map_in_lists(a, e, offset, &piece) : ERR_ABSENT;

	if (rc)
		return rc;
	if (piece.hole == data)
		offset += piece.size;
	if (data && offset == e->size)
		return ERR_ABSENT;
	*out = offset;
	return 0;
}

int file_seek(
	struct attempt *a, const struct entry *e, uint64_t offset, bool data, uint64_t *out)
{
	return e->run_list.count > 0 ? seek_in_lists(a, e, offset, data, out)
				     : entry_seek(e, offset, data, out);
}

static size_t lesser(uint64_t a, uint64_t b)
{
	return (size_t)(a < b ? a : b);
}

int file_read(struct attempt *a, const struct entry *e, uint64_t offset, void *buffer,
	size_t size, size_t *done)
{
	size_t total = offset >= e->size ? 0 : lesser(e->size - offset, size);
	size_t at = 0;
	bool missing = false;

	while (at < total) {
		struct piece piece;
		size_t n;
		int rc = file_map(a, e, offset + at, &piece);

		if (rc)
			return rc;
		n = lesser(piece.size, total - at);
		if (piece.hole)
			memset((uint8_t *)buffer + at, 0, n);
		else
			rc = attempt_read(a, &e->object, piece.object_offset,
				(uint8_t *)buffer + at, n);
		if (rc == ERR_PENDING)
			missing = true;
		else if (rc)
			return rc == ERR_ABSENT ? ERR_CORRUPT : rc;
		if (missing && a->want_count == WANTS_MAX)
			break;
		at += n;
	}
	if (missing)
		return ERR_PENDING;
	*done = total;
	return 0;
}

/* The lists from row `row` of `list` on: as many as may be wanted. */
static void hint_parts(
	struct attempt *a, const struct extent_list *list, uint32_t row, uint64_t end)
{
	struct extent_part part;

	for (; row < list->count && a->want_count < WANTS_MAX; row++) {
		if (extent_list_part(list, row, &part) || part.span.first >= end)
			return;
		(void)attempt_hint_extents(a, &part.digest);
	}
}

/* Down to the list of level 0 at `offset`; *next: where what it says ends. */
static int bring_at(struct attempt *a, const struct entry *e, uint64_t offset, uint64_t end,
	uint64_t *next)
{
	struct file_position p = {0};
	struct extent_part part;
	int rc = file_root(a, e, &p.list);

	*next = e->size;
	while (!rc && p.list.level > 0) {
		p.row = extent_list_find(&p.list, offset);
		if (p.row == p.list.count)
			return 0;
		rc = extent_list_part(&p.list, p.row, &part);
		if (rc || part.span.first >= end)
			return rc;
		*next = part.span.end;
		rc = file_descend(a, &p, &part);
		if (rc == ERR_PENDING)
			hint_parts(a, &p.list, p.row + 1, end);
	}
	return rc;
}

int file_map_bring(struct attempt *a, const struct entry *e, uint64_t *offset, uint64_t end)
{
	if (e->run_list.count == 0)
		*offset = e->size;
	for (unsigned lists = 0; *offset < end && lists < WANTS_MAX; lists++) {
		uint64_t next;
		int rc = bring_at(a, e, *offset, end, &next);

		if (rc)
			return rc;
		*offset = next;
	}
	return 0;
}
