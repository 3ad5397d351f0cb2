/* SPDX-License-Identifier: MIT */
/*
 * Reads a store as a reader would, with the functions of format/ and nothing of publish/,
 * and compares it with the directory that it was made from.
 */
#ifndef CAIRN_TESTS_PUBLISHED_H
#define CAIRN_TESTS_PUBLISHED_H

#include <errno.h>
#include <sys/xattr.h>
#include <sys/sysmacros.h>

#include "format/blob.h"
#include "format/extent_list.h"
#include "format/manifest.h"
#include "format/page_json.h"
#include "format/recipe.h"
#include "publish/attributes.h"
#include "tree/tree.h"
#include "unit/trees.h"
#include "util/io.h"

#define PUBLISHED_PAGES 64

struct published {
	int fd; /* of the store */
	struct blob_codec *codec;
	struct bytes text;
	struct manifest *manifest;
	struct bytes pages[PUBLISHED_PAGES];
	unsigned next;
	struct digest object; /* the one read last, for the files of a bundle */
	struct bytes bytes;   /* ... and what it is */
};

static inline void published_open(struct published *p, const char *store)
{
	*p = (struct published){.fd = open(store, O_RDONLY | O_DIRECTORY)};
	assert_true(p->fd >= 0);
	p->codec = blob_codec_new();
	assert_int_equal(
		io_read_file(p->fd, "manifest.json", MANIFEST_SIZE_MAX, &p->text), 0);
	assert_int_equal(manifest_decode(span_of_bytes(&p->text), &p->manifest, NULL), 0);
}

static inline void published_close(struct published *p)
{
	for (unsigned i = 0; i < PUBLISHED_PAGES; i++)
		bytes_release(&p->pages[i]);
	manifest_free(p->manifest);
	bytes_release(&p->text);
	bytes_release(&p->bytes);
	blob_codec_free(p->codec);
	close(p->fd);
}

/* The uncompressed bytes of a blob, appended. */
static inline void published_blob(
	struct published *p, const struct digest *name, struct bytes *out)
{
	struct bytes stored = {0}, base = {0};
	struct blob_head head;
	char path[BLOB_PATH_SIZE];

	blob_path(name, path);
	assert_int_equal(io_read_file(p->fd, path, BLOB_SIZE_MAX, &stored), 0);
	assert_int_equal(blob_head_decode(span_of_bytes(&stored), PAGE_SIZE_MAX, &head), 0);
	if (head.has_base) {
		published_blob(p, &head.base, &base);
		assert_true(p->manifest->delta);
	}
	assert_int_equal(bytes_reserve(out, head.size), 0);
	assert_int_equal(blob_decode(p->codec, span_of_bytes(&stored), span_of_bytes(&base),
				 name, out->data + out->size, head.size),
		0);
	out->size += head.size;
	bytes_release(&stored);
	bytes_release(&base);
}

static inline int published_page(void *ctx, const struct digest *digest, struct page *out)
{
	struct published *p = ctx;
	struct bytes *packed = &p->pages[p->next++ % PUBLISHED_PAGES];
	struct bytes text = {0};
	struct trouble t = {0};

	bytes_clear(packed);
	published_blob(p, digest, &text);
	if (page_json_decode(span_of_bytes(&text), packed, &t))
		fail_msg("%s", t.text);
	bytes_release(&text);
	return page_view(span_of_bytes(packed), out);
}

static inline void published_recipe(
	struct published *p, const struct digest *name, struct bytes *out)
{
	struct bytes text = {0}, packed = {0};
	struct recipe r;

	published_blob(p, name, &text);
	assert_int_equal(recipe_decode(span_of_bytes(&text), &packed, NULL), 0);
	assert_int_equal(recipe_view(span_of_bytes(&packed), &r), 0);
	for (uint32_t i = 0; i < r.count; i++) {
		struct recipe_hit hit;

		assert_int_equal(recipe_at(&r, i, &hit), 0);
		if (r.level > 0)
			published_recipe(p, &hit.digest, out);
		else
			published_blob(p, &hit.digest, out);
	}
	bytes_release(&text);
	bytes_release(&packed);
}

/* All bytes of an object, appended, checked against its digest. */
static inline void published_object(
	struct published *p, const struct object_ref *o, struct bytes *out)
{
	size_t start = out->size;
	struct digest d;

	if (o->form == OBJECT_SINGLE)
		published_blob(p, &o->digest, out);
	for (uint32_t i = 0; o->form == OBJECT_LISTED && i < o->count; i++) {
		struct chunk_ref chunk = chunk_list_at(o->list, i);

		published_blob(p, &chunk.digest, out);
	}
	if (o->form == OBJECT_RECIPE)
		published_recipe(p, &o->recipe, out);
	assert_int_equal(out->size - start, o->size);
	d = digest_of(out->data + start, out->size - start);
	assert_true(digest_equal(&d, &o->digest));
}

/* The records of all runs that the list says, appended: none of it is read twice. */
static inline void published_runs(
	struct published *p, const struct digest *name, struct bytes *out)
{
	struct bytes text = {0}, packed = {0};
	struct extent_list l;

	published_blob(p, name, &text);
	assert_int_equal(extent_list_decode(span_of_bytes(&text), &packed, NULL), 0);
	assert_int_equal(extent_list_view(span_of_bytes(&packed), &l), 0);
	for (uint32_t i = 0; i < l.count; i++) {
		struct extent_part part;
		struct extent run;

		if (l.level > 0) {
			assert_int_equal(extent_list_part(&l, i, &part), 0);
			published_runs(p, &part.digest, out);
			continue;
		}
		run = extent_at(l.rows, i);
		assert_int_equal(bytes_reserve(out, EXTENT_RECORD_SIZE), 0);
		extent_put(out->data, (uint32_t)(out->size / EXTENT_RECORD_SIZE), &run);
		out->size += EXTENT_RECORD_SIZE;
	}
	bytes_release(&text);
	bytes_release(&packed);
}

/* The entry as if it had the runs of its list itself, in `runs`. */
static inline struct entry published_unlisted(
	struct published *p, const struct entry *e, struct bytes *runs)
{
	struct entry flat = *e;

	if (e->run_list.count == 0)
		return flat;
	assert_true(p->manifest->extent_lists);
	published_runs(p, &e->run_list.digest, runs);
	flat.extents = runs->data;
	flat.extent_count = (uint32_t)(runs->size / EXTENT_RECORD_SIZE);
	flat.run_list.count = 0;
	assert_int_equal(flat.extent_count, e->run_list.count);
	assert_int_equal(entry_data_size(&flat), e->run_list.size);
	return flat;
}

/* The whole file, holes as zeros, appended. */
static inline void published_file(
	struct published *p, const struct entry *e, struct bytes *out)
{
	struct bytes *object = &p->bytes, runs = {0};
	struct entry flat = published_unlisted(p, e, &runs);
	struct digest d;

	if (e->has_content && !digest_equal(&p->object, &e->object.digest)) {
		bytes_clear(object);
		published_object(p, &e->object, object);
		p->object = e->object.digest;
	}
	if (e->has_content) {
		assert_true(e->offset + entry_data_size(e) <= object->size);
		d = digest_of(object->data + e->offset, entry_data_size(e));
		assert_true(digest_equal(&d, &e->content));
	}
	assert_int_equal(bytes_reserve(out, e->size + 1), 0);
	for (uint64_t at = 0; at < e->size;) {
		struct piece piece = entry_map(&flat, at);

		if (piece.hole)
			memset(out->data + out->size, 0, piece.size);
		else
			memcpy(out->data + out->size, object->data + piece.object_offset,
				piece.size);
		out->size += piece.size;
		at += piece.size;
	}
	bytes_release(&runs);
}

struct published_compare {
	struct published *p;
	const char *source;
	uint64_t entries;
};

static inline void published_compare_xattrs(const char *path, const struct entry *e)
{
	char names[4096];
	uint8_t value[65536];
	ssize_t size = llistxattr(path, names, sizeof(names));
	struct xattr x;
	size_t at = 0;
	unsigned listed = 0, carried = 0;

	for (ssize_t i = 0; i < size; i += (ssize_t)strlen(names + i) + 1)
		listed += strcmp(names + i, "security.selinux") != 0;
	while (xattr_next(e->xattrs, &at, &x)) {
		char *name = span_to_string(x.name);
		ssize_t n = lgetxattr(path, name, value, sizeof(value));

		assert_int_equal(n, x.value.size);
		assert_memory_equal(value, x.value.data, x.value.size);
		carried++;
		free(name);
	}
	assert_int_equal(listed, carried);
}

static inline int published_compare_one(
	void *ctx, const struct place *place, const struct entry *e)
{
	struct published_compare *c = ctx;
	struct bytes below = {0}, content = {0}, real = {0};
	char path[8192], target[4096];
	struct stat st;

	(void)place;
	assert_int_equal(path_join(e->parent, e->name, &below), 0);
	snprintf(path, sizeof(path), "%s/%.*s", c->source, (int)below.size,
		(const char *)below.data);
	if (e->name.size == 0)
		snprintf(path, sizeof(path), "%s", c->source);
	assert_int_equal(lstat(path, &st), 0);
	assert_int_equal(entry_st_mode(e), st.st_mode);
	assert_int_equal(e->uid, st.st_uid);
	assert_int_equal(e->gid, st.st_gid);
	assert_int_equal(e->mtime, st.st_mtim.tv_sec);
	assert_int_equal(e->mtime_nsec, st.st_mtim.tv_nsec);
	if (e->type == ENTRY_CHARACTER || e->type == ENTRY_BLOCK) {
		assert_int_equal(e->major, major(st.st_rdev));
		assert_int_equal(e->minor, minor(st.st_rdev));
	}
	if (e->type == ENTRY_FILE) {
		assert_int_equal(e->size, st.st_size);
		published_file(c->p, e, &content);
		assert_int_equal(content.size, st.st_size);
		assert_int_equal(io_read_file(AT_FDCWD, path, SIZE_MAX / 2, &real), 0);
		assert_memory_equal(real.data, content.data, content.size);
	}
	if (e->type == ENTRY_SYMLINK) {
		ssize_t size = readlink(path, target, sizeof(target));

		assert_int_equal(e->target.size, size);
		assert_memory_equal(e->target.data, target, size);
	}
	published_compare_xattrs(path, e);
	c->entries++;
	bytes_release(&below);
	bytes_release(&content);
	bytes_release(&real);
	return 0;
}

/* Every entry of the newest revision is as in `source`; returns how many. */
static inline uint64_t published_equals(const char *store, const char *source)
{
	struct published p;
	struct page_source pages = {.page = published_page, .ctx = &p};
	struct published_compare c = {.p = &p, .source = source};

	published_open(&p, store);
	assert_int_equal(
		tree_walk(&pages, &p.manifest->root, 0, 0, published_compare_one, &c), 0);
	assert_int_equal(c.entries, p.manifest->totals.entries);
	published_close(&p);
	return c.entries;
}

/* The entry at `path`, borrowed until p is closed or asked some more. */
static inline void published_find(struct published *p, const char *path, struct entry *out)
{
	struct page_source pages = {.page = published_page, .ctx = p};
	struct place place;

	assert_int_equal(tree_find_path(&pages, &p->manifest->root, span_of_string(path),
				 &place, out),
		0);
}

#endif
