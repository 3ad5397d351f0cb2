/* SPDX-License-Identifier: MIT */
/*
 * A store of pages in memory, for tests: takes what a page builder emits, decodes it, and
 * finds it by digest.
 */
#ifndef CAIRN_TESTS_MEMORY_PAGES_H
#define CAIRN_TESTS_MEMORY_PAGES_H

#include <stdio.h>
#include <stdlib.h>

#include "format/page_json.h"

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

#endif
