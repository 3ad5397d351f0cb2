/* SPDX-License-Identifier: MIT */
/* Pages of all kinds as samples, and a walk over every accessor of a page. */
#ifndef CAIRN_TESTS_FUZZ_PAGES_H
#define CAIRN_TESTS_FUZZ_PAGES_H

#include "format/page_builder.h"
#include "format/page_json.h"
#include "fuzz/fuzz.h"
#include "unit/entry_samples.h"

/* Every byte of it is there to be read. */
static inline unsigned fuzz_touch(struct span s)
{
	unsigned sum = 0;

	for (size_t i = 0; i < s.size; i++)
		sum += s.data[i];
	return sum;
}

/* `sound`: a page that was checked; a rotten one may be nonsense, but within its bounds. */
static inline void fuzz_file(const struct entry *e, bool sound)
{
	uint64_t out;

	if (e->object.form == OBJECT_LISTED)
		for (uint32_t i = 0; i < e->object.count; i++)
			chunk_list_at(e->object.list, i);
	for (uint32_t i = 0; i < e->extent_count; i++)
		extent_at(e->extents, i);
	if (e->run_list.count > 0)
		must(!sound || entry_run_count(e) > EXTENT_COUNT_MAX);
	if (e->size == 0 || e->run_list.count > 0)
		return;
	for (uint64_t at = 0, steps = 0; at < e->size && steps < 100; steps++) {
		struct piece piece = entry_map(e, at);

		if (sound) {
			must(piece.size >= 1 && piece.size <= e->size - at);
			must(piece.hole || e->has_content);
			must(piece.hole ||
				piece.object_offset <= e->object.size - piece.size);
		}
		at += piece.size;
	}
	entry_seek(e, 0, true, &out);
	entry_seek(e, e->size - 1, false, &out);
}

static inline void fuzz_entry(const struct entry *e, bool sound)
{
	struct xattr x;

	fuzz_touch(e->parent);
	fuzz_touch(e->name);
	fuzz_touch(e->target);
	for (size_t at = 0; xattr_next(e->xattrs, &at, &x);)
		fuzz_touch(x.value);
	entry_st_mode(e);
	if (e->type == ENTRY_FILE)
		fuzz_file(e, sound);
}

/* How many rows could be read. */
static inline uint32_t fuzz_walk_page(const struct page *p, bool sound)
{
	uint32_t good = 0, found;
	uint64_t before;
	bool exact;

	page_entries(p);
	page_bytes(p);
	for (uint32_t i = 0; i < p->count; i++) {
		struct page_child child;
		struct entry e;

		if (p->level > 0 && page_child(p, i, &child) == 0) {
			fuzz_touch(child.last_parent);
			fuzz_touch(child.last_name);
			page_find_child(
				p, child.last_parent, child.last_name, &found, &before);
			good++;
		} else if (p->level == 0 && page_entry(p, i, &e) == 0) {
			fuzz_entry(&e, sound);
			page_find(p, e.parent, e.name, &found, &exact);
			good++;
		}
	}
	if (p->level > 0) {
		page_child_at(p, 0, &found, &before);
		page_child_at(p, page_entries(p) / 2, &found, &before);
		page_child_at(p, UINT64_MAX, &found, &before);
	}
	return good;
}

struct fuzz_pages {
	fuzz_sample_fn sample;
	void *ctx;
	bool packed;
	unsigned left; /* only so many: they are alike */
};

static inline int fuzz_emit(void *ctx, const struct digest *name, struct span text)
{
	struct fuzz_pages *f = ctx;
	struct bytes packed = {0};

	(void)name;
	if (f->left == 0)
		return 0;
	f->left--;
	if (!f->packed) {
		f->sample(f->ctx, text);
		return 0;
	}
	must(page_json_decode(text, &packed, NULL) == 0);
	f->sample(f->ctx, span_of_bytes(&packed));
	bytes_release(&packed);
	return 0;
}

/* The pages of trees of several sizes; the last has an inner page. */
static inline void fuzz_page_samples(fuzz_sample_fn sample, void *ctx, bool packed)
{
	static const size_t sizes[] = {1, 2, 5, 20, 1200};

	for (size_t i = 0; i < sizeof(sizes) / sizeof(*sizes); i++) {
		struct samples *s = samples_new(i + 1, sizes[i]);
		struct fuzz_pages f = {sample, ctx, packed, 0};
		struct page_builder *b;
		struct digest root;
		uint64_t entries, bytes;

		must(page_builder_new(fuzz_emit, &f, &b) == 0);
		for (size_t j = 0; j < s->count; j++)
			must(page_builder_add(b, &s->entries[j], NULL) == 0);
		f.left = 4; /* the last leaf, which is short, and what is above */
		must(page_builder_finish(b, &root, &entries, &bytes, NULL) == 0);
		page_builder_free(b);
		samples_free(s);
	}
}

#endif
