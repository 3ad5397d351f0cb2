/* SPDX-License-Identifier: MIT */
#include <config.h>

#include <stdlib.h>
#include <string.h>

#include "format/page_builder.h"
#include "format/blob.h"
#include "format/names.h"
#include "format/page_order.h"
#include "format/page_writer.h"

/* One level of inner pages: the page that is being filled. */
struct level {
	struct inner_writer page;
	bool emitted;		  /* a page of this level was already given out */
	struct digest first_page; /* the first that was */
	struct digest last_page;  /* the last child: the root if it stays alone */
};

struct page_builder {
	page_emit_fn emit;
	void *ctx;
	struct leaf_writer leaf;
	struct level levels[PAGE_LEVEL_MAX]; /* [0] is level 1 */
	struct json_text text;		     /* of the page that is given out */
	struct bytes parent, name;	     /* the last entry's place ... */
	struct key_hash hash;		     /* ... and the hash of its key */
	uint64_t entries, bytes;
	unsigned root_level;  /* once it is finished */
	bool leaf_lists_root; /* the leaf began with such an entry */
	struct first_pages
		listing; /* leaves that begin with an entry of the root directory */
};

int page_builder_new(page_emit_fn emit, void *ctx, struct page_builder **out)
{
	struct page_builder *b = calloc(1, sizeof *b);

	if (!b)
		return ERR_NO_MEMORY;
	b->emit = emit;
	b->ctx = ctx;
	*out = b;
	return 0;
}

void page_builder_free(struct page_builder *b)
{
	if (!b)
		return;
	leaf_writer_release(&b->leaf);
	for (unsigned i = 0; i < PAGE_LEVEL_MAX; i++)
		inner_writer_release(&b->levels[i].page);
	bytes_release(&b->text.text);
	bytes_release(&b->parent);
	bytes_release(&b->name);
	free(b);
}

/* Gives out b->text. */
static int page_builder_emit(struct page_builder *b, struct digest *name)
{
	struct span text = span_of_bytes(&b->text.text);

	*name = digest_of(text.data, text.size);
	return b->emit(b->ctx, name, text);
}

/* The cutting rule of a level; `hash` is that of the last row's key. */
static bool leaf_full(const struct leaf_writer *w, const struct key_hash *hash)
{
	return w->count >= LEAF_ROWS_MAX || leaf_writer_size(w) > LEAF_BYTES_MAX ||
	       (w->count >= LEAF_ROWS_MIN && key_hash_cuts(hash, 0, LEAF_CUT_ONE_IN));
}

static bool inner_full(
	const struct inner_writer *w, unsigned level, const struct key_hash *hash)
{
	return w->count >= INNER_ROWS_MAX || inner_writer_size(w) > LEAF_BYTES_MAX ||
	       (w->count >= INNER_ROWS_MIN && key_hash_cuts(hash, level, INNER_CUT_ONE_IN));
}

/* A page ends with the last entry that was added, whatever its level. */
static struct page_child page_builder_describe(
	const struct page_builder *b, uint64_t entries, uint64_t bytes)
{
	return (struct page_child){
		.last_parent = span_of_bytes(&b->parent),
		.last_name = span_of_bytes(&b->name),
		.entries = entries,
		.bytes = bytes,
	};
}

static int flush_leaf(struct page_builder *b, struct page_child *out)
{
	bool lists_root;
	int rc;

	*out = page_builder_describe(b, b->leaf.count, b->leaf.bytes);
	lists_root = b->leaf_lists_root;
	rc = leaf_writer_finish(&b->leaf, &b->text);
	leaf_writer_clear(&b->leaf);
	if (!rc)
		rc = page_builder_emit(b, &out->digest);
	if (!rc && lists_root && b->listing.count < PAGES_FIRST_MAX)
		b->listing.pages[b->listing.count++] = out->digest;
	return rc;
}

static int flush_inner(struct page_builder *b, unsigned level, struct page_child *out)
{
	struct level *l = &b->levels[level - 1];
	int rc;

	*out = page_builder_describe(b, l->page.entries, l->page.bytes);
	rc = inner_writer_finish(&l->page, level, &b->text);
	inner_writer_clear(&l->page);
	if (!rc)
		rc = page_builder_emit(b, &out->digest);
	if (!l->emitted)
		l->first_page = out->digest;
	l->emitted = true;
	return rc;
}

/* Adds a page to the level above it, and so on as long as levels fill up. */
static int add_child(struct page_builder *b, unsigned level, struct page_child child)
{
	for (; level <= PAGE_LEVEL_MAX; level++) {
		struct level *l = &b->levels[level - 1];
		int rc;

		inner_writer_add(&l->page, &child);
		l->last_page = child.digest;
		if (!inner_full(&l->page, level, &b->hash))
			return 0;
		rc = flush_inner(b, level, &child);
		if (rc)
			return rc;
	}
	return ERR_LIMIT;
}

static int cut_leaf(struct page_builder *b)
{
	struct page_child child;
	int rc = flush_leaf(b, &child);

	return rc ? rc : add_child(b, 1, child);
}

static int entry_trouble(
	struct trouble *t, int rc, const struct entry *e, const char *column)
{
	return trouble_set(t, rc, "%.*s%s%.*s: %s breaks the format's rules",
		(int)e->parent.size, (const char *)e->parent.data,
		e->parent.size > 0 ? "/" : "", (int)e->name.size,
		(const char *)e->name.data, column);
}

static int check_entry(
	const struct page_builder *b, const struct entry *e, struct trouble *t)
{
	const char *column;
	struct page_order last = {
		.begun = b->entries > 0,
		.parent = span_of_bytes(&b->parent),
		.name = span_of_bytes(&b->name),
	};
	int rc = page_order_check(&last, e->parent, e->name, e->type, &column);

	if (!rc)
		rc = entry_check(e, &column);
	return !rc ? 0 : entry_trouble(t, rc, e, column);
}

static int page_builder_keep(struct bytes *copy, struct span s)
{
	bytes_clear(copy);
	return bytes_append(copy, s.data, s.size);
}

/* The entry's place and key become the last. */
static int step_to(struct page_builder *b, const struct entry *e)
{
	struct key key;
	int rc = key_encode(e->parent, e->name, &key);

	if (rc)
		return rc;
	b->hash = key_hash_of(&key);
	b->entries++;
	if (e->type == ENTRY_FILE)
		b->bytes = page_bytes_add(b->bytes, e->size);
	/* Rows of one directory follow each other. */
	if (!span_equal(span_of_bytes(&b->parent), e->parent))
		rc = page_builder_keep(&b->parent, e->parent);
	return rc ? rc : page_builder_keep(&b->name, e->name);
}

int page_builder_add(struct page_builder *b, const struct entry *e, struct trouble *t)
{
	int rc = check_entry(b, e, t);
	bool inode;

	if (rc)
		return rc;
	rc = step_to(b, e);
	if (rc)
		return rc;
	if (b->leaf.count == 0)
		b->leaf_lists_root = e->parent.size == 0;
	inode = e->inode != 0 && e->inode != key_hash_inode(&b->hash);
	rc = leaf_writer_add(&b->leaf, e, inode);
	if (rc == ERR_CORRUPT)
		return entry_trouble(t, rc, e, "object");
	if (!rc && leaf_writer_size(&b->leaf) > PAGE_SIZE_MAX)
		return trouble_set(t, ERR_LIMIT,
			"%.*s: its attributes do not fit into a page", (int)e->name.size,
			(const char *)e->name.data);
	if (!rc && leaf_full(&b->leaf, &b->hash))
		rc = cut_leaf(b);
	return rc;
}

/* Closes `level`. When all below it is one page, that is the root. */
static int finish_level(
	struct page_builder *b, unsigned level, struct digest *root, bool *done)
{
	struct level *l = &b->levels[level - 1];
	struct page_child child;
	int rc;

	if (!l->emitted && l->page.count == 1) {
		*root = l->last_page;
		b->root_level = level - 1;
		*done = true;
		return 0;
	}
	if (l->page.count == 0)
		return 0;
	if (level == PAGE_LEVEL_MAX && l->emitted)
		return ERR_LIMIT;
	rc = flush_inner(b, level, &child);
	if (rc)
		return rc;
	if (level < PAGE_LEVEL_MAX)
		return add_child(b, level + 1, child);
	*root = child.digest;
	b->root_level = level;
	*done = true;
	return 0;
}

int page_builder_finish(struct page_builder *b, struct digest *root, uint64_t *entries,
	uint64_t *bytes, struct trouble *t)
{
	struct digest digest;
	bool done = false;
	int rc;

	if (b->entries == 0)
		return trouble_set(
			t, ERR_INVALID, "no entries: a tree has at least a root");
	rc = b->leaf.count > 0 ? cut_leaf(b) : 0;
	for (unsigned level = 1; !rc && !done && level <= PAGE_LEVEL_MAX; level++)
		rc = finish_level(b, level, &digest, &done);
	if (rc)
		return rc;
	*root = digest;
	*entries = b->entries;
	*bytes = b->bytes;
	return 0;
}

void page_builder_first(const struct page_builder *b, struct first_pages *out)
{
	out->count = 0;
	if (b->root_level == 0)
		return;
	for (unsigned level = b->root_level - 1; level > 0; level--)
		out->pages[out->count++] = b->levels[level - 1].first_page;
	for (unsigned i = 0; i < b->listing.count && out->count < PAGES_FIRST_MAX; i++)
		out->pages[out->count++] = b->listing.pages[i];
}
