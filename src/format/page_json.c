/* SPDX-License-Identifier: MIT */
#include <config.h>

#include <string.h>

#include "format/page_json.h"
#include "format/blob.h"
#include "format/json.h"
#include "format/json_byte_string.h"
#include "format/leaf_reader.h"
#include "format/page_packer.h"

static const char *const inner_columns[] = {
	"page", "parent", "name", "entries", "bytes", NULL};

/* What decoding one page needs; `column` is what is being read, for the trouble. */
struct decoder {
	struct page_packer *packer;
	struct trouble *trouble;
	const char *column;
	uint32_t row;
	struct leaf_reader leaf;
	struct bytes parent, name;
};

static void decoder_release(struct decoder *d)
{
	page_packer_free(d->packer);
	leaf_reader_release(&d->leaf);
	bytes_release(&d->parent);
	bytes_release(&d->name);
}

static int row_trouble(struct decoder *d, int rc)
{
	if (rc == ERR_NO_MEMORY)
		return trouble_set(d->trouble, rc, "page: no memory to decode it");
	return trouble_set(d->trouble, rc,
		"page: row %u breaks the format in column \"%s\"", d->row, d->column);
}

static int decode_row(struct decoder *d, const json_t *row, struct span parent)
{
	struct entry e = {.parent = parent};
	int rc = leaf_reader_row(&d->leaf, row, &e);

	d->column = d->leaf.column;
	if (!rc)
		rc = page_packer_put(d->packer, &e, &d->column);
	if (!rc && page_packer_objects(d->packer) != d->leaf.objects_used) {
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
	if (d->leaf.objects_used != d->leaf.object_count)
		return trouble_set(d->trouble, ERR_CORRUPT,
			"page: object %u is used by no row", d->leaf.objects_used);
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
	rc = leaf_reader_objects(&d->leaf, json_object_get(root, "objects"), d->trouble);
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

static int page_decode_root(struct decoder *d, const json_t *root)
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
	rc = json_parse_large(text, &root, t);
	if (rc)
		return rc;
	rc = page_decode_root(&d, root);
	if (!rc)
		rc = page_packer_finish(d.packer, packed);
	if (rc == ERR_NO_MEMORY)
		trouble_set(t, rc, "page: no memory to decode it");
	decoder_release(&d);
	json_decref(root);
	return rc;
}
