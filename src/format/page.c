/* SPDX-License-Identifier: MIT */
#include <config.h>

#include <string.h>

#include "format/page.h"
#include "format/page_layout.h"
#include "util/error.h"

/* Lays `count` records of `size` bytes at *at and steps over them. */
static const uint8_t *take_table(
	const struct page *p, size_t *at, uint64_t count, size_t size)
{
	const uint8_t *table = p->data + *at;

	*at += (size_t)count * size;
	return table;
}

static struct page_header header_of(const struct page *p)
{
	struct page_header h;

	memcpy(&h, p->data, sizeof h);
	return h;
}

static bool header_good(const struct page_header *h, size_t size)
{
	uint64_t need;

	if (h->magic != PAGE_MAGIC || h->layout != PAGE_LAYOUT || h->level > PAGE_LEVEL_MAX)
		return false;
	if (h->count == 0 || h->count > PAGE_ROWS_MAX || h->run_count > h->count ||
		h->file_count > h->count || h->object_count > h->file_count)
		return false;
	need = sizeof *h + (uint64_t)h->heap_size;
	if (h->level > 0)
		return h->run_count == 0 && h->file_count == 0 &&
		       need + h->count * sizeof(struct page_child_row) == size;
	need += h->count * sizeof(struct page_row) +
		h->run_count * sizeof(struct page_run) +
		h->file_count * sizeof(struct page_file) +
		h->object_count * sizeof(struct page_object);
	return h->run_count > 0 && need == size;
}

int page_view(struct span packed, struct page *out)
{
	struct page p = {.data = packed.data, .size = packed.size};
	struct page_header h;
	size_t at;

	if (packed.size < sizeof h)
		return ERR_CORRUPT;
	h = header_of(&p);
	if (!header_good(&h, packed.size))
		return ERR_CORRUPT;
	p.level = h.level;
	p.count = h.count;
	p.run_count = h.run_count;
	p.file_count = h.file_count;
	p.object_count = h.object_count;
	p.heap_size = h.heap_size;
	at = sizeof h;
	take_table(&p, &at, h.count,
		h.level > 0 ? sizeof(struct page_child_row) : sizeof(struct page_row));
	p.runs = take_table(&p, &at, h.run_count, sizeof(struct page_run));
	p.files = take_table(&p, &at, h.file_count, sizeof(struct page_file));
	p.objects = take_table(&p, &at, h.object_count, sizeof(struct page_object));
	p.heap = p.data + at;
	*out = p;
	return 0;
}

uint64_t page_entries(const struct page *p)
{
	return header_of(p).entries;
}

uint64_t page_bytes(const struct page *p)
{
	return header_of(p).bytes;
}

static const uint8_t *page_row_at(const struct page *p, uint32_t row)
{
	return p->data + sizeof(struct page_header) + (size_t)row * sizeof(struct page_row);
}

static int heap_span(const struct page *p, uint32_t at, uint64_t size, struct span *out)
{
	if (at > p->heap_size || size > p->heap_size - at)
		return ERR_CORRUPT;
	*out = span_of(p->heap + at, (size_t)size);
	return 0;
}

static int run_at(
	const struct page *p, uint32_t index, struct page_run *run, struct span *parent)
{
	if (index >= p->run_count)
		return ERR_CORRUPT;
	memcpy(run, p->runs + (size_t)index * sizeof *run, sizeof *run);
	return heap_span(p, run->parent_at, run->parent_size, parent);
}

static int heap_digest(const struct page *p, uint32_t at, struct digest *out)
{
	struct span bytes;
	int rc = heap_span(p, at, DIGEST_SIZE, &bytes);

	if (!rc)
		memcpy(out->bytes, bytes.data, DIGEST_SIZE);
	return rc;
}

static int page_read_list(
	const struct page *p, const struct page_object *from, struct object_ref *out)
{
	struct span list;
	int rc;

	switch (from->form) {
	case OBJECT_SINGLE:
		return 0;
	case OBJECT_LISTED:
		if (from->count < 2 || from->count > OBJECT_LISTED_MAX)
			return ERR_CORRUPT;
		rc = heap_span(
			p, from->list_at, (uint64_t)from->count * CHUNK_RECORD_SIZE, &list);
		if (rc)
			return rc;
		out->count = from->count;
		out->list = list.data;
		return heap_digest(p, from->layout_at, &out->layout);
	case OBJECT_RECIPE:
		return heap_digest(p, from->list_at, &out->recipe);
	default:
		return ERR_CORRUPT;
	}
}

static int page_read_object(const struct page *p, uint32_t index, struct object_ref *out)
{
	struct page_object object;

	if (index >= p->object_count)
		return ERR_CORRUPT;
	memcpy(&object, p->objects + (size_t)index * sizeof object, sizeof object);
	out->digest = object.digest;
	out->size = object.size;
	out->form = (enum object_form)object.form;
	return page_read_list(p, &object, out);
}

static int page_read_file(const struct page *p, uint32_t index, struct entry *out)
{
	struct page_file file;

	if (index >= p->file_count)
		return ERR_CORRUPT;
	memcpy(&file, p->files + (size_t)index * sizeof file, sizeof file);
	out->has_content = true;
	out->content = file.content;
	out->offset = file.offset;
	return page_read_object(p, file.object, &out->object);
}

static uint64_t extents_room(const struct page_extra *extra)
{
	if (extra->extent_count == PAGE_RUN_LIST)
		return sizeof(struct page_run_list);
	return (uint64_t)extra->extent_count * EXTENT_RECORD_SIZE;
}

static int page_read_extents(
	const struct page_extra *extra, const uint8_t *from, struct entry *out)
{
	struct page_run_list list;

	if (extra->extent_count != PAGE_RUN_LIST) {
		out->extents = from;
		out->extent_count = extra->extent_count;
		return 0;
	}
	memcpy(&list, from, sizeof list);
	if (list.count == 0 || list.count > EXTENT_RUNS_MAX)
		return ERR_CORRUPT;
	out->run_list = (struct extents_ref){
		.digest = list.digest, .count = list.count, .size = list.size};
	return 0;
}

static int page_read_extra(const struct page *p, uint32_t at, struct entry *out)
{
	struct page_extra extra;
	struct span rest;
	const uint8_t *from;

	if (heap_span(p, at, sizeof extra, &rest))
		return ERR_CORRUPT;
	memcpy(&extra, rest.data, sizeof extra);
	if (heap_span(p, at,
		    sizeof extra + (uint64_t)extra.target_size + extra.xattrs_size +
			    extents_room(&extra),
		    &rest))
		return ERR_CORRUPT;
	from = rest.data + sizeof extra;
	out->target = span_of(from, extra.target_size);
	out->xattrs = span_of(from + extra.target_size, extra.xattrs_size);
	out->major = extra.major;
	out->minor = extra.minor;
	return page_read_extents(&extra, from + extra.target_size + extra.xattrs_size, out);
}

/* Does the slice lie in the object? Readers go by that. */
static bool page_slice_good(const struct entry *e)
{
	uint64_t end;

	return !__builtin_add_overflow(e->offset, entry_data_size(e), &end) &&
	       end <= e->object.size;
}

static int page_read_row(const struct page *p, const struct page_row *row, struct entry *e)
{
	struct page_run run;
	int rc;

	*e = (struct entry){
		.type = (enum entry_type)row->type,
		.mode = row->mode,
		.uid = row->uid,
		.gid = row->gid,
		.mtime = row->mtime,
		.mtime_nsec = row->mtime_nsec,
		.size = row->size,
		.links = row->links,
		.inode = row->inode,
	};
	rc = run_at(p, row->run, &run, &e->parent);
	if (!rc)
		rc = heap_span(p, row->name_at, row->name_size, &e->name);
	if (!rc && row->extra_at != PAGE_NO_EXTRA)
		rc = page_read_extra(p, row->extra_at, e);
	if (rc || row->file == 0)
		return rc;
	rc = page_read_file(p, row->file - 1, e);
	return rc || page_slice_good(e) ? rc : ERR_CORRUPT;
}

int page_entry(const struct page *p, uint32_t row, struct entry *out)
{
	struct page_row record;
	struct entry e;
	int rc;

	if (p->level != 0 || row >= p->count)
		return ERR_CORRUPT;
	memcpy(&record, page_row_at(p, row), sizeof record);
	rc = page_read_row(p, &record, &e);
	if (!rc)
		*out = e;
	return rc;
}

/* The first run whose parent is not below `parent`; run_count if none. */
static int page_find_run(
	const struct page *p, struct span parent, uint32_t *index, bool *exact)
{
	uint32_t low = 0, high = p->run_count;

	*exact = false;
	while (low < high) {
		uint32_t middle = low + (high - low) / 2;
		struct page_run run;
		struct span at;
		int order;

		if (run_at(p, middle, &run, &at))
			return ERR_CORRUPT;
		order = path_compare(at, parent);
		if (order < 0)
			low = middle + 1;
		else
			high = middle;
		if (order == 0)
			*exact = true;
	}
	*index = low;
	return 0;
}

/* The first row of run `index`, or the page's count behind the last run. */
static int run_start(const struct page *p, uint32_t index, uint32_t *row)
{
	struct page_run run;
	struct span parent;
	int rc;

	*row = p->count;
	if (index == p->run_count)
		return 0;
	rc = run_at(p, index, &run, &parent);
	if (!rc && run.first <= p->count)
		*row = run.first;
	return rc;
}

static int row_name(const struct page *p, uint32_t row, struct span *name)
{
	struct page_row record;

	memcpy(&record, page_row_at(p, row), sizeof record);
	return heap_span(p, record.name_at, record.name_size, name);
}

static int find_name(const struct page *p, uint32_t low, uint32_t high, struct span name,
	uint32_t *row, bool *exact)
{
	bool found = false;

	while (low < high) {
		uint32_t middle = low + (high - low) / 2;
		struct span at;
		int order;

		if (row_name(p, middle, &at))
			return ERR_CORRUPT;
		order = span_compare(at, name);
		if (order < 0)
			low = middle + 1;
		else
			high = middle;
		if (order == 0)
			found = true;
	}
	*row = low;
	*exact = found;
	return 0;
}

int page_find(const struct page *p, struct span parent, struct span name, uint32_t *row,
	bool *exact)
{
	uint32_t index, low, high;
	bool known;
	int rc;

	if (p->level != 0)
		return ERR_CORRUPT;
	rc = page_find_run(p, parent, &index, &known);
	if (!rc)
		rc = run_start(p, index, &low);
	if (rc)
		return rc;
	if (!known) {
		*row = low;
		*exact = false;
		return 0;
	}
	rc = run_start(p, index + 1, &high);
	return rc ? rc : find_name(p, low, high, name, row, exact);
}

static int page_read_child(
	const struct page *p, uint32_t index, struct page_child *out, uint64_t *before)
{
	struct page_child_row row;
	int rc;

	memcpy(&row, p->data + sizeof(struct page_header) + (size_t)index * sizeof row,
		sizeof row);
	*out = (struct page_child){
		.digest = row.digest,
		.entries = row.entries,
		.bytes = row.bytes,
	};
	*before = row.before;
	rc = heap_span(p, row.parent_at, row.parent_size, &out->last_parent);
	return rc ? rc : heap_span(p, row.name_at, row.name_size, &out->last_name);
}

int page_child(const struct page *p, uint32_t index, struct page_child *out)
{
	struct page_child child;
	uint64_t before;

	if (p->level == 0 || index >= p->count ||
		page_read_child(p, index, &child, &before))
		return ERR_CORRUPT;
	*out = child;
	return 0;
}

/* How many entries stand before child `index`; all of them at the end. */
static int entries_before(const struct page *p, uint32_t index, uint64_t *before)
{
	struct page_child child;

	if (index < p->count)
		return page_read_child(p, index, &child, before);
	*before = page_entries(p);
	return 0;
}

int page_find_child(const struct page *p, struct span parent, struct span name,
	uint32_t *index, uint64_t *before)
{
	uint32_t low = 0, high = p->count;
	uint64_t entries;
	int rc;

	if (p->level == 0)
		return ERR_CORRUPT;
	while (low < high) {
		uint32_t middle = low + (high - low) / 2;
		struct page_child child;

		if (page_read_child(p, middle, &child, &entries))
			return ERR_CORRUPT;
		if (place_compare(child.last_parent, child.last_name, parent, name) < 0)
			low = middle + 1;
		else
			high = middle;
	}
	rc = entries_before(p, low, &entries);
	if (rc)
		return rc;
	*index = low;
	*before = entries;
	return 0;
}

int page_child_at(const struct page *p, uint64_t rank, uint32_t *index, uint64_t *before)
{
	uint32_t low = 0, high = p->count;
	uint64_t entries;
	int rc;

	if (p->level == 0)
		return ERR_CORRUPT;
	if (rank >= page_entries(p))
		return ERR_ABSENT;
	/* The last child with `rank` or fewer entries before it. */
	while (high - low > 1) {
		uint32_t middle = low + (high - low) / 2;

		if (entries_before(p, middle, &entries))
			return ERR_CORRUPT;
		if (entries <= rank)
			low = middle;
		else
			high = middle;
	}
	rc = entries_before(p, low, &entries);
	if (rc)
		return rc;
	*index = low;
	*before = entries;
	return 0;
}
