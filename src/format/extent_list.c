/* SPDX-License-Identifier: MIT */
#include <config.h>

#include <assert.h>
#include <string.h>

#include "format/blob.h"
#include "format/extent_list.h"
#include "format/json.h"

/* Packed: header | rows: extents' records, or parts. */
#define EXTENT_LIST_MAGIC 0x58504e43u /* "CNPX", little endian */
#define EXTENT_LIST_LAYOUT 1

struct extent_list_header {
	uint32_t magic;
	uint16_t layout, level;
	uint32_t count, reserved;
	struct extent_span span;
};

/* Sums are from the start, so that a search needs none. */
struct extent_part_row {
	struct digest digest;
	uint64_t first, end;
	uint64_t runs_end, bytes_end;
};

static_assert(sizeof(struct extent_list_header) == 48, "no hidden padding");
static_assert(sizeof(struct extent_part_row) == 64, "no hidden padding");

static size_t extent_row_size(unsigned level)
{
	return level > 0 ? sizeof(struct extent_part_row) : EXTENT_RECORD_SIZE;
}

int extent_list_view(struct span packed, struct extent_list *out)
{
	struct extent_list_header h;

	if (packed.size < sizeof h)
		return ERR_CORRUPT;
	memcpy(&h, packed.data, sizeof h);
	if (h.magic != EXTENT_LIST_MAGIC || h.layout != EXTENT_LIST_LAYOUT ||
		h.level > EXTENT_LIST_LEVEL_MAX || h.count == 0 ||
		h.count > EXTENT_LIST_ROWS ||
		packed.size != sizeof h + h.count * extent_row_size(h.level))
		return ERR_CORRUPT;
	*out = (struct extent_list){
		.level = h.level,
		.count = h.count,
		.span = h.span,
		.rows = packed.data + sizeof h,
	};
	return 0;
}

static struct extent_part_row extent_part_at(const struct extent_list *l, uint32_t index)
{
	struct extent_part_row row;

	memcpy(&row, l->rows + (size_t)index * sizeof row, sizeof row);
	return row;
}

static uint32_t find_part(const struct extent_list *l, uint64_t offset)
{
	uint32_t low = 0, high = l->count;

	while (low < high) {
		uint32_t middle = low + (high - low) / 2;

		if (extent_part_at(l, middle).end > offset)
			high = middle;
		else
			low = middle + 1;
	}
	return low;
}

uint32_t extent_list_find(const struct extent_list *l, uint64_t offset)
{
	return l->level > 0 ? find_part(l, offset)
			    : extents_find(l->rows, l->count, offset);
}

int extent_list_part(const struct extent_list *l, uint32_t index, struct extent_part *out)
{
	struct extent_part_row row, before = {0};

	if (l->level == 0 || index >= l->count)
		return ERR_CORRUPT;
	row = extent_part_at(l, index);
	if (index > 0)
		before = extent_part_at(l, index - 1);
	if (row.end <= row.first || row.runs_end <= before.runs_end ||
		row.bytes_end <= before.bytes_end)
		return ERR_CORRUPT;
	*out = (struct extent_part){
		.digest = row.digest,
		.span = {.first = row.first,
			.end = row.end,
			.runs = row.runs_end - before.runs_end,
			.bytes = row.bytes_end - before.bytes_end},
		.before = before.bytes_end,
	};
	return 0;
}

bool extent_list_is_part(const struct extent_list *upper, const struct extent_part *part,
	const struct extent_list *l)
{
	return l->level + 1 == upper->level &&
	       memcmp(&l->span, &part->span, sizeof l->span) == 0;
}

bool extent_list_is_root(
	const struct extent_list *l, const struct extents_ref *ref, uint64_t size)
{
	return l->span.runs == ref->count && l->span.bytes == ref->size &&
	       l->span.end <= size;
}

struct extent_list_decoder {
	struct extent_list_header header;
	struct bytes *packed;
	size_t rows; /* where in `packed` they begin */
};

/* Behind all that came before, with a hole between, and within what a file may be. */
static bool extent_span_follows(
	const struct extent_list_header *h, const struct extent_span *next)
{
	return next->end > next->first && next->end <= ENTRY_SIZE_MAX &&
	       (h->count == 0 || next->first > h->span.end);
}

static int add_span(struct extent_list_decoder *d, const struct extent_span *next)
{
	struct extent_span *span = &d->header.span;

	if (!extent_span_follows(&d->header, next) ||
		next->runs > EXTENT_RUNS_MAX - span->runs)
		return ERR_CORRUPT;
	if (d->header.count == 0)
		span->first = next->first;
	span->end = next->end;
	span->runs += next->runs;
	span->bytes += next->bytes; /* parts of a file: no overflow */
	d->header.count++;
	return 0;
}

static int decode_extent(struct extent_list_decoder *d, const json_t *row)
{
	struct extent x;
	struct extent_span span = {.runs = 1};
	int rc;

	if (!json_is_array(row) || json_array_size(row) != 2 ||
		json_get_u64(json_array_get(row, 0), ENTRY_SIZE_MAX, &x.offset) ||
		json_get_u64(json_array_get(row, 1), ENTRY_SIZE_MAX, &x.size))
		return ERR_CORRUPT;
	span.first = x.offset;
	span.bytes = x.size;
	span.end = x.offset + x.size; /* each below 2^63 */
	rc = add_span(d, &span);
	if (!rc)
		extent_put(d->packed->data + d->rows, d->header.count - 1, &x);
	return rc;
}

/* What a list of `level` holds at most. */
static uint64_t extent_runs_max(unsigned level)
{
	uint64_t runs = EXTENT_LIST_ROWS;

	while (level-- > 0)
		runs *= EXTENT_LIST_ROWS;
	return runs < EXTENT_RUNS_MAX ? runs : EXTENT_RUNS_MAX;
}

/* Each run has a byte, and so has each hole between two. */
static bool part_good(const struct extent_span *s)
{
	uint64_t reach = s->end - s->first;

	return s->end > s->first && s->runs > 0 && s->bytes >= s->runs &&
	       s->bytes <= reach && reach - s->bytes >= s->runs - 1;
}

static int decode_extent_part(struct extent_list_decoder *d, const json_t *row)
{
	uint64_t most = extent_runs_max(d->header.level - 1u);
	struct extent_part_row out;
	struct extent_span span;
	int rc;

	if (!json_is_array(row) || json_array_size(row) != 5 ||
		json_get_digest(json_array_get(row, 0), &out.digest) ||
		json_get_u64(json_array_get(row, 1), ENTRY_SIZE_MAX, &span.first) ||
		json_get_u64(json_array_get(row, 2), ENTRY_SIZE_MAX, &span.end) ||
		json_get_u64(json_array_get(row, 3), most, &span.runs) ||
		json_get_u64(json_array_get(row, 4), ENTRY_SIZE_MAX, &span.bytes) ||
		!part_good(&span))
		return ERR_CORRUPT;
	rc = add_span(d, &span);
	if (rc)
		return rc;
	out.first = span.first;
	out.end = span.end;
	out.runs_end = d->header.span.runs;
	out.bytes_end = d->header.span.bytes;
	memcpy(d->packed->data + d->rows + (d->header.count - 1) * sizeof out, &out,
		sizeof out);
	return 0;
}

static int decode_extent_rows(
	struct extent_list_decoder *d, const json_t *rows, struct trouble *t)
{
	size_t count = json_array_size(rows), size;
	int rc;

	if (!json_is_array(rows) || count == 0 || count > EXTENT_LIST_ROWS)
		return trouble_set(t, ERR_CORRUPT, "list of extents: no rows, or over %d",
			EXTENT_LIST_ROWS);
	size = sizeof d->header + count * extent_row_size(d->header.level);
	rc = bytes_reserve(d->packed, size);
	if (rc)
		return trouble_set(t, rc, "list of extents: no memory to decode it");
	for (size_t i = 0; i < count; i++) {
		const json_t *row = json_array_get(rows, i);

		rc = d->header.level > 0 ? decode_extent_part(d, row)
					 : decode_extent(d, row);
		if (rc)
			return trouble_set(
				t, rc, "list of extents: row %zu breaks the format", i);
	}
	memcpy(d->packed->data + d->packed->size, &d->header, sizeof d->header);
	d->packed->size += size;
	return 0;
}

static int decode_extent_root(
	struct extent_list_decoder *d, const json_t *root, struct trouble *t)
{
	static const char *const leaf[] = {"cairn", "runs", NULL};
	static const char *const inner[] = {"cairn", "level", "parts", NULL};
	const json_t *level = json_object_get(root, "level");
	uint64_t number = 0;
	struct span kind;

	if (json_get_string(json_object_get(root, "cairn"), 16, &kind) ||
		!span_equal(kind, span_of_string("extents")))
		return trouble_set(
			t, ERR_CORRUPT, "list of extents: it is not a list of extents");
	if (json_only_members(root, level ? inner : leaf))
		return trouble_set(t, ERR_CORRUPT, "list of extents: an unknown member");
	if (level && (json_get_u64(level, EXTENT_LIST_LEVEL_MAX, &number) || number == 0))
		return trouble_set(t, ERR_CORRUPT, "list of extents: level is not in 1..%d",
			EXTENT_LIST_LEVEL_MAX);
	d->header.level = (uint16_t)number;
	return decode_extent_rows(d, json_object_get(root, level ? "parts" : "runs"), t);
}

int extent_list_decode(struct span text, struct bytes *packed, struct trouble *t)
{
	struct extent_list_decoder d = {
		.header = {.magic = EXTENT_LIST_MAGIC, .layout = EXTENT_LIST_LAYOUT},
		.packed = packed,
		.rows = packed->size + sizeof d.header,
	};
	json_t *root = NULL;
	int rc;

	if (text.size > PAGE_SIZE_MAX)
		return trouble_set(
			t, ERR_LIMIT, "list of extents: over %u bytes", PAGE_SIZE_MAX);
	rc = json_parse(text, &root, t);
	if (rc)
		return rc;
	rc = decode_extent_root(&d, root, t);
	json_decref(root);
	return rc;
}
