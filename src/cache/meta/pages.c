/* SPDX-License-Identifier: MIT */
#include <config.h>

#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <sys/random.h>

#include "cache/meta/pages.h"
#include "format/page.h"
#include "format/recipe.h"

#define SHARE 4			      /* pages take at most 1/4 of the quota ... */
#define SHARE_MIN (UINT64_C(4) << 20) /* ... but at least so many bytes */
#define LMDB_PAGE 4096
#define ROW_OVERHEAD 64	   /* key, node and page headers, our own heads */
#define THIN_ROWS_MAX 4096 /* in one transaction */

/* A page that another version of this program packed is as good as rotten. */
int pages_check(struct span value, enum blob_kind *kind, struct span *packed)
{
	struct recipe recipe;
	struct page page;
	int rc = page_record_decode(value, kind, packed);

	if (rc)
		return rc;
	return *kind == BLOB_PAGE ? page_view(*packed, &page)
				  : recipe_view(*packed, &recipe);
}

int pages_find(struct metadata *m, MDB_txn *txn, struct verified_pages *verified,
	const struct digest *digest, enum blob_kind *kind, struct span *packed)
{
	struct span value;
	int rc = table_get_unchecked(m, txn, TABLE_PAGES, span_of_digest(digest), &value);

	if (rc)
		return rc;
	if (verified_pages_has(verified, digest))
		return page_record_decode(value, kind, packed);
	if (table_check(value) || pages_check(value, kind, packed))
		return ERR_CORRUPT;
	verified_pages_add(verified, digest);
	return 0;
}

/* What a page takes in LMDB: whole pages of its own when it is large. */
static uint64_t room_of(uint64_t size)
{
	uint64_t bytes = size + ROW_OVERHEAD;

	if (bytes < LMDB_PAGE / 2)
		return bytes * 2; /* leaves are half full at worst */
	return (bytes + LMDB_PAGE - 1) / LMDB_PAGE * LMDB_PAGE;
}

static uint64_t room_of_all(const struct changes *c)
{
	uint64_t sum = 0;

	for (size_t i = 0; i < c->page_count; i++)
		sum += room_of(blob_buffer_span(c->pages[i]).size);
	return sum;
}

static int next_page(
	struct space *s, struct span from, struct digest *digest, uint64_t *size)
{
	struct table_cursor cursor = {0};
	struct span key;
	MDB_val raw;
	int rc = table_next(s->m, s->txn, TABLE_PAGES, from, &cursor, &key, &raw);

	if (!rc && key.size != DIGEST_SIZE)
		rc = ERR_ABSENT;
	if (!rc) {
		memcpy(digest->bytes, key.data, DIGEST_SIZE);
		*size = raw.mv_size;
	}
	table_cursor_close(&cursor);
	return rc;
}

/* Deletes about `bytes` of pages, at random. */
static int thin_out(struct space *s, uint64_t bytes)
{
	struct digest at;
	uint64_t freed = 0, size = 0;
	bool wrapped = false;
	int rc = 0;

	if (getentropy(at.bytes, sizeof at.bytes))
		at = (struct digest){{0}};
	for (unsigned i = 0; i < THIN_ROWS_MAX && freed < bytes && !rc; i++) {
		rc = next_page(s, span_of_digest(&at), &at, &size);
		if (rc == ERR_ABSENT && !wrapped) {
			wrapped = true;
			at = (struct digest){{0}};
			rc = next_page(s, span_of_digest(&at), &at, &size);
		}
		if (!rc)
			rc = table_remove(s->m, s->txn, TABLE_PAGES, span_of_digest(&at));
		freed += room_of(size);
	}
	s->totals.changes++;
	return rc == ERR_ABSENT ? 0 : rc;
}

/* Is there room for `need` more bytes of pages? LMDB uses its free pages again only after
 * a while and where they are in one run, so the file may grow nonetheless. */
static int find_room(struct space *s, uint64_t need, struct outcome *o)
{
	uint64_t free_bytes = metadata_free_bytes(s->m);
	uint64_t file = metadata_bytes(s->m);
	uint64_t share = s->limits.quota / SHARE;
	int rc = 0;

	/* When they cannot be kept, no others go for them. */
	o->pages_kept = space_has(s, need);
	if (!o->pages_kept) {
		space_ask(s, need, o);
		return 0;
	}
	if (share < SHARE_MIN)
		share = SHARE_MIN;
	if (s->limits.quota && file - free_bytes + need > share) {
		rc = thin_out(s, file - free_bytes + need - share);
		/* What is deleted now can be used only by the next transactions. */
		if (need > free_bytes && file > share)
			o->pages_kept = false;
	}
	return rc;
}

static int pages_put(struct space *s, struct blob_buffer *page)
{
	const struct digest *digest = blob_buffer_digest(page);

	if (table_has_key(s->m, s->txn, TABLE_PAGES, span_of_digest(digest)))
		return 0;
	return page_record_put(
		s->m, s->txn, digest, blob_buffer_kind(page), blob_buffer_span(page));
}

int pages_apply(struct space *s, const struct changes *c, struct outcome *o)
{
	int rc = 0;

	for (size_t i = 0; i < c->rotten_count && !rc; i++)
		rc = table_delete(s->m, s->txn, TABLE_PAGES, span_of_digest(&c->rotten[i]));
	if (rc || !c->page_count)
		return rc;
	rc = find_room(s, room_of_all(c), o);
	for (size_t i = 0; i < c->page_count && !rc && o->pages_kept; i++)
		rc = pages_put(s, c->pages[i]);
	return rc;
}

/* Clearing. */
struct clearing {
	struct metadata *m;
	struct verified_pages *verified;
	const struct digest *keep;
	size_t count;
};

static int copy_page(struct clearing *k, MDB_txn *txn, size_t index, struct bytes *copy)
{
	enum blob_kind kind;
	struct span packed;

	if (pages_find(k->m, txn, k->verified, &k->keep[index], &kind, &packed) ||
		kind != BLOB_PAGE)
		return 0;
	return bytes_append(copy, packed.data, packed.size);
}

static int clear_but(struct clearing *k, MDB_txn *txn, struct bytes *kept)
{
	int rc = 0;

	for (size_t i = 0; i < k->count && !rc; i++)
		rc = copy_page(k, txn, i, &kept[i]);
	if (!rc)
		rc = table_clear(k->m, txn, TABLE_PAGES);
	for (size_t i = 0; i < k->count && !rc; i++)
		if (kept[i].size)
			rc = page_record_put(
				k->m, txn, &k->keep[i], BLOB_PAGE, span_of_bytes(&kept[i]));
	return rc;
}

static int clear_pages(MDB_txn *txn, void *arg)
{
	struct clearing *k = arg;
	struct bytes *kept = calloc(k->count + 1, sizeof *kept);
	int rc = kept ? clear_but(k, txn, kept) : ERR_NO_MEMORY;

	for (size_t i = 0; kept && i < k->count; i++)
		bytes_release(&kept[i]);
	free(kept);
	return rc;
}

int pages_clear(struct metadata *m, int64_t deadline, struct verified_pages *verified,
	const struct digest *keep, size_t count)
{
	struct clearing k = {m, verified, keep, count};

	return metadata_write(m, deadline, clear_pages, &k);
}
