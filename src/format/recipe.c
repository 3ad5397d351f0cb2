/* SPDX-License-Identifier: MIT */
#include <config.h>

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "format/recipe.h"
#include "format/blob.h"
#include "format/json.h"
#include "format/json_text.h"

/* Packed: header | rows. Ends are sums from the start, so that a search needs none. */
#define RECIPE_MAGIC 0x52504e43u /* "CNPR", little endian */
#define RECIPE_LAYOUT 1

struct recipe_header {
	uint32_t magic;
	uint16_t layout, level;
	uint32_t count, reserved;
	uint64_t chunks, bytes;
};

struct recipe_row {
	struct digest digest;
	uint64_t chunks_end, bytes_end;
};

static_assert(sizeof(struct recipe_header) == 32, "no hidden padding");
static_assert(sizeof(struct recipe_row) == 48, "no hidden padding");

int recipe_view(struct span packed, struct recipe *out)
{
	struct recipe_header h;

	if (packed.size < sizeof h)
		return ERR_CORRUPT;
	memcpy(&h, packed.data, sizeof h);
	if (h.magic != RECIPE_MAGIC || h.layout != RECIPE_LAYOUT ||
		h.level > RECIPE_LEVEL_MAX || h.count == 0 || h.count > RECIPE_ROWS ||
		packed.size != sizeof h + h.count * sizeof(struct recipe_row))
		return ERR_CORRUPT;
	*out = (struct recipe){
		.data = packed.data,
		.size = packed.size,
		.level = h.level,
		.count = h.count,
		.chunks = h.chunks,
		.bytes = h.bytes,
	};
	return 0;
}

static struct recipe_row recipe_row_at(const struct recipe *r, uint32_t index)
{
	struct recipe_row row;

	memcpy(&row, r->data + sizeof(struct recipe_header) + index * sizeof row,
		sizeof row);
	return row;
}

int recipe_at(const struct recipe *r, uint32_t index, struct recipe_hit *out)
{
	struct recipe_row row, before = {0};

	if (index >= r->count)
		return ERR_ABSENT;
	row = recipe_row_at(r, index);
	if (index > 0)
		before = recipe_row_at(r, index - 1);
	if (row.bytes_end <= before.bytes_end || row.chunks_end <= before.chunks_end)
		return ERR_CORRUPT;
	*out = (struct recipe_hit){
		.digest = row.digest,
		.ordinal = before.chunks_end,
		.start = before.bytes_end,
		.size = row.bytes_end - before.bytes_end,
		.chunks = row.chunks_end - before.chunks_end,
	};
	return 0;
}

int recipe_find(const struct recipe *r, uint64_t offset, struct recipe_hit *out)
{
	uint32_t low = 0, high = r->count;

	if (offset >= r->bytes)
		return ERR_ABSENT;
	while (low < high) {
		uint32_t middle = low + (high - low) / 2;

		if (recipe_row_at(r, middle).bytes_end > offset)
			high = middle;
		else
			low = middle + 1;
	}
	/* An offset within the bytes falls into a row, unless the record is rotten. */
	if (low == r->count)
		return ERR_CORRUPT;
	return recipe_at(r, low, out);
}

/* The chunks of a full recipe of `level`. */
static uint64_t full_chunks(unsigned level)
{
	uint64_t chunks = RECIPE_ROWS;

	while (level-- > 0)
		chunks *= RECIPE_ROWS;
	return chunks;
}

struct recipe_decoder {
	struct recipe_header header;
	struct bytes *packed;
	bool short_part; /* one that is not full was seen: it has to be the last */
};

static int add_row(struct recipe_decoder *d, const struct digest *digest, uint64_t chunks,
	uint64_t bytes)
{
	struct recipe_row row = {.digest = *digest};

	if (__builtin_add_overflow(d->header.chunks, chunks, &row.chunks_end) ||
		__builtin_add_overflow(d->header.bytes, bytes, &row.bytes_end) ||
		row.bytes_end > ENTRY_SIZE_MAX)
		return ERR_CORRUPT;
	d->header.chunks = row.chunks_end;
	d->header.bytes = row.bytes_end;
	d->header.count++;
	return bytes_append(d->packed, &row, sizeof row);
}

static int decode_chunk(struct recipe_decoder *d, const json_t *row)
{
	struct digest digest;
	uint64_t size;

	if (!json_is_array(row) || json_array_size(row) != 2 ||
		json_get_digest(json_array_get(row, 0), &digest) ||
		json_get_u64(json_array_get(row, 1), CHUNK_SIZE_MAX, &size) || size == 0)
		return ERR_CORRUPT;
	return add_row(d, &digest, 1, size);
}

static int decode_part(struct recipe_decoder *d, const json_t *row)
{
	struct digest digest;
	uint64_t chunks, bytes, full = full_chunks(d->header.level - 1u);
	uint64_t fewest;

	if (!json_is_array(row) || json_array_size(row) != 3 ||
		json_get_digest(json_array_get(row, 0), &digest) ||
		json_get_u64(json_array_get(row, 1), full, &chunks) || chunks == 0 ||
		json_get_u64(json_array_get(row, 2), ENTRY_SIZE_MAX, &bytes))
		return ERR_CORRUPT;
	/* Each chunk has 1..CHUNK_SIZE_MAX bytes; rounded up, without overflow. */
	fewest = bytes / CHUNK_SIZE_MAX + (bytes % CHUNK_SIZE_MAX != 0);
	if (bytes < chunks || fewest > chunks || d->short_part)
		return ERR_CORRUPT;
	d->short_part = chunks < full;
	return add_row(d, &digest, chunks, bytes);
}

static int decode_rows(struct recipe_decoder *d, const json_t *rows, struct trouble *t)
{
	size_t count = json_array_size(rows);
	int rc;

	if (!json_is_array(rows) || count == 0 || count > RECIPE_ROWS)
		return trouble_set(
			t, ERR_CORRUPT, "recipe: no rows, or over %d", RECIPE_ROWS);
	rc = bytes_reserve(d->packed,
		sizeof(struct recipe_header) + count * sizeof(struct recipe_row));
	if (!rc)
		rc = bytes_append(d->packed, &d->header, sizeof d->header);
	for (size_t i = 0; !rc && i < count; i++) {
		const json_t *row = json_array_get(rows, i);

		rc = d->header.level > 0 ? decode_part(d, row) : decode_chunk(d, row);
		if (rc)
			trouble_set(t, rc, "recipe: row %zu breaks the format", i);
	}
	return rc;
}

static int recipe_decode_root(
	struct recipe_decoder *d, const json_t *root, struct trouble *t)
{
	static const char *const leaf[] = {"cairn", "chunks", NULL};
	static const char *const inner[] = {"cairn", "level", "parts", NULL};
	const json_t *level = json_object_get(root, "level");
	uint64_t number = 0;
	struct span kind;

	if (json_get_string(json_object_get(root, "cairn"), 16, &kind) ||
		!span_equal(kind, span_of_string("recipe")))
		return trouble_set(t, ERR_CORRUPT, "recipe: it is not a recipe");
	if (json_only_members(root, level ? inner : leaf))
		return trouble_set(t, ERR_CORRUPT, "recipe: an unknown member");
	if (level && (json_get_u64(level, RECIPE_LEVEL_MAX, &number) || number == 0))
		return trouble_set(
			t, ERR_CORRUPT, "recipe: level is not in 1..%d", RECIPE_LEVEL_MAX);
	d->header.level = (uint16_t)number;
	return decode_rows(d, json_object_get(root, level ? "parts" : "chunks"), t);
}

int recipe_decode(struct span text, struct bytes *packed, struct trouble *t)
{
	struct recipe_decoder d = {
		.header = {.magic = RECIPE_MAGIC, .layout = RECIPE_LAYOUT},
		.packed = packed,
	};
	size_t before = packed->size;
	json_t *root = NULL;
	int rc;

	if (text.size > PAGE_SIZE_MAX)
		return trouble_set(t, ERR_LIMIT, "recipe: over %u bytes", PAGE_SIZE_MAX);
	rc = json_parse(text, &root, t);
	if (rc)
		return rc;
	rc = recipe_decode_root(&d, root, t);
	if (!rc)
		memcpy(packed->data + before, &d.header, sizeof d.header);
	else
		packed->size = before;
	json_decref(root);
	return rc;
}

/* One recipe that was built, as the level above lists it. */
struct part {
	struct digest digest;
	uint64_t chunks, bytes;
};

struct builder {
	recipe_emit_fn emit;
	void *ctx;
	struct json_text text;
};

static int recipe_emit(struct builder *b, struct part *out)
{
	struct span text;

	if (b->text.failed)
		return ERR_NO_MEMORY;
	text = span_of_bytes(&b->text.text);
	out->digest = digest_of(text.data, text.size);
	return b->emit(b->ctx, &out->digest, text);
}

static void write_row(struct builder *b, bool first, const struct digest *d)
{
	json_text_raw(&b->text, first ? "[" : ",[");
	json_text_digest(&b->text, d);
	json_text_raw(&b->text, ",");
}

static int build_leaf(
	struct builder *b, const struct chunk_ref *chunks, uint64_t count, struct part *out)
{
	*out = (struct part){.chunks = count};
	json_text_clear(&b->text);
	json_text_raw(&b->text, "{\"cairn\":\"recipe\",\"chunks\":[");
	for (uint64_t i = 0; i < count; i++) {
		write_row(b, i == 0, &chunks[i].digest);
		json_text_unsigned(&b->text, chunks[i].size);
		json_text_raw(&b->text, "]");
		out->bytes += chunks[i].size;
	}
	json_text_raw(&b->text, "]}");
	return recipe_emit(b, out);
}

static int build_inner(struct builder *b, unsigned level, const struct part *parts,
	uint64_t count, struct part *out)
{
	struct part sum = {0};
	int rc;

	json_text_clear(&b->text);
	json_text_raw(&b->text, "{\"cairn\":\"recipe\",\"level\":");
	json_text_unsigned(&b->text, level);
	json_text_raw(&b->text, ",\"parts\":[");
	for (uint64_t i = 0; i < count; i++) {
		write_row(b, i == 0, &parts[i].digest);
		json_text_unsigned(&b->text, parts[i].chunks);
		json_text_raw(&b->text, ",");
		json_text_unsigned(&b->text, parts[i].bytes);
		json_text_raw(&b->text, "]");
		sum.chunks += parts[i].chunks;
		sum.bytes += parts[i].bytes;
	}
	json_text_raw(&b->text, "]}");
	rc = recipe_emit(b, &sum);
	if (!rc)
		*out = sum;
	return rc;
}

/* How many recipes hold `count` rows. */
static uint64_t groups(uint64_t count)
{
	return count / RECIPE_ROWS + (count % RECIPE_ROWS != 0);
}

static uint64_t group_size(uint64_t count, uint64_t index)
{
	uint64_t left = count - index * RECIPE_ROWS;

	return left < RECIPE_ROWS ? left : RECIPE_ROWS;
}

/* Each level is written over the one below it. */
static int build_upwards(struct builder *b, struct part *parts, uint64_t count)
{
	int rc = 0;

	for (unsigned level = 1; !rc && count > 1; level++) {
		uint64_t above;

		if (level > RECIPE_LEVEL_MAX)
			return ERR_LIMIT;
		above = groups(count);
		for (uint64_t i = 0; !rc && i < above; i++)
			rc = build_inner(b, level, parts + i * RECIPE_ROWS,
				group_size(count, i), parts + i);
		count = above;
	}
	return rc;
}

static int check_chunks(const struct chunk_ref *chunks, uint64_t count)
{
	uint64_t bytes = 0;

	for (uint64_t i = 0; i < count; i++) {
		if (chunks[i].size == 0 || chunks[i].size > CHUNK_SIZE_MAX)
			return ERR_INVALID;
		if (__builtin_add_overflow(bytes, chunks[i].size, &bytes) ||
			bytes > ENTRY_SIZE_MAX)
			return ERR_LIMIT;
	}
	return count > OBJECT_LISTED_MAX ? 0 : ERR_INVALID;
}

int recipe_build(const struct chunk_ref *chunks, uint64_t count, recipe_emit_fn emit,
	void *ctx, struct digest *root)
{
	struct builder b = {.emit = emit, .ctx = ctx};
	int rc = check_chunks(chunks, count);
	uint64_t leaves;
	struct part *parts;

	if (rc)
		return rc;
	leaves = groups(count);
	parts = calloc(leaves, sizeof *parts);
	if (!parts)
		return ERR_NO_MEMORY;
	for (uint64_t i = 0; !rc && i < leaves; i++)
		rc = build_leaf(
			&b, chunks + i * RECIPE_ROWS, group_size(count, i), parts + i);
	if (!rc)
		rc = build_upwards(&b, parts, leaves);
	if (!rc)
		*root = parts[0].digest;
	bytes_release(&b.text.text);
	free(parts);
	return rc;
}
