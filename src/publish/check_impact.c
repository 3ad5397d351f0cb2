/* SPDX-License-Identifier: MIT */
#include <config.h>

#include "publish/check_impact.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "format/page_json.h"
#include "format/recipe.h"

/* Pages and recipes that are open, one below the other, and what is known. */
struct impact {
	struct check_run *c;
	impact_fn each;
	void *ctx;
	uint64_t revision;
	struct blob_codec *codec;
	struct bytes text, path;
	struct bytes pages[PAGE_LEVEL_MAX + 1], recipes[RECIPE_LEVEL_MAX + 1];
	struct digest_set rotten;
	struct digest_set sound; /* pages below which nothing is */
	bool hit;		 /* something, below the page that is open */
	const struct entry *entry;
};

static int impact_tell(
	struct impact *i, const struct digest *blob, uint64_t start, uint64_t size)
{
	const struct impact_hit hit = {
		i->revision, span_of_bytes(&i->path), i->entry, *blob, start, size};

	i->hit = true;
	return i->each(i->ctx, &hit);
}

/* Of the object's bytes [start, start + size), does the file have some? */
static bool is_of_entry(const struct entry *e, uint64_t start, uint64_t size)
{
	uint64_t end = e->offset + entry_data_size(e);

	return start < end && e->offset < start + size;
}

static int impact_chunk(
	struct impact *i, const struct digest *blob, uint64_t start, uint64_t size)
{
	if (!digest_set_has(&i->rotten, blob) || !is_of_entry(i->entry, start, size))
		return 0;
	return impact_tell(i, blob, start, size);
}

typedef int (*impact_unpack_fn)(struct span text, struct bytes *packed, struct trouble *t);

static int impact_load(struct impact *i, const struct digest *d, impact_unpack_fn unpack,
	struct bytes *packed)
{
	int rc = store_read_blob(i->c->o->store, i->codec, d, &i->text, NULL);

	bytes_clear(packed);
	return rc ? rc : unpack(span_of_bytes(&i->text), packed, NULL);
}

static int impact_recipe(struct impact *i, const struct digest *d, unsigned depth,
	uint64_t start, uint64_t size)
{
	struct recipe r;
	int rc = 0;

	if (!is_of_entry(i->entry, start, size))
		return 0;
	if (digest_set_has(&i->rotten, d) || depth > RECIPE_LEVEL_MAX)
		return impact_tell(i, d, start, size);
	if (impact_load(i, d, recipe_decode, &i->recipes[depth]) ||
		recipe_view(span_of_bytes(&i->recipes[depth]), &r))
		return 0; /* said already, or gone since */
	for (uint32_t n = 0; !rc && n < r.count; n++) {
		struct recipe_hit part;

		if (recipe_at(&r, n, &part))
			break;
		rc = r.level == 0
			     ? impact_chunk(i, &part.digest, start + part.start, part.size)
			     : impact_recipe(i, &part.digest, depth + 1, start + part.start,
				       part.size);
	}
	return rc;
}

static int impact_object(struct impact *i, const struct object_ref *o)
{
	uint64_t start = 0;
	int rc = 0;

	if (o->form == OBJECT_SINGLE)
		return impact_chunk(i, &o->digest, 0, o->size);
	if (o->form == OBJECT_RECIPE)
		return impact_recipe(i, &o->recipe, 0, 0, o->size);
	for (uint32_t n = 0; !rc && n < o->count; n++) {
		struct chunk_ref chunk = chunk_list_at(o->list, n);

		rc = impact_chunk(i, &chunk.digest, start, chunk.size);
		start += chunk.size;
	}
	return rc;
}

static int impact_set_path(struct impact *i, struct span parent, struct span name)
{
	int rc;

	bytes_clear(&i->path);
	rc = bytes_append(&i->path, parent.data, parent.size);
	if (!rc && parent.size)
		rc = bytes_append(&i->path, "/", 1);
	return rc ? rc : bytes_append(&i->path, name.data, name.size);
}

static int impact_leaf(struct impact *i, const struct page *page)
{
	int rc = 0;

	for (uint32_t row = 0; !rc && row < page->count; row++) {
		struct entry e;

		rc = page_entry(page, row, &e);
		if (rc || !e.has_content)
			continue;
		rc = impact_set_path(i, e.parent, e.name);
		i->entry = &e;
		if (!rc)
			rc = impact_object(i, &e.object);
		i->entry = NULL;
	}
	return rc;
}

static int impact_page(struct impact *i, const struct digest *d, unsigned depth);

/* The files of a page that cannot be read are told by the last of them, and their number.
 */
static int impact_lost(struct impact *i, const struct page_child *child)
{
	int rc = impact_set_path(i, child->last_parent, child->last_name);

	return rc ? rc : impact_tell(i, &child->digest, 0, child->entries);
}

static int impact_children(struct impact *i, const struct page *page, unsigned depth)
{
	bool hit = false;
	int rc = 0;

	for (uint32_t n = 0; !rc && n < page->count; n++) {
		struct page_child child;

		rc = page_child(page, n, &child);
		i->hit = false;
		if (!rc && digest_set_has(&i->rotten, &child.digest))
			rc = impact_lost(i, &child);
		else if (!rc)
			rc = impact_page(i, &child.digest, depth + 1);
		hit |= i->hit;
	}
	i->hit = hit;
	return rc;
}

static int impact_page(struct impact *i, const struct digest *d, unsigned depth)
{
	struct page page;
	int rc;

	i->hit = false;
	if (depth > PAGE_LEVEL_MAX || digest_set_has(&i->sound, d) ||
		impact_load(i, d, page_json_decode, &i->pages[depth]) ||
		page_view(span_of_bytes(&i->pages[depth]), &page))
		return 0; /* said already, or gone since */
	rc = page.level == 0 ? impact_leaf(i, &page) : impact_children(i, &page, depth);
	if (!rc && !i->hit)
		(void)digest_set_add(&i->sound, d);
	return rc;
}

static int impact_revision(struct impact *i, uint64_t number, struct trouble *t)
{
	struct manifest *m = NULL;
	int rc = check_load(i->c, number, &m, t);
	struct page_child all = {.entries = rc ? 0 : m->totals.entries};

	i->revision = number;
	if (!rc && digest_set_has(&i->rotten, &m->root)) {
		all.digest = m->root;
		rc = impact_lost(i, &all);
	} else if (!rc) {
		rc = impact_page(i, &m->root, 0);
	}
	manifest_free(m);
	return rc;
}

static void impact_release(struct impact *i)
{
	for (size_t n = 0; n <= PAGE_LEVEL_MAX; n++)
		bytes_release(&i->pages[n]);
	for (size_t n = 0; n <= RECIPE_LEVEL_MAX; n++)
		bytes_release(&i->recipes[n]);
	bytes_release(&i->text);
	bytes_release(&i->path);
	digest_set_release(&i->rotten);
	digest_set_release(&i->sound);
	blob_codec_free(i->codec);
	free(i);
}

int impact_each(struct check_run *c, const struct rotten_blob *rotten, size_t count,
	impact_fn each, void *ctx, struct trouble *t)
{
	struct impact *i = calloc(1, sizeof *i);
	int rc;

	if (!i)
		return ERR_NO_MEMORY;
	i->c = c;
	i->each = each;
	i->ctx = ctx;
	i->rotten.memory = (uint64_t)CHECK_ROTTEN_MAX * 128;
	i->sound.memory = (uint64_t)32 << 20;
	i->codec = blob_codec_new();
	rc = i->codec ? 0 : ERR_NO_MEMORY;
	for (size_t n = 0; !rc && n < count; n++) {
		rc = digest_set_add(&i->rotten, &rotten[n].digest);
		rc = rc == ERR_EXISTS ? 0 : rc;
	}
	for (size_t n = 0; !rc && n < c->all.count; n++)
		rc = impact_revision(i, c->all.numbers[n], t);
	impact_release(i);
	return rc;
}

/* A file is told once, however many of its chunks are rotten: they come one after another.
 */
struct impact_told {
	struct check_run *c;
	uint64_t revision;
	struct bytes last;
};

static int tell_hit(void *ctx, const struct impact_hit *hit)
{
	struct impact_told *told = ctx;
	char path[BLOB_PATH_SIZE], text[128];
	struct check_finding f = {
		.about = hit->entry ? CHECK_FILE : CHECK_FILES,
		.code = ERR_CORRUPT,
		.path = path,
		.revision = hit->revision,
		.name = hit->path,
		.size = hit->entry ? 0 : hit->size,
		.text = text,
	};

	if (hit->entry && told->revision == hit->revision &&
		span_equal(span_of_bytes(&told->last), hit->path))
		return 0;
	told->revision = hit->revision;
	bytes_clear(&told->last);
	if (bytes_append(&told->last, hit->path.data, hit->path.size))
		return ERR_NO_MEMORY;
	blob_path(&hit->blob, path);
	if (hit->entry)
		snprintf(text, sizeof text, "cannot be read");
	else
		snprintf(text, sizeof text, "%llu entries, up to this one, are lost",
			(unsigned long long)hit->size);
	check_say(told->c, &f);
	return 0;
}

int check_impact(struct check_run *c, struct trouble *t)
{
	struct impact_told told = {.c = c};
	int rc = impact_each(c, c->rotten, c->rotten_count, tell_hit, &told, t);

	bytes_release(&told.last);
	return rc;
}
