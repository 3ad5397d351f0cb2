/* SPDX-License-Identifier: MIT */
#include <config.h>

#include <string.h>

#include "cache/insert.h"
#include "source/decode.h"
#include "format/extent_list.h"
#include "format/page_json.h"

/* zstd's worst case (ZSTD_COMPRESSBOUND is size + size/256 + 64 for small ones), the frame
 * headers, and the delta's skippable frame. */
#define STORED_MAX(size) ((size) + ((size) >> 6) + 1024)

/* A leaf page is 30 KiB stored and 120 KiB as JSON on average; charging what a page may
 * take at most (8 MiB) would let seven of them fly in the default budget. The rare large
 * page is bounded by the number of workers instead. */
#define PAGE_COST (UINT64_C(256) << 10)
/* 4096 rows of 75 characters, and half of that stored. */
#define RECIPE_COST (UINT64_C(512) << 10)
/* A base is mostly an earlier bundle, of about 1 MiB. */
#define BASE_COST (UINT64_C(2) << 20)

static uint64_t content_max(enum blob_kind kind, uint64_t size)
{
	if (kind != BLOB_CHUNK)
		return PAGE_SIZE_MAX;
	return size && size < CHUNK_SIZE_MAX ? size : CHUNK_SIZE_MAX;
}

uint64_t decode_stored_max(enum blob_kind kind, uint64_t size)
{
	return STORED_MAX(content_max(kind, size));
}

uint64_t decode_cost(enum blob_kind kind, uint64_t size)
{
	if (kind == BLOB_PAGE)
		return PAGE_COST;
	if (kind == BLOB_RECIPE || kind == BLOB_EXTENTS)
		return RECIPE_COST;
	return size ? decode_stored_max(kind, size) + size : BASE_COST;
}

int decode_head(const struct decode *d, struct blob_head *head, struct trouble *t)
{
	uint64_t max = content_max(d->kind, d->size);
	struct blob_head h;
	int rc = blob_head_decode(d->stored, max, &h);

	if (rc == ERR_LIMIT)
		return trouble_set(t, ERR_CORRUPT, "it announces more than %llu bytes",
			(unsigned long long)max);
	if (rc)
		return trouble_set(t, ERR_CORRUPT, "it is not a blob");
	if (d->kind == BLOB_CHUNK && d->size && h.size != d->size)
		return trouble_set(t, ERR_CORRUPT, "it announces %llu bytes, not %llu",
			(unsigned long long)h.size, (unsigned long long)d->size);
	if (h.has_base && (d->kind != BLOB_CHUNK || !d->size))
		return trouble_set(t, ERR_CORRUPT, "it is a delta where none may be");
	*head = h;
	return 0;
}

static int blame(int rc, bool *wrong, struct trouble *t)
{
	*wrong = rc == ERR_CORRUPT;
	return trouble_set(t, rc, "%s",
		*wrong ? "it does not hold what its name says" : error_text(rc));
}

/* Verified bytes need no copy: they are decompressed where they stay. */
static int open_chunk(const struct decode *d, const struct blob_head *head,
	struct blob_codec *codec, struct span base, struct blob_buffer **out, bool *wrong,
	struct trouble *t)
{
	struct blob_buffer *a = blob_buffer_new(d->kind, &d->digest, head->size);
	int rc;

	if (!a)
		return blame(ERR_NO_MEMORY, wrong, t);
	rc = blob_decode(
		codec, d->stored, base, &d->digest, blob_buffer_data(a), head->size);
	if (rc) {
		blob_buffer_put(a);
		return blame(rc, wrong, t);
	}
	*out = a;
	return 0;
}

static int pack(const struct decode *d, struct span text, struct blob_buffer **out,
	struct trouble *t)
{
	struct bytes packed = {0};
	struct blob_buffer *a;
	int rc;

	if (d->kind == BLOB_PAGE)
		rc = page_json_decode(text, &packed, t);
	else if (d->kind == BLOB_RECIPE)
		rc = recipe_decode(text, &packed, t);
	else
		rc = extent_list_decode(text, &packed, t);
	if (rc)
		goto out;
	a = blob_buffer_new(d->kind, &d->digest, packed.size);
	if (!a) {
		rc = trouble_set(t, ERR_NO_MEMORY, "%s", error_text(ERR_NO_MEMORY));
		goto out;
	}
	memcpy(blob_buffer_data(a), packed.data, packed.size);
	*out = a;
out:
	bytes_release(&packed);
	return rc;
}

static int open_text(const struct decode *d, const struct blob_head *head,
	struct blob_codec *codec, struct blob_buffer **out, bool *wrong, struct trouble *t)
{
	struct bytes text = {0};
	int rc = bytes_reserve(&text, head->size ? head->size : 1);

	if (!rc)
		rc = blob_decode(codec, d->stored, (struct span){0}, &d->digest, text.data,
			head->size);
	if (rc) {
		rc = blame(rc, wrong, t);
	} else {
		*wrong = false;
		rc = pack(d, span_of(text.data, head->size), out, t);
	}
	bytes_release(&text);
	return rc;
}

int decode_content(const struct decode *d, const struct blob_head *head,
	struct blob_codec *codec, struct span base, struct blob_buffer **out, bool *wrong,
	struct trouble *t)
{
	if (d->kind == BLOB_CHUNK)
		return open_chunk(d, head, codec, base, out, wrong, t);
	return open_text(d, head, codec, out, wrong, t);
}
