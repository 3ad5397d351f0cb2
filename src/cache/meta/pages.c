/* SPDX-License-Identifier: MIT */
#include <config.h>

#include <string.h>
#include <sys/random.h>
#include <unistd.h>

#include "cache/write/writer.h"
#include "cache/insert.h"
#include "cache/meta/pages.h"

#define SHARE 4			      /* pages take at most 1/4 of the quota ... */
#define SHARE_MIN (UINT64_C(4) << 20) /* ... but at least so many bytes */
#define LMDB_PAGE 4096
#define ROW_OVERHEAD 64	   /* key, node and page headers, our own heads */
#define THIN_ROWS_MAX 4096 /* in one transaction */

static uint64_t digest_word(const struct digest *d, unsigned index)
{
	uint64_t v;

	memcpy(&v, d->bytes + index * sizeof(v), sizeof(v));
	return v;
}

/* The slot with that tag, else the one that it is to have: a free one, or one at random. */
static atomic_uint_least64_t *slot_of(struct cache *c, const struct digest *digest)
{
	atomic_uint_least64_t *set = c->verified[digest_word(digest, 0) % VERIFIED_SETS];
	uint64_t tag = digest_word(digest, 1);

	for (unsigned i = 0; i < VERIFIED_WAYS; i++) {
		uint64_t held = atomic_load_explicit(&set[i], memory_order_relaxed);

		if (held == tag || held == 0)
			return &set[i];
	}
	return &set[digest_word(digest, 2) % VERIFIED_WAYS];
}

/* A page that an other version of this program packed is as good as rotten. */
static int check_view(struct span value)
{
	enum blob_kind kind;
	struct span packed;
	struct recipe recipe;
	struct page page;
	int rc = page_record_decode(value, &kind, &packed);

	if (rc)
		return rc;
	return kind == BLOB_PAGE ? page_view(packed, &page) : recipe_view(packed, &recipe);
}

static int verify_once(struct cache *c, const struct digest *digest, struct span value)
{
	atomic_uint_least64_t *slot = slot_of(c, digest);
	uint64_t tag = digest_word(digest, 1);

	if (atomic_load_explicit(slot, memory_order_relaxed) == tag)
		return 0;
	if (metadata_check(value) || check_view(value))
		return ERR_CORRUPT;
	atomic_store_explicit(slot, tag, memory_order_relaxed);
	return 0;
}

int pages_get(struct cache *c, MDB_txn *txn, const struct digest *digest,
	enum blob_kind *kind, struct span *packed)
{
	char hex[DIGEST_HEX_SIZE];
	struct span value;
	int rc = metadata_get_unchecked(
		c->metadata, txn, TABLE_PAGES, span_of_digest(digest), &value);

	if (!rc)
		rc = verify_once(c, digest, value);
	if (!rc)
		rc = page_record_decode(value, kind, packed);
	if (rc != ERR_CORRUPT)
		return rc;
	digest_to_hex(digest, hex);
	log_warning(c->log, "cache: page %s is rotten: thrown out", hex);
	committer_drop_page(c->committer, digest);
	return ERR_ABSENT;
}

/* What a page takes in LMDB: whole pages of its own when it is large. */
static uint64_t room_of(uint64_t size)
{
	uint64_t bytes = size + ROW_OVERHEAD;

	if (bytes < LMDB_PAGE / 2)
		return bytes * 2; /* leaves are half full at worst */
	return (bytes + LMDB_PAGE - 1) / LMDB_PAGE * LMDB_PAGE;
}

static uint64_t room_of_batch(const struct batch *b)
{
	uint64_t sum = 0;

	for (size_t i = 0; i < b->page_count; i++)
		sum += room_of(blob_buffer_span(b->pages[i]).size);
	return sum;
}

static int next_page(
	struct room *r, struct span from, struct digest *digest, uint64_t *size)
{
	struct metadata_cursor cursor = {0};
	struct span key;
	MDB_val raw;
	int rc = metadata_next(
		r->cache->metadata, r->txn, TABLE_PAGES, from, &cursor, &key, &raw);

	if (!rc && key.size != DIGEST_SIZE)
		rc = ERR_ABSENT;
	if (!rc) {
		memcpy(digest->bytes, key.data, DIGEST_SIZE);
		*size = raw.mv_size;
	}
	metadata_cursor_close(&cursor);
	return rc;
}

int pages_thin(struct room *r, uint64_t bytes)
{
	struct digest at;
	uint64_t freed = 0, size = 0;
	bool wrapped = false;
	int rc = 0;

	if (getentropy(at.bytes, sizeof(at.bytes)))
		at = (struct digest){{0}};
	for (unsigned i = 0; i < THIN_ROWS_MAX && freed < bytes && !rc; i++) {
		rc = next_page(r, span_of_digest(&at), &at, &size);
		if (rc == ERR_ABSENT && !wrapped) {
			wrapped = true;
			at = (struct digest){{0}};
			rc = next_page(r, span_of_digest(&at), &at, &size);
		}
		if (!rc)
			rc = metadata_delete(r->cache->metadata, r->txn, TABLE_PAGES,
				span_of_digest(&at));
		freed += room_of(size);
	}
	return rc == ERR_ABSENT ? 0 : rc;
}

/* Room for `need` more bytes of pages, or ERR_NO_SPACE. LMDB uses its free pages again
 * only after a while and where they are in one run, so the file may grow nonetheless. */
static int make_room(struct room *r, uint64_t need)
{
	uint64_t free_bytes = metadata_free_bytes(r->cache->metadata);
	uint64_t file = metadata_bytes(r->cache->metadata);
	uint64_t share = r->limits.quota / SHARE;
	int rc = 0;

	if (share < SHARE_MIN)
		share = SHARE_MIN;
	if (r->limits.quota && file - free_bytes + need > share) {
		rc = pages_thin(r, file - free_bytes + need - share);
		/* What is deleted now can be used only by the next transactions. */
		if (!rc && need > free_bytes && file > share)
			rc = ERR_NO_SPACE;
	}
	return rc ? rc : room_make(r, need);
}

static int put(struct room *r, struct blob_buffer *page)
{
	struct metadata *m = r->cache->metadata;
	const struct digest *digest = blob_buffer_digest(page);

	if (metadata_has_key(m, r->txn, TABLE_PAGES, span_of_digest(digest)))
		return 0;
	return page_record_put(
		m, r->txn, digest, blob_buffer_kind(page), blob_buffer_span(page));
}

static int forget(struct cache *c, MDB_txn *txn, const struct digest *digest)
{
	atomic_store_explicit(slot_of(c, digest), 0, memory_order_relaxed);
	return metadata_delete(c->metadata, txn, TABLE_PAGES, span_of_digest(digest));
}

int pages_apply(struct room *r, struct batch *b)
{
	int rc = 0;

	for (size_t i = 0; i < b->rotten_count && !rc; i++)
		rc = forget(r->cache, r->txn, &b->rotten[i]);
	if (rc || !b->page_count)
		return rc;
	rc = make_room(r, room_of_batch(b));
	if (rc == ERR_NO_SPACE)
		return 0;
	for (size_t i = 0; i < b->page_count && !rc; i++)
		rc = put(r, b->pages[i]);
	return rc;
}
