/* SPDX-License-Identifier: MIT */
#include <config.h>

#include <stdlib.h>
#include <string.h>

#include "format/extent_list_builder.h"
#include "format/json_text.h"

/* A list that was made, as the level above has it. */
struct extent_made {
	struct digest digest;
	struct extent_span span;
};

struct extent_list_builder {
	extent_list_emit_fn emit;
	void *ctx;
	struct extent last; /* size 0: none yet; it may still grow */
	uint64_t runs, size;
	struct bytes records; /* the first EXTENT_COUNT_MAX runs */
	uint32_t record_count;
	struct json_text leaf, row, inner;
	uint32_t leaf_rows;
	struct extent_span leaf_span;
	/* parts[N]: lists of level N that no list names yet. */
	struct extent_made *parts[EXTENT_LIST_LEVEL_MAX + 1];
	uint32_t part_counts[EXTENT_LIST_LEVEL_MAX + 1];
};

struct extent_list_builder *extent_list_builder_new(void)
{
	return calloc(1, sizeof(struct extent_list_builder));
}

void extent_list_builder_free(struct extent_list_builder *b)
{
	if (!b)
		return;
	bytes_release(&b->records);
	bytes_release(&b->leaf.text);
	bytes_release(&b->row.text);
	bytes_release(&b->inner.text);
	for (unsigned i = 0; i <= EXTENT_LIST_LEVEL_MAX; i++)
		free(b->parts[i]);
	free(b);
}

void extent_list_builder_reset(
	struct extent_list_builder *b, extent_list_emit_fn emit, void *ctx)
{
	b->emit = emit;
	b->ctx = ctx;
	b->last = (struct extent){0};
	b->runs = b->size = 0;
	b->record_count = b->leaf_rows = 0;
	memset(b->part_counts, 0, sizeof b->part_counts);
}

static int emit_extent_list(
	struct extent_list_builder *b, const struct json_text *text, struct digest *name)
{
	struct span span = span_of_bytes(&text->text);

	if (text->failed)
		return ERR_NO_MEMORY;
	*name = digest_of(span.data, span.size);
	return b->emit(b->ctx, name, span);
}

static int add_extent_part(
	struct extent_list_builder *b, unsigned level, const struct extent_made *part);

static void write_extent_part(struct json_text *t, const struct extent_made *part)
{
	const uint64_t numbers[] = {
		part->span.first, part->span.end, part->span.runs, part->span.bytes};

	json_text_raw(t, "[");
	json_text_digest(t, &part->digest);
	for (size_t i = 0; i < sizeof numbers / sizeof numbers[0]; i++) {
		json_text_raw(t, ",");
		json_text_unsigned(t, numbers[i]);
	}
	json_text_raw(t, "]");
}

/* Writes the list of what waits at `level`; it waits at the level above then. */
static int flush_extent_parts(struct extent_list_builder *b, unsigned level)
{
	const struct extent_made *parts = b->parts[level];
	uint32_t count = b->part_counts[level];
	struct extent_made up = {
		.span = {.first = parts[0].span.first, .end = parts[count - 1].span.end}};
	int rc;

	if (level == EXTENT_LIST_LEVEL_MAX)
		return ERR_LIMIT;
	json_text_clear(&b->inner);
	json_text_raw(&b->inner, "{\"cairn\":\"extents\",\"level\":");
	json_text_unsigned(&b->inner, level + 1);
	json_text_raw(&b->inner, ",\"parts\":[");
	for (uint32_t i = 0; i < count; i++) {
		if (i > 0)
			json_text_raw(&b->inner, ",");
		write_extent_part(&b->inner, &parts[i]);
		up.span.runs += parts[i].span.runs;
		up.span.bytes += parts[i].span.bytes;
	}
	json_text_raw(&b->inner, "]}");
	rc = emit_extent_list(b, &b->inner, &up.digest);
	if (rc)
		return rc;
	b->part_counts[level] = 0;
	return add_extent_part(b, level + 1, &up);
}

/* Full ones are written only when another comes: the last of a level may be the root. */
static int add_extent_part(
	struct extent_list_builder *b, unsigned level, const struct extent_made *part)
{
	int rc = 0;

	if (!b->parts[level])
		b->parts[level] = calloc(EXTENT_LIST_ROWS, sizeof *b->parts[level]);
	if (!b->parts[level])
		return ERR_NO_MEMORY;
	if (b->part_counts[level] == EXTENT_LIST_ROWS)
		rc = flush_extent_parts(b, level);
	if (!rc)
		b->parts[level][b->part_counts[level]++] = *part;
	return rc;
}

static int flush_extent_leaf(struct extent_list_builder *b)
{
	struct extent_made made = {.span = b->leaf_span};
	int rc;

	json_text_raw(&b->leaf, "]}");
	rc = emit_extent_list(b, &b->leaf, &made.digest);
	if (rc)
		return rc;
	b->leaf_rows = 0;
	return add_extent_part(b, 0, &made);
}

static bool cut_behind(const struct json_text *row)
{
	struct digest d = digest_of(row->text.data, row->text.size);
	uint32_t word = (uint32_t)d.bytes[0] << 24 | (uint32_t)d.bytes[1] << 16 |
			(uint32_t)d.bytes[2] << 8 | d.bytes[3];

	return word < UINT32_MAX / EXTENT_LIST_CUT_ONE_IN + 1;
}

static int put_extent_row(struct extent_list_builder *b, const struct extent *run)
{
	bool full;

	json_text_clear(&b->row);
	json_text_raw(&b->row, "[");
	json_text_unsigned(&b->row, run->offset);
	json_text_raw(&b->row, ",");
	json_text_unsigned(&b->row, run->size);
	json_text_raw(&b->row, "]");
	if (b->leaf_rows == 0) {
		b->leaf_span = (struct extent_span){.first = run->offset};
		json_text_clear(&b->leaf);
		json_text_raw(&b->leaf, "{\"cairn\":\"extents\",\"runs\":[");
	} else {
		json_text_raw(&b->leaf, ",");
	}
	json_text_join(&b->leaf, &b->row);
	b->leaf_rows++;
	b->leaf_span.end = run->offset + run->size;
	b->leaf_span.runs++;
	b->leaf_span.bytes += run->size;
	full = b->leaf_rows == EXTENT_LIST_ROWS ||
	       (b->leaf_rows >= EXTENT_LIST_MIN && cut_behind(&b->row));
	return full ? flush_extent_leaf(b) : 0;
}

/* There are more than an entry holds: those that were kept are the list's first. */
static int begin_extent_list(struct extent_list_builder *b)
{
	int rc = 0;

	for (uint32_t i = 0; !rc && i < b->record_count; i++) {
		struct extent run = extent_at(b->records.data, i);

		rc = put_extent_row(b, &run);
	}
	return rc;
}

static int keep_extent(struct extent_list_builder *b, const struct extent *run)
{
	size_t size = ((size_t)b->record_count + 1) * EXTENT_RECORD_SIZE;

	b->records.size = size - EXTENT_RECORD_SIZE;
	if (bytes_reserve(&b->records, EXTENT_RECORD_SIZE))
		return ERR_NO_MEMORY;
	extent_put(b->records.data, b->record_count++, run);
	b->records.size = size;
	return 0;
}

/* The last run grows no more. */
static int end_extent(struct extent_list_builder *b)
{
	int rc = 0;

	if (b->last.size == 0)
		return 0;
	if (b->runs == EXTENT_RUNS_MAX)
		return ERR_LIMIT;
	b->runs++;
	b->size += b->last.size;
	if (b->runs <= EXTENT_COUNT_MAX)
		return keep_extent(b, &b->last);
	if (b->runs == EXTENT_COUNT_MAX + 1)
		rc = begin_extent_list(b);
	return rc ? rc : put_extent_row(b, &b->last);
}

int extent_list_builder_add(struct extent_list_builder *b, struct extent run)
{
	uint64_t end = b->last.offset + b->last.size;
	int rc;

	if (run.size == 0 || run.offset < end || run.offset > ENTRY_SIZE_MAX ||
		run.size > ENTRY_SIZE_MAX - run.offset)
		return ERR_INVALID;
	if (b->last.size > 0 && run.offset == end) {
		b->last.size += run.size;
		return 0;
	}
	rc = end_extent(b);
	if (!rc)
		b->last = run;
	return rc;
}

/* Upwards, until one is left. */
static int finish_extent_list(struct extent_list_builder *b, struct digest *root)
{
	int rc = b->leaf_rows > 0 ? flush_extent_leaf(b) : 0;
	unsigned level = 0;

	while (!rc && level < EXTENT_LIST_LEVEL_MAX &&
		(b->part_counts[level] != 1 || b->part_counts[level + 1] > 0)) {
		if (b->part_counts[level] > 0)
			rc = flush_extent_parts(b, level);
		level++;
	}
	if (!rc && b->part_counts[level] != 1)
		rc = ERR_LIMIT;
	if (!rc)
		*root = b->parts[level][0].digest;
	return rc;
}

int extent_list_builder_finish(struct extent_list_builder *b, struct extents_made *out)
{
	struct extents_made made = {0};
	int rc = end_extent(b);

	if (!rc && b->runs > EXTENT_COUNT_MAX)
		rc = finish_extent_list(b, &made.list.digest);
	if (rc)
		return rc;
	b->last = (struct extent){0};
	made.size = b->size;
	if (b->runs > EXTENT_COUNT_MAX) {
		made.list.count = b->runs;
		made.list.size = b->size;
	} else {
		made.count = (uint32_t)b->runs;
		made.extents = b->records.data;
	}
	*out = made;
	return 0;
}
