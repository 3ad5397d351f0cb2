/* SPDX-License-Identifier: MIT */
#include <config.h>

#include <assert.h>
#include <stdlib.h>

#include "format/page_packer.h"
#include "format/names.h"
#include "format/object_table.h"
#include "format/page_layout.h"
#include "format/page_order.h"
#include "util/error.h"

/* Records are collected per table and joined at the end. */
struct page_packer {
	struct page_header header;
	struct bytes rows, runs, files, heap;
	struct object_table objects;
	/* The last place, in the heap, which moves. */
	uint32_t parent_at, parent_size, name_at, name_size;
};

struct page_packer *page_packer_new(unsigned level)
{
	struct page_packer *k;

	if (level > PAGE_LEVEL_MAX)
		return NULL;
	k = calloc(1, sizeof *k);
	if (!k)
		return NULL;
	k->header.magic = PAGE_MAGIC;
	k->header.layout = PAGE_LAYOUT;
	k->header.level = (uint16_t)level;
	return k;
}

void page_packer_free(struct page_packer *k)
{
	if (!k)
		return;
	bytes_release(&k->rows);
	bytes_release(&k->runs);
	bytes_release(&k->files);
	bytes_release(&k->heap);
	object_table_release(&k->objects);
	free(k);
}

uint32_t page_packer_objects(const struct page_packer *k)
{
	return k->objects.count;
}

static int heap_append(struct page_packer *k, struct span s, uint32_t *at)
{
	if (s.size > UINT32_MAX - 1 - k->heap.size)
		return ERR_LIMIT;
	*at = (uint32_t)k->heap.size;
	return bytes_append(&k->heap, s.data, s.size);
}

static struct page_order last_place(const struct page_packer *k)
{
	return (struct page_order){
		.begun = k->header.count > 0,
		.parent = span_of_part(&k->heap, k->parent_at, k->parent_size),
		.name = span_of_part(&k->heap, k->name_at, k->name_size),
	};
}

static int put_run(struct page_packer *k, struct span parent)
{
	struct page_run run = {
		.parent_size = (uint32_t)parent.size,
		.first = k->header.count,
	};
	int rc = heap_append(k, parent, &run.parent_at);

	if (rc)
		return rc;
	k->parent_at = run.parent_at;
	k->parent_size = run.parent_size;
	k->header.run_count++;
	return bytes_append(&k->runs, &run, sizeof run);
}

static int put_file(struct page_packer *k, const struct entry *e, const char **column)
{
	struct page_file file = {.content = e->content, .offset = e->offset};
	int rc;

	*column = "object";
	rc = object_table_add(&k->objects, &e->object, &file.object);
	if (rc)
		return rc;
	k->header.file_count++;
	return bytes_append(&k->files, &file, sizeof file);
}

/* The records, or what names their list. */
static int put_extents(struct page_packer *k, const struct entry *e)
{
	struct page_run_list list = {
		.digest = e->run_list.digest,
		.count = e->run_list.count,
		.size = e->run_list.size,
	};
	struct span extents = span_of(
		e->extents, (size_t)e->extent_count * EXTENT_RECORD_SIZE);
	uint32_t at;

	return heap_append(k, list.count > 0 ? span_of(&list, sizeof list) : extents, &at);
}

static int put_extra(struct page_packer *k, const struct entry *e, uint32_t *at)
{
	struct page_extra extra = {
		.target_size = (uint32_t)e->target.size,
		.xattrs_size = (uint32_t)e->xattrs.size,
		.extent_count = e->run_list.count > 0 ? PAGE_RUN_LIST : e->extent_count,
		.major = e->major,
		.minor = e->minor,
	};
	uint32_t rest;
	int rc = heap_append(k, span_of(&extra, sizeof extra), at);

	if (!rc)
		rc = heap_append(k, e->target, &rest);
	if (!rc)
		rc = heap_append(k, e->xattrs, &rest);
	return rc ? rc : put_extents(k, e);
}

static bool has_extra(const struct entry *e)
{
	return e->target.size > 0 || e->xattrs.size > 0 || e->extent_count > 0 ||
	       e->run_list.count > 0 || e->major != 0 || e->minor != 0;
}

/* The inode of an entry that gives none. */
static uint64_t derive_inode(const struct entry *e)
{
	struct key key;
	int rc = key_encode(e->parent, e->name, &key);
	struct key_hash hash;

	assert(!rc); /* page_order_check() has seen the sizes */
	(void)rc;
	hash = key_hash_of(&key);
	return key_hash_inode(&hash);
}

static int page_packer_put_row(
	struct page_packer *k, const struct entry *e, uint32_t extra_at)
{
	struct page_row row = {
		.mtime = e->mtime,
		.size = e->size,
		.inode = e->inode != 0 ? e->inode : derive_inode(e),
		.mtime_nsec = e->mtime_nsec,
		.uid = e->uid,
		.gid = e->gid,
		.links = e->links,
		.file = e->has_content ? k->header.file_count : 0,
		.extra_at = extra_at,
		.mode = e->mode,
		.run = (uint16_t)(k->header.run_count - 1),
		.name_size = (uint8_t)e->name.size,
		.type = (uint8_t)e->type,
	};
	int rc = heap_append(k, e->name, &row.name_at);

	if (rc)
		return rc;
	k->name_at = row.name_at;
	k->name_size = row.name_size;
	k->header.count++;
	if (e->type == ENTRY_FILE)
		k->header.bytes = page_bytes_add(k->header.bytes, e->size);
	return bytes_append(&k->rows, &row, sizeof row);
}

int page_packer_put(struct page_packer *k, const struct entry *e, const char **column)
{
	uint32_t extra_at = PAGE_NO_EXTRA;
	struct page_order last = last_place(k);
	int rc;

	*column = "name";
	if (k->header.count >= PAGE_ROWS_MAX)
		return ERR_LIMIT;
	rc = page_order_check(&last, e->parent, e->name, e->type, column);
	if (!rc)
		rc = entry_check(e, column);
	if (rc)
		return rc;
	if (!last.begun || !span_equal(last.parent, e->parent))
		rc = put_run(k, e->parent);
	if (!rc && e->has_content)
		rc = put_file(k, e, column);
	if (!rc && has_extra(e))
		rc = put_extra(k, e, &extra_at);
	return rc ? rc : page_packer_put_row(k, e, extra_at);
}

int page_packer_entry(struct page_packer *k, const struct entry *e)
{
	const char *column;

	assert(k->header.level == 0);
	return page_packer_put(k, e, &column);
}

static int put_child(struct page_packer *k, const struct page_child *c)
{
	struct page_child_row row = {
		.digest = c->digest,
		.entries = c->entries,
		.bytes = c->bytes,
		.before = k->header.entries,
		.parent_size = (uint16_t)c->last_parent.size,
		.name_size = (uint16_t)c->last_name.size,
	};
	int rc = heap_append(k, c->last_parent, &row.parent_at);

	if (!rc)
		rc = heap_append(k, c->last_name, &row.name_at);
	if (rc)
		return rc;
	k->parent_at = row.parent_at;
	k->parent_size = row.parent_size;
	k->name_at = row.name_at;
	k->name_size = row.name_size;
	k->header.count++;
	k->header.entries += c->entries;
	k->header.bytes = page_bytes_add(k->header.bytes, c->bytes);
	return bytes_append(&k->rows, &row, sizeof row);
}

int page_packer_child(struct page_packer *k, const struct page_child *c)
{
	const char *column;
	struct page_order last = last_place(k);
	int rc;

	assert(k->header.level > 0);
	if (k->header.count >= PAGE_ROWS_MAX)
		return ERR_LIMIT;
	if (c->entries == 0 || c->entries > INT64_MAX - k->header.entries ||
		c->bytes > ENTRY_SIZE_MAX)
		return ERR_CORRUPT;
	rc = page_order_check(
		&last, c->last_parent, c->last_name, ENTRY_DIRECTORY, &column);
	return rc ? rc : put_child(k, c);
}

static int put_layout(struct page_packer *k, struct span list, uint32_t *at)
{
	struct digest layout = digest_of(list.data, list.size);

	return heap_append(k, span_of(layout.bytes, sizeof layout.bytes), at);
}

static int put_object(struct page_packer *k, uint32_t index, struct bytes *out)
{
	struct object_ref o = object_table_at(&k->objects, index);
	struct page_object object = {
		.digest = o.digest,
		.size = o.size,
		.form = (uint32_t)o.form,
		.count = o.form == OBJECT_LISTED ? o.count : 0,
	};
	struct span list = {0};
	int rc;

	if (o.form == OBJECT_LISTED)
		list = span_of(o.list, (size_t)o.count * CHUNK_RECORD_SIZE);
	else if (o.form == OBJECT_RECIPE)
		list = span_of(&o.recipe, sizeof o.recipe);
	rc = heap_append(k, list, &object.list_at);
	if (!rc && o.form == OBJECT_LISTED)
		rc = put_layout(k, list, &object.layout_at);
	return rc ? rc : bytes_append(out, &object, sizeof object);
}

/* The header and the tables, in the order of the layout. */
static int append_tables(
	const struct page_packer *k, const struct bytes *objects, struct bytes *out)
{
	const struct bytes *const tables[] = {
		&k->rows, &k->runs, &k->files, objects, &k->heap};
	const size_t count = sizeof tables / sizeof tables[0];
	size_t size = sizeof k->header;
	int rc;

	for (size_t i = 0; i < count; i++)
		size += tables[i]->size;
	rc = bytes_reserve(out, size);
	if (!rc)
		rc = bytes_append(out, &k->header, sizeof k->header);
	for (size_t i = 0; !rc && i < count; i++)
		rc = bytes_append(out, tables[i]->data, tables[i]->size);
	return rc;
}

int page_packer_finish(struct page_packer *k, struct bytes *out)
{
	struct bytes objects = {0};
	size_t before = out->size;
	int rc = k->header.count > 0 ? 0 : ERR_INVALID;

	for (uint32_t i = 0; !rc && i < k->objects.count; i++)
		rc = put_object(k, i, &objects);
	if (rc)
		goto out;
	k->header.object_count = k->objects.count;
	k->header.heap_size = (uint32_t)k->heap.size;
	if (k->header.level == 0)
		k->header.entries = k->header.count;
	rc = append_tables(k, &objects, out);
out:
	if (rc)
		out->size = before;
	bytes_release(&objects);
	return rc;
}
