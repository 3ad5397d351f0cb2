/* SPDX-License-Identifier: MIT */
#include <config.h>

#include <stdlib.h>
#include <string.h>

#include "format/leaf_reader.h"
#include "format/blob.h"
#include "format/json.h"
#include "format/json_byte_string.h"
#include "format/names.h"
#include "format/page.h"

const char *const leaf_columns[LEAF_COLUMN_COUNT + 1] = {"name", "type", "mode", "uid",
	"gid", "mtime", "nsec", "size", "links", "inode", "content", "object", "offset",
	"extra", NULL};

void leaf_reader_release(struct leaf_reader *r)
{
	free(r->objects);
	bytes_release(&r->name);
	bytes_release(&r->target);
	bytes_release(&r->value);
	bytes_release(&r->lists);
	bytes_release(&r->xattrs);
	bytes_release(&r->extents);
}

static int leaf_read_chunks(struct leaf_reader *r, const json_t *list, struct object_ref *o)
{
	size_t count = json_array_size(list), at = r->lists.size;
	int rc;

	if (count < 2 || count > OBJECT_LISTED_MAX)
		return ERR_CORRUPT;
	rc = bytes_reserve(&r->lists, count * CHUNK_RECORD_SIZE);
	if (rc)
		return rc;
	for (uint32_t i = 0; i < count; i++) {
		const json_t *pair = json_array_get(list, i);
		struct chunk_ref chunk;
		uint64_t size;

		if (!json_is_array(pair) || json_array_size(pair) != 2 ||
			json_get_digest(json_array_get(pair, 0), &chunk.digest) ||
			json_get_u64(json_array_get(pair, 1), CHUNK_SIZE_MAX, &size))
			return ERR_CORRUPT;
		chunk.size = (uint32_t)size;
		chunk_list_put(r->lists.data + at, i, &chunk);
	}
	r->lists.size += count * CHUNK_RECORD_SIZE;
	o->form = OBJECT_LISTED;
	o->count = (uint32_t)count;
	return 0;
}

static int leaf_read_object(struct leaf_reader *r, const json_t *row, struct object_ref *o)
{
	const json_t *chunks = json_array_get(row, 2);

	if (!json_is_array(row) || json_array_size(row) != 3 ||
		json_get_digest(json_array_get(row, 0), &o->digest) ||
		json_get_u64(json_array_get(row, 1), ENTRY_SIZE_MAX, &o->size))
		return ERR_CORRUPT;
	if (json_is_array(chunks))
		return leaf_read_chunks(r, chunks, o);
	if (json_is_null(chunks)) {
		o->form = OBJECT_SINGLE;
		return 0;
	}
	o->form = OBJECT_RECIPE;
	return json_get_digest(chunks, &o->recipe);
}

/* The lists move while they are read; only then do the objects point at theirs. */
static void leaf_point_at_lists(struct leaf_reader *r)
{
	const uint8_t *at = r->lists.data;

	for (uint32_t i = 0; i < r->object_count; i++) {
		if (r->objects[i].form != OBJECT_LISTED)
			continue;
		r->objects[i].list = at;
		at += (size_t)r->objects[i].count * CHUNK_RECORD_SIZE;
	}
}

int leaf_reader_objects(struct leaf_reader *r, const json_t *objects, struct trouble *t)
{
	size_t count = json_array_size(objects);

	if (!json_is_array(objects) || count > PAGE_ROWS_MAX)
		return trouble_set(t, ERR_CORRUPT, "page: no objects, or too many");
	r->objects = calloc(count + 1, sizeof *r->objects);
	if (!r->objects)
		return ERR_NO_MEMORY;
	for (size_t i = 0; i < count; i++) {
		struct object_ref *o = &r->objects[i];
		int rc = leaf_read_object(r, json_array_get(objects, i), o);

		if (rc)
			return trouble_set(t, rc, "page: object %zu breaks the format", i);
	}
	r->object_count = (uint32_t)count;
	leaf_point_at_lists(r);
	return 0;
}

/* A row's value, NULL when it is null or left out. */
static const json_t *leaf_cell(
	struct leaf_reader *r, const json_t *row, enum leaf_column column)
{
	const json_t *value = json_array_get(row, column);

	r->column = leaf_columns[column];
	return value && json_is_null(value) ? NULL : value;
}

static int leaf_read_number(struct leaf_reader *r, const json_t *row,
	enum leaf_column column, uint64_t max, uint64_t *out)
{
	return json_get_u64(leaf_cell(r, row, column), max, out);
}

static int leaf_read_u32(
	struct leaf_reader *r, const json_t *row, enum leaf_column column, uint32_t *out)
{
	uint64_t number;
	int rc = leaf_read_number(r, row, column, UINT32_MAX, &number);

	if (!rc)
		*out = (uint32_t)number;
	return rc;
}

static int leaf_read_type(struct leaf_reader *r, const json_t *row, struct entry *e)
{
	struct span type;
	int rc = json_get_string(leaf_cell(r, row, LEAF_TYPE), 1, &type);

	if (rc || type.size != 1)
		return ERR_CORRUPT;
	e->type = (enum entry_type)type.data[0];
	return 0;
}

static int leaf_read_attributes(struct leaf_reader *r, const json_t *row, struct entry *e)
{
	uint64_t mode;
	int rc;

	rc = json_byte_string_view(
		leaf_cell(r, row, LEAF_NAME), NAME_SIZE_MAX, &r->name, &e->name);
	if (rc)
		return rc;
	rc = leaf_read_type(r, row, e);
	if (rc)
		return rc;
	rc = leaf_read_number(r, row, LEAF_MODE, 07777, &mode);
	if (rc)
		return rc;
	e->mode = (uint16_t)mode;
	rc = leaf_read_u32(r, row, LEAF_UID, &e->uid);
	if (rc)
		return rc;
	rc = leaf_read_u32(r, row, LEAF_GID, &e->gid);
	if (rc)
		return rc;
	rc = json_get_i64(leaf_cell(r, row, LEAF_MTIME), &e->mtime);
	if (rc)
		return rc;
	rc = leaf_read_u32(r, row, LEAF_NSEC, &e->mtime_nsec);
	if (!rc)
		rc = leaf_read_number(r, row, LEAF_SIZE, ENTRY_SIZE_MAX, &e->size);
	return rc;
}

static int leaf_read_identity(struct leaf_reader *r, const json_t *row, struct entry *e)
{
	const json_t *links = leaf_cell(r, row, LEAF_LINKS);
	const json_t *inode;

	e->links = e->type == ENTRY_DIRECTORY ? 2 : 1;
	if (links && leaf_read_u32(r, row, LEAF_LINKS, &e->links))
		return ERR_CORRUPT;
	inode = leaf_cell(r, row, LEAF_INODE);
	if (inode && (json_get_u64(inode, INT64_MAX, &e->inode) || e->inode < 2))
		return ERR_CORRUPT;
	return 0;
}

/* Objects stand in the order of their first use, so a row can name but the known ones and
 * the next. */
static int leaf_read_content(struct leaf_reader *r, const json_t *row, struct entry *e)
{
	const json_t *content = leaf_cell(r, row, LEAF_CONTENT);
	const json_t *offset = leaf_cell(r, row, LEAF_OFFSET);
	const json_t *object = leaf_cell(r, row, LEAF_OBJECT);
	uint64_t index;
	int rc;

	if (!object)
		return content || offset ? ERR_CORRUPT : 0;
	rc = json_get_u64(object, r->objects_used, &index);
	if (rc || index >= r->object_count)
		return ERR_CORRUPT;
	if (index == r->objects_used)
		r->objects_used++;
	e->has_content = true;
	e->object = r->objects[index];
	e->content = e->object.digest;
	r->column = leaf_columns[LEAF_CONTENT];
	if (content && json_get_digest(content, &e->content))
		return ERR_CORRUPT;
	r->column = leaf_columns[LEAF_OFFSET];
	return offset ? json_get_u64(offset, ENTRY_SIZE_MAX, &e->offset) : 0;
}

static int leaf_read_device(const json_t *value, struct entry *e)
{
	uint64_t major, minor;

	if (!json_is_array(value) || json_array_size(value) != 2 ||
		json_get_u64(json_array_get(value, 0), UINT32_MAX, &major) ||
		json_get_u64(json_array_get(value, 1), UINT32_MAX, &minor))
		return ERR_CORRUPT;
	e->major = (uint32_t)major;
	e->minor = (uint32_t)minor;
	return 0;
}

static int leaf_read_xattr(struct leaf_reader *r, const json_t *pair)
{
	struct span name, value;
	uint8_t copy[XATTR_NAME_SIZE_MAX];
	int rc;

	if (!json_is_array(pair) || json_array_size(pair) != 2)
		return ERR_CORRUPT;
	rc = json_byte_string_view(
		json_array_get(pair, 0), XATTR_NAME_SIZE_MAX, &r->value, &name);
	if (rc)
		return rc;
	/* The name may lie in r->value: the value may not be read over it. */
	if (name.size > 0)
		memcpy(copy, name.data, name.size);
	name.data = copy;
	rc = json_byte_string_view(
		json_array_get(pair, 1), XATTR_VALUE_SIZE_MAX, &r->value, &value);
	return rc ? rc : xattr_append(&r->xattrs, name, value);
}

static int leaf_read_xattrs(struct leaf_reader *r, const json_t *list, struct entry *e)
{
	size_t count = json_array_size(list);

	if (!json_is_array(list) || count == 0 || count > XATTR_COUNT_MAX)
		return ERR_CORRUPT;
	bytes_clear(&r->xattrs);
	for (size_t i = 0; i < count; i++) {
		int rc = leaf_read_xattr(r, json_array_get(list, i));

		if (rc)
			return rc;
	}
	e->xattrs = span_of_bytes(&r->xattrs);
	return 0;
}

/* The list is a blob. */
static int leaf_read_extents_ref(const json_t *ref, struct entry *e)
{
	struct extents_ref *list = &e->run_list;

	if (json_array_size(ref) != 3 ||
		json_get_digest(json_array_get(ref, 0), &list->digest) ||
		json_get_u64(json_array_get(ref, 1), EXTENT_RUNS_MAX, &list->count) ||
		json_get_u64(json_array_get(ref, 2), ENTRY_SIZE_MAX, &list->size))
		return ERR_CORRUPT;
	return list->count > 0 ? 0 : ERR_CORRUPT;
}

static int leaf_read_extents(struct leaf_reader *r, const json_t *list, struct entry *e)
{
	size_t count = json_array_size(list);
	int rc;

	if (json_is_string(json_array_get(list, 0)))
		return leaf_read_extents_ref(list, e);
	if (!json_is_array(list) || count == 0 || count > EXTENT_COUNT_MAX)
		return ERR_CORRUPT;
	bytes_clear(&r->extents);
	rc = bytes_reserve(&r->extents, count * EXTENT_RECORD_SIZE);
	if (rc)
		return rc;
	for (uint32_t i = 0; i < count; i++) {
		const json_t *pair = json_array_get(list, i);
		struct extent x;

		if (!json_is_array(pair) || json_array_size(pair) != 2 ||
			json_get_u64(json_array_get(pair, 0), ENTRY_SIZE_MAX, &x.offset) ||
			json_get_u64(json_array_get(pair, 1), ENTRY_SIZE_MAX, &x.size))
			return ERR_CORRUPT;
		extent_put(r->extents.data, i, &x);
	}
	e->extents = r->extents.data;
	e->extent_count = (uint32_t)count;
	return 0;
}

/* A member that does not apply to the type is refused by entry_check(). */
static int leaf_read_extra(struct leaf_reader *r, const json_t *row, struct entry *e)
{
	static const char *const members[] = {
		"target", "device", "xattrs", "extents", NULL};
	const json_t *extra = leaf_cell(r, row, LEAF_EXTRA);
	const json_t *target = json_object_get(extra, "target");
	const json_t *device = json_object_get(extra, "device");
	const json_t *xattrs = json_object_get(extra, "xattrs");
	const json_t *extents = json_object_get(extra, "extents");
	bool is_device = e->type == ENTRY_CHARACTER || e->type == ENTRY_BLOCK;
	int rc = 0;

	if ((device != NULL) != is_device || (target != NULL) != (e->type == ENTRY_SYMLINK))
		return ERR_CORRUPT;
	if (extra && (json_only_members(extra, members) || json_object_size(extra) == 0))
		return ERR_CORRUPT;
	if (target)
		rc = json_byte_string_view(
			target, LINK_TARGET_SIZE_MAX, &r->target, &e->target);
	if (!rc && device)
		rc = leaf_read_device(device, e);
	if (!rc && xattrs)
		rc = leaf_read_xattrs(r, xattrs, e);
	if (!rc && extents)
		rc = leaf_read_extents(r, extents, e);
	return rc;
}

int leaf_reader_row(struct leaf_reader *r, const json_t *row, struct entry *out)
{
	int rc;

	r->column = "row";
	if (!json_is_array(row) || json_array_size(row) > LEAF_COLUMN_COUNT)
		return ERR_CORRUPT;
	rc = leaf_read_attributes(r, row, out);
	if (!rc)
		rc = leaf_read_identity(r, row, out);
	if (!rc)
		rc = leaf_read_content(r, row, out);
	return rc ? rc : leaf_read_extra(r, row, out);
}
