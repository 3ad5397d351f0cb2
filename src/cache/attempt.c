/* SPDX-License-Identifier: MIT */
#include <config.h>

#include <assert.h>
#include <string.h>

#include "cache/attempt.h"
#include "cache/insert.h"
#include "cache/object_io.h"
#include "cache/object_open.h"
#include "cache/page_lookup.h"
#include "cache/state.h"

int attempt_begin(
	struct attempt *a, struct cache *cache, const struct blob_buffers *buffers)
{
	a->cache = cache;
	a->buffers = buffers;
	a->want_count = 0;
	a->txn = NULL;
	a->held = (struct blob_buffers){0};
	return 0;
}

int attempt_end(struct attempt *a)
{
	struct metadata *m = a->cache->metadata;
	int rc = 0;

	if (a->txn) {
		if (metadata_state(m) == METADATA_DAMAGED)
			rc = ERR_CORRUPT;
		metadata_read_end(m, a->txn);
	}
	a->txn = NULL;
	blob_buffers_release(&a->held);
	return rc;
}

static struct blob_buffer *arrived(
	const struct blob_buffers *list, const struct digest *digest)
{
	if (!list)
		return NULL;
	for (unsigned i = 0; i < list->count; i++)
		if (digest_equal(blob_buffer_digest(list->items[i]), digest))
			return list->items[i];
	return NULL;
}

static struct want *noted(struct attempt *a, const struct digest *digest)
{
	for (unsigned i = 0; i < a->want_count; i++)
		if (digest_equal(&a->wants[i].digest, digest))
			return &a->wants[i];
	return NULL;
}

static void note(struct attempt *a, const struct want *w)
{
	if (a->want_count < WANTS_MAX && !noted(a, &w->digest))
		a->wants[a->want_count++] = *w;
}

static int note_page(struct attempt *a, enum blob_kind kind, const struct digest *digest)
{
	struct want w = {.kind = kind, .digest = *digest, .size = PAGE_SIZE_MAX};

	/* Without this one the request gets nowhere: a hint can wait. */
	if (a->want_count == WANTS_MAX && !noted(a, digest))
		a->want_count--;
	note(a, &w);
	return ERR_PENDING;
}

static int begin_txn(struct attempt *a)
{
	MDB_txn *txn;
	int rc;

	if (a->txn)
		return 0;
	rc = metadata_read(a->cache->metadata, &txn);
	if (!rc)
		a->txn = txn;
	return rc;
}

/* Packed bytes from wherever they are: ERR_ABSENT. */
static int look_up(struct attempt *a, const struct digest *digest, enum blob_kind *kind,
	struct span *packed)
{
	struct blob_buffer *page = arrived(a->buffers, digest);
	int rc;

	if (!page)
		page = arrived(&a->held, digest);
	if (!page) {
		page = page_lookup_pending(a->cache, digest);
		if (page && blob_buffers_add(&a->held, page))
			return ERR_NO_MEMORY;
	}
	if (page) {
		*kind = blob_buffer_kind(page);
		*packed = blob_buffer_span(page);
		return 0;
	}
	/* Books that cannot be read have nothing. */
	rc = begin_txn(a);
	return rc ? ERR_ABSENT : page_lookup(a->cache, a->txn, digest, kind, packed);
}

static int get_packed(struct attempt *a, enum blob_kind kind, const struct digest *digest,
	struct span *packed)
{
	enum blob_kind found;
	int rc = look_up(a, digest, &found, packed);

	if (rc == ERR_ABSENT)
		return note_page(a, kind, digest);
	if (!rc && found != kind)
		return ERR_CORRUPT;
	return rc;
}

int attempt_page(struct attempt *a, const struct digest *digest, struct page *out)
{
	struct span packed;
	int rc = get_packed(a, BLOB_PAGE, digest, &packed);

	return rc ? rc : page_view(packed, out);
}

int attempt_recipe(struct attempt *a, const struct digest *digest, struct recipe *out)
{
	struct span packed;
	int rc = get_packed(a, BLOB_RECIPE, digest, &packed);

	return rc ? rc : recipe_view(packed, out);
}

int attempt_extents(struct attempt *a, const struct digest *digest, struct extent_list *out)
{
	struct span packed;
	int rc = get_packed(a, BLOB_EXTENTS, digest, &packed);

	return rc ? rc : extent_list_view(packed, out);
}

static bool attempt_hint(
	struct attempt *a, enum blob_kind wanted, const struct digest *digest)
{
	struct want w = {.kind = wanted, .digest = *digest, .size = PAGE_SIZE_MAX};
	enum blob_kind kind;
	struct span packed;

	if (look_up(a, digest, &kind, &packed) != ERR_ABSENT)
		return true;
	note(a, &w);
	return false;
}

bool attempt_hint_page(struct attempt *a, const struct digest *digest)
{
	return attempt_hint(a, BLOB_PAGE, digest);
}

bool attempt_hint_extents(struct attempt *a, const struct digest *digest)
{
	return attempt_hint(a, BLOB_EXTENTS, digest);
}

/* A list's chunk: sums up what stands before it. */
static int chunk_in_list(const struct object_ref *o, uint64_t offset, struct want *w)
{
	uint64_t start = 0;

	if (o->count < 1 || o->count > OBJECT_LISTED_MAX)
		return ERR_CORRUPT;
	for (uint32_t i = 0; i < o->count; i++) {
		struct chunk_ref chunk = chunk_list_at(o->list, i);

		if (offset - start < chunk.size) {
			w->digest = chunk.digest;
			w->size = chunk.size;
			w->ordinal = i;
			w->start = start;
			w->chunks = o->count;
			return 0;
		}
		start += chunk.size;
	}
	return ERR_CORRUPT;
}

/* Down the tree of recipes; each part must be what its parent says. */
static int chunk_in_recipe(
	struct attempt *a, const struct object_ref *o, uint64_t offset, struct want *w)
{
	struct recipe recipe;
	struct recipe_hit hit;
	int rc = attempt_recipe(a, &o->recipe, &recipe);

	if (!rc && recipe.bytes != o->size)
		rc = ERR_CORRUPT;
	if (rc)
		return rc;
	w->chunks = recipe.chunks;
	for (;;) {
		unsigned level = recipe.level;

		rc = recipe_find(&recipe, offset - w->start, &hit);
		if (rc)
			return rc == ERR_ABSENT ? ERR_CORRUPT : rc;
		w->ordinal += hit.ordinal;
		w->start += hit.start;
		if (level == 0)
			break;
		rc = attempt_recipe(a, &hit.digest, &recipe);
		if (!rc && (recipe.level >= level || recipe.bytes != hit.size ||
				   recipe.chunks != hit.chunks))
			rc = ERR_CORRUPT;
		if (rc)
			return rc;
	}
	w->digest = hit.digest;
	w->size = hit.size;
	return 0;
}

int attempt_chunk(struct attempt *a, const struct object_ref *object, uint64_t offset,
	struct want *out)
{
	struct want w = {.kind = BLOB_CHUNK,
		.object = object_id_of(object),
		.object_size = object->size};
	int rc = 0;

	if (offset >= object->size)
		return ERR_ABSENT;
	switch (object->form) {
	case OBJECT_SINGLE:
		w.digest = object->digest;
		w.size = object->size;
		w.chunks = 1;
		break;
	case OBJECT_LISTED:
		rc = chunk_in_list(object, offset, &w);
		break;
	case OBJECT_RECIPE:
		rc = chunk_in_recipe(a, object, offset, &w);
		break;
	default:
		rc = ERR_CORRUPT;
	}
	if (!rc && (w.size < 1 || w.size > CHUNK_SIZE_MAX || w.start > object->size ||
			   w.size > object->size - w.start || w.ordinal >= w.chunks ||
			   offset < w.start || offset - w.start >= w.size))
		rc = ERR_CORRUPT;
	if (!rc)
		*out = w;
	return rc;
}

bool attempt_has(struct attempt *a, const struct want *chunk)
{
	return arrived(a->buffers, &chunk->digest) || cache_has(a->cache, chunk);
}

/* The object that the chunks of one call lie in, opened when the first is asked for. */
struct opened {
	struct object *object;
	bool tried;
};

/* Bytes of one chunk from the buffers or the cache: ERR_ABSENT. */
static int read_chunk(struct attempt *a, struct opened *opened, const struct want *w,
	uint64_t skip, uint8_t *buffer, size_t size)
{
	struct blob_buffer *here = arrived(a->buffers, &w->digest);

	if (here) {
		if (blob_buffer_span(here).size != w->size)
			return ERR_CORRUPT;
		memcpy(buffer, blob_buffer_span(here).data + skip, size);
		return 0;
	}
	if (!opened->tried) {
		opened->tried = true;
		if (!object_open(a->cache, &w->object, w, &opened->object))
			object_io_touch(a->cache, opened->object);
	}
	if (!opened->object || !object_io_has(a->cache, opened->object, w->ordinal))
		return ERR_ABSENT;
	return object_io_read(a->cache, opened->object, w, skip, buffer, size);
}

static size_t least(uint64_t a, uint64_t b)
{
	return (size_t)(a < b ? a : b);
}

/* Goes on past what is missing, so that all of it is asked for at once. */
static int read_range(struct attempt *a, const struct object_ref *object, uint64_t offset,
	uint8_t *buffer, size_t size, struct opened *opened)
{
	bool missing = false;

	while (size) {
		struct want w;
		uint64_t skip;
		size_t n;
		int rc = attempt_chunk(a, object, offset, &w);

		if (rc)
			return rc;
		skip = offset - w.start;
		n = least(w.size - skip, size);
		rc = read_chunk(a, opened, &w, skip, buffer, n);
		if (rc && rc != ERR_ABSENT)
			return rc;
		if (rc) {
			note(a, &w);
			missing = true;
		}
		if (missing && a->want_count == WANTS_MAX)
			break;
		offset += n;
		buffer += n;
		size -= n;
	}
	return missing ? ERR_PENDING : 0;
}

int attempt_read(struct attempt *a, const struct object_ref *object, uint64_t offset,
	void *buffer, size_t size)
{
	struct opened opened = {0};
	int rc = read_range(a, object, offset, buffer, size, &opened);

	object_put(opened.object);
	return rc;
}

/* The object of a file's first byte, if something of it is here. */
static int open_object(struct attempt *a, const struct entry *e, struct object **out)
{
	unsigned wants = a->want_count;
	struct want w;
	int rc = e->has_content ? attempt_chunk(a, &e->object, e->offset, &w) : ERR_ABSENT;

	a->want_count = wants; /* asking costs nothing */
	return rc ? rc : object_open(a->cache, &w.object, &w, out);
}

int attempt_lend(struct attempt *a, const struct entry *e, int *fd)
{
	struct object *o;
	int rc;

	if (e->offset != 0 || e->extent_count != 0 || e->run_list.count != 0 ||
		e->size != e->object.size)
		return ERR_ABSENT;
	rc = open_object(a, e, &o);
	if (rc)
		return rc == ERR_PENDING ? ERR_ABSENT : rc;
	rc = object_io_lend(a->cache, o, fd);
	if (!rc)
		object_io_touch(a->cache, o);
	object_put(o);
	return rc;
}

void attempt_touch(struct attempt *a, const struct entry *e)
{
	struct object *o;

	if (open_object(a, e, &o))
		return;
	object_io_touch(a->cache, o);
	object_put(o);
}

/* What [from, to) and the chunk share. */
static uint64_t chunk_overlap(const struct want *w, uint64_t from, uint64_t to)
{
	uint64_t first = w->start > from ? w->start : from;
	uint64_t end = w->start + w->size < to ? w->start + w->size : to;

	return end > first ? end - first : 0;
}

int attempt_resident(struct attempt *a, const struct entry *e, uint64_t *bytes)
{
	uint64_t from = e->offset, at = from, end, sum = 0;
	unsigned wants = a->want_count;
	struct object *o = NULL;
	struct want w;
	int rc = 0;

	if (!e->has_content) {
		*bytes = 0;
		return 0;
	}
	if (__builtin_add_overflow(from, entry_data_size(e), &end) || end > e->object.size)
		return ERR_CORRUPT;
	while (at < end) {
		rc = attempt_chunk(a, &e->object, at, &w);
		if (rc)
			break;
		if (!o && at == from && object_open(a->cache, &w.object, &w, &o))
			break;
		if (object_io_has(a->cache, o, w.ordinal))
			sum += chunk_overlap(&w, from, end);
		at = w.start + w.size;
	}
	object_put(o);
	a->want_count = wants; /* asking costs nothing */
	if (rc && rc != ERR_PENDING)
		return rc;
	*bytes = sum;
	return 0;
}
