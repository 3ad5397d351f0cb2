/* SPDX-License-Identifier: MIT */
#include <config.h>

#include "format/page_writer.h"
#include "util/error.h"

#define LEAF_HEAD                                                                          \
	"{\"cairn\":\"leaf\",\"columns\":[\"name\",\"type\",\"mode\",\"uid\",\"gid\","     \
	"\"mtime\",\"nsec\",\"size\",\"links\",\"inode\",\"content\",\"object\","          \
	"\"offset\","                                                                      \
	"\"extra\"],\"objects\":["
#define LEAF_MIDDLE "],\"runs\":["
#define LEAF_TAIL "]]]}"
#define INNER_HEAD "{\"cairn\":\"inner\",\"level\":"
#define INNER_MIDDLE                                                                       \
	",\"columns\":[\"page\",\"parent\",\"name\",\"entries\",\"bytes\"],\"children\":["
#define INNER_TAIL "]}"

void leaf_writer_release(struct leaf_writer *w)
{
	object_table_release(&w->objects);
	bytes_release(&w->object_rows.text);
	bytes_release(&w->runs.text);
	bytes_release(&w->parent);
}

void leaf_writer_clear(struct leaf_writer *w)
{
	object_table_clear(&w->objects);
	json_text_clear(&w->object_rows);
	json_text_clear(&w->runs);
	bytes_clear(&w->parent);
	w->count = 0;
	w->bytes = 0;
}

static void write_chunks(struct json_text *t, const struct object_ref *o)
{
	for (uint32_t i = 0; i < o->count; i++) {
		struct chunk_ref chunk = chunk_list_at(o->list, i);

		json_text_raw(t, i > 0 ? ",[" : "[[");
		json_text_digest(t, &chunk.digest);
		json_text_raw(t, ",");
		json_text_unsigned(t, chunk.size);
		json_text_raw(t, "]");
	}
	json_text_raw(t, "]");
}

static void write_object(struct json_text *t, const struct object_ref *o)
{
	json_text_raw(t, t->text.size > 0 ? ",[" : "[");
	json_text_digest(t, &o->digest);
	json_text_raw(t, ",");
	json_text_unsigned(t, o->size);
	json_text_raw(t, ",");
	if (o->form == OBJECT_SINGLE)
		json_text_raw(t, "null");
	else if (o->form == OBJECT_RECIPE)
		json_text_digest(t, &o->recipe);
	else
		write_chunks(t, o);
	json_text_raw(t, "]");
}

/* The index of the entry's object, which is written down when it is new. */
static int use_object(struct leaf_writer *w, const struct object_ref *o, uint32_t *index)
{
	uint32_t known = w->objects.count;
	int rc = object_table_add(&w->objects, o, index);

	if (!rc && w->objects.count > known)
		write_object(&w->object_rows, o);
	return rc;
}

/* Begins a column that has a value, behind those before it that have none. */
static struct json_text *next_column(struct leaf_writer *w)
{
	for (; w->nulls > 0; w->nulls--)
		json_text_raw(&w->runs, ",null");
	json_text_raw(&w->runs, ",");
	return &w->runs;
}

static void write_attributes(struct leaf_writer *w, const struct entry *e)
{
	const char type[] = {',', '"', (char)e->type, '"', 0};

	json_text_raw(&w->runs, "[");
	json_text_byte_string(&w->runs, e->name);
	json_text_raw(&w->runs, type);
	json_text_unsigned(next_column(w), e->mode);
	json_text_unsigned(next_column(w), e->uid);
	json_text_unsigned(next_column(w), e->gid);
	json_text_signed(next_column(w), e->mtime);
	json_text_unsigned(next_column(w), e->mtime_nsec);
	json_text_unsigned(next_column(w), e->size);
}

static void write_identity(struct leaf_writer *w, const struct entry *e, bool inode)
{
	if (e->links != (e->type == ENTRY_DIRECTORY ? 2 : 1))
		json_text_unsigned(next_column(w), e->links);
	else
		w->nulls++;
	if (inode)
		json_text_unsigned(next_column(w), e->inode);
	else
		w->nulls++;
}

static void write_content(struct leaf_writer *w, const struct entry *e, uint32_t object)
{
	if (!e->has_content) {
		w->nulls += 3;
		return;
	}
	if (!digest_equal(&e->content, &e->object.digest))
		json_text_digest(next_column(w), &e->content);
	else
		w->nulls++;
	json_text_unsigned(next_column(w), object);
	if (e->offset > 0)
		json_text_unsigned(next_column(w), e->offset);
	else
		w->nulls++;
}

static void write_xattrs(struct json_text *t, struct span packed)
{
	struct xattr x;

	for (size_t at = 0, i = 0; xattr_next(packed, &at, &x); i++) {
		json_text_raw(t, i > 0 ? ",[" : "[[");
		json_text_byte_string(t, x.name);
		json_text_raw(t, ",");
		json_text_byte_string(t, x.value);
		json_text_raw(t, "]");
	}
	json_text_raw(t, "]");
}

static void write_extents_ref(struct json_text *t, const struct extents_ref *list)
{
	json_text_raw(t, "[");
	json_text_digest(t, &list->digest);
	json_text_raw(t, ",");
	json_text_unsigned(t, list->count);
	json_text_raw(t, ",");
	json_text_unsigned(t, list->size);
	json_text_raw(t, "]");
}

static void write_extents(struct json_text *t, const struct entry *e)
{
	if (e->run_list.count > 0) {
		write_extents_ref(t, &e->run_list);
		return;
	}
	for (uint32_t i = 0; i < e->extent_count; i++) {
		struct extent x = extent_at(e->extents, i);

		json_text_raw(t, i > 0 ? ",[" : "[[");
		json_text_unsigned(t, x.offset);
		json_text_raw(t, ",");
		json_text_unsigned(t, x.size);
		json_text_raw(t, "]");
	}
	json_text_raw(t, "]");
}

static void write_device(struct json_text *t, const struct entry *e)
{
	json_text_raw(t, "[");
	json_text_unsigned(t, e->major);
	json_text_raw(t, ",");
	json_text_unsigned(t, e->minor);
	json_text_raw(t, "]");
}

static void write_extra(struct leaf_writer *w, const struct entry *e)
{
	bool target = e->type == ENTRY_SYMLINK;
	bool device = e->type == ENTRY_CHARACTER || e->type == ENTRY_BLOCK;
	bool xattrs = e->xattrs.size > 0;
	bool extents = e->extent_count > 0 || e->run_list.count > 0;
	struct json_text *t;

	if (!target && !device && !xattrs && !extents)
		return;
	t = next_column(w);
	json_text_raw(t, "{");
	if (target) {
		json_text_raw(t, "\"target\":");
		json_text_byte_string(t, e->target);
	} else if (device) {
		json_text_raw(t, "\"device\":");
		write_device(t, e);
	}
	if (xattrs) {
		json_text_raw(t, target || device ? ",\"xattrs\":" : "\"xattrs\":");
		write_xattrs(t, e->xattrs);
	}
	if (extents) {
		json_text_raw(t, xattrs ? ",\"extents\":" : "\"extents\":");
		write_extents(t, e);
	}
	json_text_raw(t, "}");
}

static int begin_row(struct leaf_writer *w, struct span parent)
{
	if (w->count > 0 && span_equal(span_of_bytes(&w->parent), parent)) {
		json_text_raw(&w->runs, ",");
		return 0;
	}
	json_text_raw(&w->runs, w->count > 0 ? "]],[" : "[");
	json_text_byte_string(&w->runs, parent);
	json_text_raw(&w->runs, ",[");
	bytes_clear(&w->parent);
	return bytes_append(&w->parent, parent.data, parent.size);
}

int leaf_writer_add(struct leaf_writer *w, const struct entry *e, bool inode)
{
	uint32_t object = 0;
	int rc = e->has_content ? use_object(w, &e->object, &object) : 0;

	if (!rc)
		rc = begin_row(w, e->parent);
	if (rc)
		return rc;
	w->nulls = 0;
	write_attributes(w, e);
	write_identity(w, e, inode);
	write_content(w, e, object);
	write_extra(w, e);
	json_text_raw(&w->runs, "]");
	w->count++;
	if (e->type == ENTRY_FILE)
		w->bytes = page_bytes_add(w->bytes, e->size);
	return 0;
}

size_t leaf_writer_size(const struct leaf_writer *w)
{
	return sizeof(LEAF_HEAD) + sizeof(LEAF_MIDDLE) + sizeof(LEAF_TAIL) - 3 +
	       w->object_rows.text.size + w->runs.text.size;
}

int leaf_writer_finish(const struct leaf_writer *w, struct json_text *out)
{
	json_text_clear(out);
	json_text_raw(out, LEAF_HEAD);
	json_text_join(out, &w->object_rows);
	json_text_raw(out, LEAF_MIDDLE);
	json_text_join(out, &w->runs);
	json_text_raw(out, LEAF_TAIL);
	return out->failed ? ERR_NO_MEMORY : 0;
}

void inner_writer_release(struct inner_writer *w)
{
	bytes_release(&w->children.text);
}

void inner_writer_clear(struct inner_writer *w)
{
	json_text_clear(&w->children);
	w->count = 0;
	w->entries = 0;
	w->bytes = 0;
}

void inner_writer_add(struct inner_writer *w, const struct page_child *c)
{
	struct json_text *t = &w->children;

	json_text_raw(t, w->count > 0 ? ",[" : "[");
	json_text_digest(t, &c->digest);
	json_text_raw(t, ",");
	json_text_byte_string(t, c->last_parent);
	json_text_raw(t, ",");
	json_text_byte_string(t, c->last_name);
	json_text_raw(t, ",");
	json_text_unsigned(t, c->entries);
	json_text_raw(t, ",");
	json_text_unsigned(t, c->bytes);
	json_text_raw(t, "]");
	w->count++;
	w->entries += c->entries;
	w->bytes = page_bytes_add(w->bytes, c->bytes);
}

size_t inner_writer_size(const struct inner_writer *w)
{
	return sizeof(INNER_HEAD) + sizeof(INNER_MIDDLE) + sizeof(INNER_TAIL) - 3 + 1 +
	       w->children.text.size;
}

int inner_writer_finish(const struct inner_writer *w, unsigned level, struct json_text *out)
{
	json_text_clear(out);
	json_text_raw(out, INNER_HEAD);
	json_text_unsigned(out, level);
	json_text_raw(out, INNER_MIDDLE);
	json_text_join(out, &w->children);
	json_text_raw(out, INNER_TAIL);
	return out->failed ? ERR_NO_MEMORY : 0;
}
