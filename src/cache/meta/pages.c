/* SPDX-License-Identifier: MIT */
#include <config.h>

#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <sys/random.h>

#include "cache/meta/free_pages.h"
#include "cache/meta/pages.h"
#include "format/extent_list.h"
#include "format/page.h"
#include "format/recipe.h"

#define LMDB_PAGE 4096
#define ROW_OVERHEAD 64	   /* key, node and page headers, our own heads */
#define THIN_ROWS_MAX 4096 /* looked at in one transaction */
/* A large page is put where so many of LMDB's are free in one run: above the cap, so many
 * times what is put has to be free. */
#define RUNS 4

/* A page that another version of this program packed is as good as rotten. */
int pages_check(struct span value, enum blob_kind *kind, struct span *packed)
{
	struct extent_list extents;
	struct recipe recipe;
	struct page page;
	int rc = page_record_decode(value, kind, packed);

	if (rc)
		return rc;
	if (*kind == BLOB_PAGE)
		return page_view(*packed, &page);
	return *kind == BLOB_RECIPE ? recipe_view(*packed, &recipe)
				    : extent_list_view(*packed, &extents);
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

/* The least key behind it. */
static void go_behind(struct digest *at)
{
	for (size_t i = DIGEST_SIZE; i-- > 0 && ++at->bytes[i] == 0;)
		;
}

struct thinning {
	struct space *space;
	struct digest at;
	bool wrapped;
	struct verified_pages *used; /* they stay; NULL: none does */
	uint64_t wanted, freed;	     /* bytes */
};

static int thin_one(struct thinning *t)
{
	struct space *s = t->space;
	uint64_t size = 0;
	int rc = next_page(s, span_of_digest(&t->at), &t->at, &size);

	if (rc == ERR_ABSENT && !t->wrapped) {
		t->wrapped = true;
		t->at = (struct digest){{0}};
		rc = next_page(s, span_of_digest(&t->at), &t->at, &size);
	}
	if (rc)
		return rc;
	if (t->used && verified_pages_knows(t->used, &t->at)) {
		go_behind(&t->at);
		return 0;
	}
	rc = table_remove(s->m, s->txn, TABLE_PAGES, span_of_digest(&t->at));
	t->freed += room_of(size);
	return rc;
}

static int thin_some(struct thinning *t)
{
	int rc = 0;

	if (getentropy(t->at.bytes, sizeof t->at.bytes))
		t->at = (struct digest){{0}};
	t->wrapped = false;
	for (unsigned i = 0; i < THIN_ROWS_MAX && t->freed < t->wanted && !rc; i++)
		rc = thin_one(t);
	return rc == ERR_ABSENT ? 0 : rc;
}

/* Deletes about `bytes` of pages, at random. */
static int thin_out(struct space *s, const struct changes *c, uint64_t bytes)
{
	struct thinning t = {.space = s, .used = c->used_pages, .wanted = bytes};
	int rc = thin_some(&t);

	if (!rc && t.freed < bytes && t.used) {
		t.used = NULL;
		rc = thin_some(&t);
	}
	s->totals.changes += t.freed > 0;
	return rc;
}

/* Is there room in the file for `need` more bytes of pages? LMDB uses its free pages again
 * only after a while and where they are in one run, so it may grow nonetheless. */
static int find_room_in_file(
	struct space *s, const struct changes *c, uint64_t need, struct outcome *o)
{
	uint64_t free_bytes = free_pages_bytes(s->m), file = metadata_bytes(s->m);
	uint64_t cap = space_metadata_cap(s), used = file - free_bytes, wanted = 0;

	if (used + need > cap)
		wanted = used + need - cap;
	if (file > cap && need > free_bytes / RUNS) {
		/* What is deleted now can be used only by the next transactions. */
		o->pages_kept = false;
		if (wanted < need * RUNS - free_bytes)
			wanted = need * RUNS - free_bytes;
	}
	return wanted ? thin_out(s, c, wanted) : 0;
}

/* When they cannot be kept, no others go for them; but for a file that is too large, which
 * is so whether there are new ones or not. */
static int find_room(
	struct space *s, const struct changes *c, uint64_t need, struct outcome *o)
{
	uint64_t used = metadata_bytes(s->m) - free_pages_bytes(s->m);

	o->pages_kept = space_may_grow(s, o);
	if (o->growth == GROWTH_CAP)
		return thin_out(s, c, less_or_none(used, space_metadata_cap(s)));
	if (!o->pages_kept || !c->page_count)
		return 0;
	o->pages_kept = space_has(s, need);
	if (o->pages_kept)
		return find_room_in_file(s, c, need, o);
	space_ask(s, need, o);
	return 0;
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
	if (rc || (!c->page_count && !c->demand))
		return rc;
	rc = find_room(s, c, room_of_all(c), o);
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
