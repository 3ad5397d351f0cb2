/* SPDX-License-Identifier: MIT */
/*
 * A store of pages in memory, for tests: takes what a page builder emits, decodes it, and
 * finds it by digest.
 */
#ifndef CAIRN_TESTS_MEMORY_PAGES_H
#define CAIRN_TESTS_MEMORY_PAGES_H

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>

#include "format/page_builder.h"
#include "format/page_json.h"
#include "format/page_packer.h"

struct memory_page {
	struct digest name;
	struct bytes text, packed;
};

struct memory_pages {
	struct memory_page *pages;
	size_t count, capacity;
	size_t asked; /* how often a page was looked up */
};

static inline void memory_pages_release(struct memory_pages *m)
{
	for (size_t i = 0; i < m->count; i++) {
		bytes_release(&m->pages[i].text);
		bytes_release(&m->pages[i].packed);
	}
	free(m->pages);
	*m = (struct memory_pages){0};
}

static inline struct memory_page *memory_pages_find(
	struct memory_pages *m, const struct digest *name)
{
	for (size_t i = 0; i < m->count; i++)
		if (digest_equal(&m->pages[i].name, name))
			return &m->pages[i];
	return NULL;
}

/* A page_emit_fn. */
static inline int memory_pages_emit(void *ctx, const struct digest *name, struct span text)
{
	struct memory_pages *m = ctx;
	struct digest real = digest_of(text.data, text.size);
	struct trouble t = {0};
	if (!digest_equal(&real, name))
		return ERR_CORRUPT;
	if (memory_pages_find(m, name))
		return 0;
	if (m->count == m->capacity) {
		m->capacity = m->capacity > 0 ? m->capacity * 2 : 64;
		m->pages = realloc(m->pages, m->capacity * sizeof(*m->pages));
		if (!m->pages)
			return ERR_NO_MEMORY;
	}
	assert(m->pages);
	struct memory_page *page = &m->pages[m->count++];
	*page = (struct memory_page){.name = *name};
	int err = bytes_append(&page->text, text.data, text.size);
	if (err == 0)
		err = page_json_decode(text, &page->packed, &t);
	if (err != 0)
		fprintf(stderr, "page %zu: %s\n", m->count - 1, t.text);
	return err;
}

static inline int memory_pages_get(
	struct memory_pages *m, const struct digest *name, struct page *out)
{
	struct memory_page *page = memory_pages_find(m, name);
	m->asked++;
	return page ? page_view(span_of_bytes(&page->packed), out) : ERR_ABSENT;
}

/* Builds the tree of `count` entries; `t` says why not. */
static inline int memory_pages_build(struct memory_pages *m, const struct entry *entries,
	size_t count, struct digest *root, struct trouble *t)
{
	struct page_builder *b;
	uint64_t total, bytes;
	int err = page_builder_new(memory_pages_emit, m, &b);
	if (err != 0)
		return err;
	for (size_t i = 0; err == 0 && i < count; i++)
		err = page_builder_add(b, &entries[i], t);
	if (err == 0)
		err = page_builder_finish(b, root, &total, &bytes, t);
	if (err == 0 && total != count)
		err = ERR_CORRUPT;
	page_builder_free(b);
	return err;
}

/* Keeps a page that was packed by hand, under the digest of its packed form. */
static inline struct digest memory_pages_keep(struct memory_pages *m, struct page_packer *k)
{
	struct bytes packed = {0};
	if (page_packer_finish(k, &packed) != 0)
		abort();
	page_packer_free(k);
	struct digest name = digest_of(packed.data, packed.size);
	if (memory_pages_find(m, &name)) {
		bytes_release(&packed);
		return name;
	}
	if (m->count == m->capacity) {
		m->capacity = m->capacity > 0 ? m->capacity * 2 : 64;
		m->pages = realloc(m->pages, m->capacity * sizeof(*m->pages));
		if (!m->pages)
			abort();
	}
	assert(m->pages);
	m->pages[m->count++] = (struct memory_page){.name = name, .packed = packed};
	return name;
}

/* A child of a tiny tree, and whether its level is cut behind it. */
struct tiny {
	struct page_child child;
	struct key_hash hash;
};

static inline bool tiny_full(const struct key_hash *hash, unsigned level, uint32_t count)
{
	return count == 8 || (count >= 2 && key_hash_cuts(hash, level, 4));
}

static inline size_t tiny_leaves(
	struct memory_pages *m, const struct entry *entries, size_t count, struct tiny *out)
{
	struct page_packer *k = NULL;
	struct key key;
	size_t leaves = 0;
	uint32_t rows = 0;
	for (size_t i = 0; i < count; i++) {
		if (!k)
			k = page_packer_new(0);
		if (key_encode(entries[i].parent, entries[i].name, &key) != 0 ||
			page_packer_entry(k, &entries[i]) != 0)
			abort();
		struct key_hash hash = key_hash_of(&key);
		rows++;
		if (i + 1 < count && !tiny_full(&hash, 0, rows))
			continue;
		out[leaves].hash = hash;
		out[leaves++].child = (struct page_child){.digest = memory_pages_keep(m, k),
			.last_parent = entries[i].parent,
			.last_name = entries[i].name,
			.entries = rows};
		k = NULL;
		rows = 0;
	}
	return leaves;
}

/* One level of a tiny tree over the one below, in place. */
static inline size_t tiny_level(
	struct memory_pages *m, struct tiny *pages, size_t count, unsigned level)
{
	struct page_packer *k = NULL;
	size_t above = 0;
	uint32_t rows = 0;
	uint64_t entries = 0;
	for (size_t i = 0; i < count; i++) {
		struct tiny page = pages[i];
		if (!k)
			k = page_packer_new(level);
		if (page_packer_child(k, &page.child) != 0)
			abort();
		rows++;
		entries += page.child.entries;
		if (i + 1 < count && !tiny_full(&page.hash, level, rows))
			continue;
		page.child.digest = memory_pages_keep(m, k);
		page.child.entries = entries;
		pages[above++] = page;
		k = NULL;
		rows = 0;
		entries = 0;
	}
	return above;
}

/* As memory_pages_build(), but with pages of about 5 rows: few entries make a deep tree. */
static inline void memory_pages_build_tiny(struct memory_pages *m,
	const struct entry *entries, size_t count, struct digest *root)
{
	struct tiny *pages = calloc(count, sizeof(*pages));
	if (!pages)
		abort();
	size_t left = tiny_leaves(m, entries, count, pages);
	for (unsigned level = 1; left > 1; level++)
		left = tiny_level(m, pages, left, level);
	*root = pages[0].child.digest;
	free(pages);
}

#endif
