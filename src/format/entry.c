/* SPDX-License-Identifier: MIT */
#include <config.h>

#include <assert.h>
#include <string.h>
#include <sys/stat.h>

#include "format/entry.h"
#include "format/blob.h"
#include "util/error.h"

struct chunk_ref chunk_list_at(const uint8_t *list, uint32_t index)
{
	struct chunk_ref chunk;
	const uint8_t *at = list + (size_t)index * CHUNK_RECORD_SIZE;

	memcpy(chunk.digest.bytes, at, DIGEST_SIZE);
	memcpy(&chunk.size, at + DIGEST_SIZE, sizeof chunk.size);
	return chunk;
}

void chunk_list_put(uint8_t *list, uint32_t index, const struct chunk_ref *chunk)
{
	uint8_t *at = list + (size_t)index * CHUNK_RECORD_SIZE;

	memcpy(at, chunk->digest.bytes, DIGEST_SIZE);
	memcpy(at + DIGEST_SIZE, &chunk->size, sizeof chunk->size);
}

uint64_t entry_data_size(const struct entry *e)
{
	if (!e->has_content)
		return 0;
	if (e->run_list.count > 0)
		return e->run_list.size;
	return e->extent_count > 0 ? extents_size(e->extents, e->extent_count) : e->size;
}

uint64_t entry_run_count(const struct entry *e)
{
	if (e->run_list.count > 0)
		return e->run_list.count;
	return e->extent_count > 0 ? e->extent_count : e->has_content;
}

struct piece entry_map(const struct entry *e, uint64_t offset)
{
	struct piece piece;

	assert(e->run_list.count == 0);
	if (e->extent_count == 0 || !e->has_content)
		return (struct piece){
			.hole = !e->has_content,
			.size = e->size - offset,
			.object_offset = e->has_content ? e->offset + offset : 0,
		};
	piece = extents_map(e->extents, e->extent_count, e->size, offset);
	if (!piece.hole)
		piece.object_offset += e->offset;
	return piece;
}

static int seek_data(const struct entry *e, uint64_t offset, uint64_t *out)
{
	uint32_t index;
	uint64_t start;

	if (!e->has_content)
		return ERR_ABSENT;
	if (e->extent_count == 0) {
		*out = offset;
		return 0;
	}
	index = extents_find(e->extents, e->extent_count, offset);
	if (index == e->extent_count)
		return ERR_ABSENT;
	start = extent_at(e->extents, index).offset;
	*out = start > offset ? start : offset;
	return 0;
}

/* The end of the file counts as a hole. */
static uint64_t seek_hole(const struct entry *e, uint64_t offset)
{
	if (!e->has_content)
		return offset;
	if (e->extent_count == 0)
		return e->size;
	for (uint32_t i = extents_find(e->extents, e->extent_count, offset);
		i < e->extent_count; i++) {
		struct extent x = extent_at(e->extents, i);

		if (x.offset > offset)
			break;
		offset = x.offset + x.size;
	}
	return offset;
}

int entry_seek(const struct entry *e, uint64_t offset, bool data, uint64_t *out)
{
	assert(e->run_list.count == 0);
	if (offset >= e->size)
		return ERR_ABSENT;
	if (data)
		return seek_data(e, offset, out);
	*out = seek_hole(e, offset);
	return 0;
}

static uint32_t type_bits(enum entry_type type)
{
	switch (type) {
	case ENTRY_FILE:
		return S_IFREG;
	case ENTRY_DIRECTORY:
		return S_IFDIR;
	case ENTRY_SYMLINK:
		return S_IFLNK;
	case ENTRY_CHARACTER:
		return S_IFCHR;
	case ENTRY_BLOCK:
		return S_IFBLK;
	case ENTRY_FIFO:
		return S_IFIFO;
	case ENTRY_SOCKET:
		return S_IFSOCK;
	}
	return 0;
}

uint32_t entry_st_mode(const struct entry *e)
{
	return type_bits(e->type) | e->mode;
}

#define XATTR_HEAD_SIZE (sizeof(uint16_t) + sizeof(uint32_t))

bool xattr_next(struct span packed, size_t *at, struct xattr *out)
{
	uint16_t name_size;
	uint32_t value_size;
	const uint8_t *from;
	size_t left;

	if (*at > packed.size || packed.size - *at < XATTR_HEAD_SIZE)
		return false;
	from = packed.data + *at;
	memcpy(&name_size, from, sizeof name_size);
	memcpy(&value_size, from + sizeof name_size, sizeof value_size);
	left = packed.size - *at - XATTR_HEAD_SIZE;
	if (name_size > left || value_size > left - name_size)
		return false;
	out->name = span_of(from + XATTR_HEAD_SIZE, name_size);
	out->value = span_of(from + XATTR_HEAD_SIZE + name_size, value_size);
	*at += XATTR_HEAD_SIZE + name_size + value_size;
	return true;
}

int xattr_append(struct bytes *packed, struct span name, struct span value)
{
	uint16_t name_size;
	uint32_t value_size;

	if (name.size > XATTR_NAME_SIZE_MAX || value.size > XATTR_VALUE_SIZE_MAX)
		return ERR_LIMIT;
	name_size = (uint16_t)name.size;
	value_size = (uint32_t)value.size;
	if (bytes_reserve(packed, XATTR_HEAD_SIZE + name.size + value.size))
		return ERR_NO_MEMORY;
	bytes_append(packed, &name_size, sizeof name_size);
	bytes_append(packed, &value_size, sizeof value_size);
	bytes_append(packed, name.data, name.size);
	bytes_append(packed, value.data, value.size);
	return 0;
}

bool xattr_find(struct span packed, struct span name, struct span *value)
{
	struct xattr x;

	for (size_t at = 0; xattr_next(packed, &at, &x);) {
		if (!span_equal(x.name, name))
			continue;
		*value = x.value;
		return true;
	}
	return false;
}

bool xattrs_have_acl(struct span packed)
{
	struct span value;

	return xattr_find(packed, span_of_string("system.posix_acl_access"), &value) ||
	       xattr_find(packed, span_of_string("system.posix_acl_default"), &value);
}

static bool xattrs_good(struct span packed)
{
	struct xattr x;
	struct span last = {0};
	size_t at = 0;

	for (uint32_t count = 0; xattr_next(packed, &at, &x); count++) {
		if (count == XATTR_COUNT_MAX || x.name.size == 0 ||
			x.name.size > XATTR_NAME_SIZE_MAX ||
			x.value.size > XATTR_VALUE_SIZE_MAX ||
			memchr(x.name.data, 0, x.name.size))
			return false;
		if (count > 0 && span_compare(last, x.name) >= 0)
			return false;
		last = x.name;
	}
	return at == packed.size;
}

static bool extents_good(const struct entry *e)
{
	uint64_t end = 0, total = 0;

	if (e->extent_count > EXTENT_COUNT_MAX || (e->extent_count > 0 && !e->has_content))
		return false;
	for (uint32_t i = 0; i < e->extent_count; i++) {
		struct extent x = extent_at(e->extents, i);

		if (x.size == 0 || x.offset < end || x.offset > e->size ||
			x.size > e->size - x.offset)
			return false;
		end = x.offset + x.size;
		/* Cannot overflow: disjoint runs within e->size. */
		total += x.size;
	}
	return total == extents_size(e->extents, e->extent_count);
}

/* Between two runs is a hole, of a byte at least. What the list itself says is compared
 * when it is read. */
static bool extents_ref_good(const struct entry *e)
{
	const struct extents_ref *list = &e->run_list;

	if (list->count == 0)
		return true;
	return e->has_content && e->extent_count == 0 && list->count > EXTENT_COUNT_MAX &&
	       list->count <= EXTENT_RUNS_MAX && list->size >= list->count &&
	       list->size <= e->size && e->size - list->size >= list->count - 1;
}

static bool target_good(const struct entry *e)
{
	if (e->type != ENTRY_SYMLINK)
		return e->target.size == 0;
	return e->target.size > 0 && e->target.size <= LINK_TARGET_SIZE_MAX &&
	       !memchr(e->target.data, 0, e->target.size);
}

static bool size_good(const struct entry *e)
{
	if (e->type == ENTRY_FILE)
		return e->size <= ENTRY_SIZE_MAX;
	return e->size == (e->type == ENTRY_SYMLINK ? e->target.size : 0);
}

static bool device_good(const struct entry *e)
{
	return e->type == ENTRY_CHARACTER || e->type == ENTRY_BLOCK ||
	       (e->major == 0 && e->minor == 0);
}

static bool slice_good(const struct entry *e)
{
	uint64_t size = entry_data_size(e), end;

	if (!e->has_content)
		return true;
	return size > 0 && !__builtin_add_overflow(e->offset, size, &end) &&
	       end <= e->object.size;
}

/* The column whose rule is broken, or NULL. */
static const char *bad_column(const struct entry *e)
{
	if (type_bits(e->type) == 0)
		return "type";
	if (e->mode > 07777)
		return "mode";
	if (e->mtime_nsec >= 1000000000)
		return "nsec";
	if (e->links == 0)
		return "links";
	if (e->inode == 1 || e->inode > INT64_MAX)
		return "inode";
	if (!target_good(e) || !device_good(e) || !xattrs_good(e->xattrs))
		return "extra";
	if (!size_good(e))
		return "size";
	if (e->has_content && e->type != ENTRY_FILE)
		return "object";
	if (!extents_good(e) || !extents_ref_good(e))
		return "extra";
	return slice_good(e) ? NULL : "offset";
}

int entry_check(const struct entry *e, const char **column)
{
	const char *bad = bad_column(e);

	if (!bad)
		return 0;
	if (column)
		*column = bad;
	return ERR_CORRUPT;
}

static bool list_good(const struct object_ref *o)
{
	uint64_t total;

	if (o->count < 2 || o->count > OBJECT_LISTED_MAX)
		return false;
	total = 0;
	for (uint32_t i = 0; i < o->count; i++) {
		uint32_t size = chunk_list_at(o->list, i).size;

		if (size == 0 || size > CHUNK_SIZE_MAX)
			return false;
		total += size;
	}
	return total == o->size;
}

int object_check(const struct object_ref *o)
{
	if (o->size == 0 || o->size > ENTRY_SIZE_MAX)
		return ERR_CORRUPT;
	switch (o->form) {
	case OBJECT_SINGLE:
		return o->size <= CHUNK_SIZE_MAX ? 0 : ERR_CORRUPT;
	case OBJECT_LISTED:
		return list_good(o) ? 0 : ERR_CORRUPT;
	case OBJECT_RECIPE:
		return 0;
	}
	return ERR_CORRUPT;
}

bool object_equal(const struct object_ref *a, const struct object_ref *b)
{
	if (!digest_equal(&a->digest, &b->digest) || a->size != b->size ||
		a->form != b->form)
		return false;
	if (a->form == OBJECT_RECIPE)
		return digest_equal(&a->recipe, &b->recipe);
	if (a->form == OBJECT_SINGLE)
		return true;
	return a->count == b->count &&
	       memcmp(a->list, b->list, (size_t)a->count * CHUNK_RECORD_SIZE) == 0;
}

static bool extents_same(const struct entry *a, const struct entry *b)
{
	if (a->extent_count != b->extent_count || a->run_list.count != b->run_list.count)
		return false;
	if (a->run_list.count > 0 &&
		(a->run_list.size != b->run_list.size ||
			!digest_equal(&a->run_list.digest, &b->run_list.digest)))
		return false;
	return a->extent_count == 0 ||
	       memcmp(a->extents, b->extents,
		       (size_t)a->extent_count * EXTENT_RECORD_SIZE) == 0;
}

bool entry_same(const struct entry *a, const struct entry *b)
{
	if (!span_equal(a->parent, b->parent) || !span_equal(a->name, b->name))
		return false;
	if (a->type != b->type || a->mode != b->mode || a->uid != b->uid ||
		a->gid != b->gid)
		return false;
	if (a->mtime != b->mtime || a->mtime_nsec != b->mtime_nsec || a->size != b->size ||
		a->links != b->links || a->inode != b->inode)
		return false;
	if (a->major != b->major || a->minor != b->minor ||
		!span_equal(a->target, b->target) || !span_equal(a->xattrs, b->xattrs))
		return false;
	if (a->has_content != b->has_content || !extents_same(a, b))
		return false;
	return !a->has_content || digest_equal(&a->content, &b->content);
}
