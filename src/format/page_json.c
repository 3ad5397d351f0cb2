/* SPDX-License-Identifier: MIT */
#include <config.h>

#include <stdlib.h>
#include <string.h>

#include "format/page_json.h"
#include "format/blob.h"
#include "format/json.h"
#include "format/json_byte_string.h"
#include "format/page_layout.h"

static const char *const leaf_columns[LEAF_COLUMN_COUNT + 1] = {"name", "type", "mode",
	"uid", "gid", "mtime", "nsec", "size", "links", "inode", "content", "object",
	"offset", "extra", NULL};
static const char *const inner_columns[] = {
	"page", "parent", "name", "entries", "bytes", NULL};

/* What decoding one page needs; `column` is what is being read, for the trouble. */
struct decoder {
	struct page_packer *packer;
	struct trouble *trouble;
	const char *column;
	uint32_t row;
	struct object_ref *objects;
	uint32_t object_count, objects_used;
	struct bytes parent, name, target, value, lists, xattrs, extents;
};

static void decoder_release(struct decoder *d)
{
	page_packer_free(d->packer);
	free(d->objects);
	bytes_release(&d->parent);
	bytes_release(&d->name);
	bytes_release(&d->target);
	bytes_release(&d->value);
	bytes_release(&d->lists);
	bytes_release(&d->xattrs);
	bytes_release(&d->extents);
}

static int row_trouble(struct decoder *d, int rc)
{
	if (rc == ERR_NO_MEMORY)
		return trouble_set(d->trouble, rc, "page: no memory to decode it");
	return trouble_set(d->trouble, rc,
		"page: row %u breaks the format in column \"%s\"", d->row, d->column);
}

/* A row's value, NULL when it is null or left out. */
static const json_t *cell(struct decoder *d, const json_t *row, enum leaf_column column)
{
	const json_t *value = json_array_get(row, column);

	d->column = leaf_columns[column];
	return value && json_is_null(value) ? NULL : value;
}

static int read_number(struct decoder *d, const json_t *row, enum leaf_column column,
	uint64_t max, uint64_t *out)
{
	return json_get_u64(cell(d, row, column), max, out);
}

static int read_u32(
	struct decoder *d, const json_t *row, enum leaf_column column, uint32_t *out)
{
	uint64_t number;
	int rc = read_number(d, row, column, UINT32_MAX, &number);

	if (!rc)
		*out = (uint32_t)number;
	return rc;
}

static int read_type(struct decoder *d, const json_t *row, struct entry *e)
{
	struct span type;
	int rc = json_get_string(cell(d, row, LEAF_TYPE), 1, &type);

	if (rc || type.size != 1)
		return ERR_CORRUPT;
	e->type = (enum entry_type)type.data[0];
	return 0;
}

static int read_attributes(struct decoder *d, const json_t *row, struct entry *e)
{
	uint64_t mode = 0;
	int rc = json_byte_string_view(
		cell(d, row, LEAF_NAME), NAME_SIZE_MAX, &d->name, &e->name);

	if (!rc)
		rc = read_type(d, row, e);
	if (!rc)
		rc = read_number(d, row, LEAF_MODE, 07777, &mode);
	e->mode = (uint16_t)mode;
	if (!rc)
		rc = read_u32(d, row, LEAF_UID, &e->uid);
	if (!rc)
		rc = read_u32(d, row, LEAF_GID, &e->gid);
	if (!rc)
		rc = json_get_i64(cell(d, row, LEAF_MTIME), &e->mtime);
	if (!rc)
		rc = read_u32(d, row, LEAF_NSEC, &e->mtime_nsec);
	if (!rc)
		rc = read_number(d, row, LEAF_SIZE, ENTRY_SIZE_MAX, &e->size);
	return rc;
}

static int read_identity(struct decoder *d, const json_t *row, struct entry *e)
{
	const json_t *links = cell(d, row, LEAF_LINKS);
	const json_t *inode;

	e->links = e->type == ENTRY_DIRECTORY ? 2 : 1;
	if (links && read_u32(d, row, LEAF_LINKS, &e->links))
		return ERR_CORRUPT;
	inode = cell(d, row, LEAF_INODE);
	if (inode && (json_get_u64(inode, INT64_MAX, &e->inode) || e->inode < 2))
		return ERR_CORRUPT;
	return 0;
}

/* Objects stand in the order of their first use, so a row can name but the known ones and
 * the next. */
static int read_content(struct decoder *d, const json_t *row, struct entry *e)
{
	const json_t *content = cell(d, row, LEAF_CONTENT);
	const json_t *offset = cell(d, row, LEAF_OFFSET);
	const json_t *object = cell(d, row, LEAF_OBJECT);
	uint64_t index;
	int rc;

	if (!object)
		return content || offset ? ERR_CORRUPT : 0;
	rc = json_get_u64(object, d->objects_used, &index);
	if (rc || index >= d->object_count)
		return ERR_CORRUPT;
	if (index == d->objects_used)
		d->objects_used++;
	e->has_content = true;
	e->object = d->objects[index];
	e->content = e->object.digest;
	d->column = leaf_columns[LEAF_CONTENT];
	if (content && json_get_digest(content, &e->content))
		return ERR_CORRUPT;
	d->column = leaf_columns[LEAF_OFFSET];
	return offset ? json_get_u64(offset, ENTRY_SIZE_MAX, &e->offset) : 0;
}

static int read_device(const json_t *value, struct entry *e)
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

static int read_xattr(struct decoder *d, const json_t *pair)
{
	struct span name, value;
	uint8_t copy[XATTR_NAME_SIZE_MAX];
	int rc;

	if (!json_is_array(pair) || json_array_size(pair) != 2)
		return ERR_CORRUPT;
	rc = json_byte_string_view(
		json_array_get(pair, 0), XATTR_NAME_SIZE_MAX, &d->value, &name);
	if (rc)
		return rc;
	/* The name may lie in d->value: the value may not be read over it. */
	if (name.size > 0)
		memcpy(copy, name.data, name.size);
	name.data = copy;
	rc = json_byte_string_view(
		json_array_get(pair, 1), XATTR_VALUE_SIZE_MAX, &d->value, &value);
	return rc ? rc : xattr_append(&d->xattrs, name, value);
}

static int read_xattrs(struct decoder *d, const json_t *list, struct entry *e)
{
	size_t count = json_array_size(list);

	if (!json_is_array(list) || count == 0 || count > XATTR_COUNT_MAX)
		return ERR_CORRUPT;
	bytes_clear(&d->xattrs);
	for (size_t i = 0; i < count; i++) {
		int rc = read_xattr(d, json_array_get(list, i));

		if (rc)
			return rc;
	}
	e->xattrs = span_of_bytes(&d->xattrs);
	return 0;
}

static int read_extents(struct decoder *d, const json_t *list, struct entry *e)
{
	size_t count = json_array_size(list);
	int rc;

	if (!json_is_array(list) || count == 0 || count > EXTENT_COUNT_MAX)
		return ERR_CORRUPT;
	bytes_clear(&d->extents);
	rc = bytes_reserve(&d->extents, count * EXTENT_RECORD_SIZE);
	if (rc)
		return rc;
	for (uint32_t i = 0; i < count; i++) {
		const json_t *pair = json_array_get(list, i);
		struct extent x;

		if (!json_is_array(pair) || json_array_size(pair) != 2 ||
			json_get_u64(json_array_get(pair, 0), ENTRY_SIZE_MAX, &x.offset) ||
			json_get_u64(json_array_get(pair, 1), ENTRY_SIZE_MAX, &x.size))
			return ERR_CORRUPT;
		extent_put(d->extents.data, i, &x);
	}
	e->extents = d->extents.data;
	e->extent_count = (uint32_t)count;
	return 0;
}

/* A member that does not apply to the type is refused by entry_check(). */
static int read_extra(struct decoder *d, const json_t *row, struct entry *e)
{
	static const char *const members[] = {
		"target", "device", "xattrs", "extents", NULL};
	const json_t *extra = cell(d, row, LEAF_EXTRA);
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
			target, LINK_TARGET_SIZE_MAX, &d->target, &e->target);
	if (!rc && device)
		rc = read_device(device, e);
	if (!rc && xattrs)
		rc = read_xattrs(d, xattrs, e);
	if (!rc && extents)
		rc = read_extents(d, extents, e);
	return rc;
}

static int decode_row(struct decoder *d, const json_t *row, struct span parent)
{
	struct entry e = {.parent = parent};
	int rc;

	d->column = "row";
	if (!json_is_array(row) || json_array_size(row) > LEAF_COLUMN_COUNT)
		return row_trouble(d, ERR_CORRUPT);
	rc = read_attributes(d, row, &e);
	if (!rc)
		rc = read_identity(d, row, &e);
	if (!rc)
		rc = read_content(d, row, &e);
	if (!rc)
		rc = read_extra(d, row, &e);
	if (!rc)
		rc = page_packer_put(d->packer, &e, &d->column);
	if (!rc && page_packer_objects(d->packer) != d->objects_used) {
		d->column = leaf_columns[LEAF_OBJECT];
		rc = ERR_CORRUPT; /* one object stands twice in the table */
	}
	if (rc)
		return row_trouble(d, rc);
	d->row++;
	return 0;
}

static int decode_run(struct decoder *d, const json_t *run)
{
	struct span parent;
	const json_t *rows = json_array_get(run, 1);
	size_t count = json_array_size(rows);
	int rc;

	d->column = "parent";
	if (!json_is_array(run) || json_array_size(run) != 2 || count == 0)
		return row_trouble(d, ERR_CORRUPT);
	rc = json_byte_string_view(
		json_array_get(run, 0), PATH_SIZE_MAX, &d->parent, &parent);
	if (rc)
		return row_trouble(d, rc);
	for (size_t i = 0; !rc && i < count; i++)
		rc = decode_row(d, json_array_get(rows, i), parent);
	return rc;
}

/* Two runs of one parent would be two spellings of one page. */
static int decode_runs(struct decoder *d, const json_t *runs)
{
	size_t count = json_array_size(runs);
	const json_t *last = NULL;

	if (!json_is_array(runs) || count == 0 || count > PAGE_ROWS_MAX)
		return trouble_set(d->trouble, ERR_CORRUPT, "page: no runs, or too many");
	for (size_t i = 0; i < count; i++) {
		const json_t *run = json_array_get(runs, i);
		const json_t *parent = json_array_get(run, 0);
		int rc;

		d->column = "parent";
		if (last && json_equal(last, parent))
			return row_trouble(d, ERR_CORRUPT);
		last = parent;
		rc = decode_run(d, run);
		if (rc)
			return rc;
	}
	if (d->objects_used != d->object_count)
		return trouble_set(d->trouble, ERR_CORRUPT,
			"page: object %u is used by no row", d->objects_used);
	return 0;
}

static int read_chunks(struct decoder *d, const json_t *list, struct object_ref *o)
{
	size_t count = json_array_size(list), at = d->lists.size;
	int rc;

	if (count < 2 || count > OBJECT_LISTED_MAX)
		return ERR_CORRUPT;
	rc = bytes_reserve(&d->lists, count * CHUNK_RECORD_SIZE);
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
		chunk_list_put(d->lists.data + at, i, &chunk);
	}
	d->lists.size += count * CHUNK_RECORD_SIZE;
	o->form = OBJECT_LISTED;
	o->count = (uint32_t)count;
	return 0;
}

static int read_object(struct decoder *d, const json_t *row, struct object_ref *o)
{
	const json_t *chunks = json_array_get(row, 2);

	if (!json_is_array(row) || json_array_size(row) != 3 ||
		json_get_digest(json_array_get(row, 0), &o->digest) ||
		json_get_u64(json_array_get(row, 1), ENTRY_SIZE_MAX, &o->size))
		return ERR_CORRUPT;
	if (json_is_array(chunks))
		return read_chunks(d, chunks, o);
	if (json_is_null(chunks)) {
		o->form = OBJECT_SINGLE;
		return 0;
	}
	o->form = OBJECT_RECIPE;
	return json_get_digest(chunks, &o->recipe);
}

/* The lists move while they are read; only then do the objects point at theirs. */
static void point_at_lists(struct decoder *d)
{
	const uint8_t *at = d->lists.data;

	for (uint32_t i = 0; i < d->object_count; i++) {
		if (d->objects[i].form != OBJECT_LISTED)
			continue;
		d->objects[i].list = at;
		at += (size_t)d->objects[i].count * CHUNK_RECORD_SIZE;
	}
}

static int decode_objects(struct decoder *d, const json_t *objects)
{
	size_t count = json_array_size(objects);

	if (!json_is_array(objects) || count > PAGE_ROWS_MAX)
		return trouble_set(
			d->trouble, ERR_CORRUPT, "page: no objects, or too many");
	d->objects = calloc(count + 1, sizeof(*d->objects));
	if (!d->objects)
		return ERR_NO_MEMORY;
	for (size_t i = 0; i < count; i++) {
		struct object_ref *o = &d->objects[i];
		int rc = read_object(d, json_array_get(objects, i), o);

		if (rc)
			return trouble_set(
				d->trouble, rc, "page: object %zu breaks the format", i);
	}
	d->object_count = (uint32_t)count;
	point_at_lists(d);
	return 0;
}

static int check_columns(struct decoder *d, const json_t *columns, const char *const *names)
{
	size_t i = 0;
	bool good = json_is_array(columns);

	for (; good && names[i]; i++) {
		const char *name = json_string_value(json_array_get(columns, i));

		good = name && strcmp(name, names[i]) == 0;
	}
	if (good && json_array_size(columns) == i)
		return 0;
	return trouble_set(
		d->trouble, ERR_CORRUPT, "page: columns are not those of format 1");
}

static int unknown_member(struct decoder *d)
{
	return trouble_set(d->trouble, ERR_CORRUPT, "page: a member is unknown or missing");
}

static int decode_leaf(struct decoder *d, const json_t *root)
{
	static const char *const members[] = {"cairn", "columns", "objects", "runs", NULL};
	int rc;

	if (json_only_members(root, members))
		return unknown_member(d);
	rc = check_columns(d, json_object_get(root, "columns"), leaf_columns);
	if (rc)
		return rc;
	d->packer = page_packer_new(0);
	if (!d->packer)
		return ERR_NO_MEMORY;
	rc = decode_objects(d, json_object_get(root, "objects"));
	return rc ? rc : decode_runs(d, json_object_get(root, "runs"));
}

static int decode_child(struct decoder *d, const json_t *row)
{
	struct page_child child;
	int rc;

	d->column = "child";
	if (!json_is_array(row) || json_array_size(row) != 5)
		return ERR_CORRUPT;
	d->column = "page";
	rc = json_get_digest(json_array_get(row, 0), &child.digest);
	if (rc)
		return rc;
	d->column = "parent";
	rc = json_byte_string_view(
		json_array_get(row, 1), PATH_SIZE_MAX, &d->parent, &child.last_parent);
	if (rc)
		return rc;
	d->column = "name";
	rc = json_byte_string_view(
		json_array_get(row, 2), NAME_SIZE_MAX, &d->name, &child.last_name);
	if (rc)
		return rc;
	d->column = "entries";
	rc = json_get_u64(json_array_get(row, 3), INT64_MAX, &child.entries);
	if (rc)
		return rc;
	d->column = "bytes";
	rc = json_get_u64(json_array_get(row, 4), ENTRY_SIZE_MAX, &child.bytes);
	if (rc)
		return rc;
	d->column = "child";
	return page_packer_child(d->packer, &child);
}

static int decode_children(struct decoder *d, const json_t *children)
{
	size_t count = json_array_size(children);

	if (!json_is_array(children) || count == 0 || count > PAGE_ROWS_MAX)
		return trouble_set(
			d->trouble, ERR_CORRUPT, "page: no children, or too many");
	for (; d->row < count; d->row++) {
		int rc = decode_child(d, json_array_get(children, d->row));

		if (rc)
			return row_trouble(d, rc);
	}
	return 0;
}

static int decode_inner(struct decoder *d, const json_t *root)
{
	static const char *const members[] = {
		"cairn", "children", "columns", "level", NULL};
	uint64_t level;
	int rc;

	if (json_only_members(root, members))
		return unknown_member(d);
	rc = json_get_u64(json_object_get(root, "level"), PAGE_LEVEL_MAX, &level);
	if (rc || level == 0)
		return trouble_set(d->trouble, ERR_CORRUPT, "page: level is not in 1..%d",
			PAGE_LEVEL_MAX);
	rc = check_columns(d, json_object_get(root, "columns"), inner_columns);
	if (rc)
		return rc;
	d->packer = page_packer_new((unsigned)level);
	if (!d->packer)
		return ERR_NO_MEMORY;
	return decode_children(d, json_object_get(root, "children"));
}

static int decode_root(struct decoder *d, const json_t *root)
{
	const char *kind = json_string_value(json_object_get(root, "cairn"));

	if (kind && strcmp(kind, "leaf") == 0)
		return decode_leaf(d, root);
	if (kind && strcmp(kind, "inner") == 0)
		return decode_inner(d, root);
	return trouble_set(
		d->trouble, ERR_CORRUPT, "page: neither a leaf nor an inner page");
}

int page_json_decode(struct span text, struct bytes *packed, struct trouble *t)
{
	struct decoder d = {.trouble = t};
	json_t *root = NULL;
	int rc;

	if (text.size > PAGE_SIZE_MAX)
		return trouble_set(t, ERR_LIMIT, "page: over %u bytes", PAGE_SIZE_MAX);
	rc = json_parse(text, &root, t);
	if (rc)
		return rc;
	rc = decode_root(&d, root);
	if (!rc)
		rc = page_packer_finish(d.packer, packed);
	if (rc == ERR_NO_MEMORY)
		trouble_set(t, rc, "page: no memory to decode it");
	decoder_release(&d);
	json_decref(root);
	return rc;
}
