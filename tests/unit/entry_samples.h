/* SPDX-License-Identifier: MIT */
/*
 * Made-up trees for tests: entries of all kinds in key order, the same for the same seed.
 */
#ifndef CAIRN_TESTS_ENTRY_SAMPLES_H
#define CAIRN_TESTS_ENTRY_SAMPLES_H

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "format/blob.h"
#include "format/entry.h"
#include "format/names.h"

struct samples {
	struct entry *entries; /* in key order, the root first */
	size_t count;
	void **memory; /* all that entries point at */
	size_t memory_count, memory_capacity;
	uint64_t state;
};

static inline uint64_t sample_random(uint64_t *state)
{
	/* splitmix64 (Steele, Lea, Flood 2014) */
	uint64_t z = *state += 0x9e3779b97f4a7c15u;
	z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
	z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
	return z ^ (z >> 31);
}

static inline uint64_t sample_below(struct samples *s, uint64_t limit)
{
	return sample_random(&s->state) % limit;
}

static inline void *sample_memory(struct samples *s, size_t size)
{
	if (s->memory_count == s->memory_capacity) {
		s->memory_capacity = s->memory_capacity ? s->memory_capacity * 2 : 1024;
		s->memory = realloc(s->memory, s->memory_capacity * sizeof(void *));
	}
	void *p = calloc(1, size ? size : 1);
	if (!s->memory || !p)
		abort();
	s->memory[s->memory_count++] = p;
	return p;
}

static inline struct span sample_copy(struct samples *s, const void *data, size_t size)
{
	void *copy = sample_memory(s, size);
	if (size > 0)
		memcpy(copy, data, size);
	return span_of(copy, size);
}

static inline struct digest sample_digest(struct samples *s)
{
	uint64_t number = sample_random(&s->state);
	return digest_of(&number, sizeof(number));
}

/* A name that no other has (it ends with `number`), with odd bytes in one of four. */
static inline struct span sample_name(struct samples *s, size_t number)
{
	static const char *const starts[] = {"a", "file-", "README.", "lib", "0", "~",
		"\xc3\xa4", "\xf0\x9f\x8d\x8e", "\xff\xfe", "tab\t\"quote\\", "\x80",
		"\x01\x02", " space ", "\xed\xa0\x80", "!", "."};
	char text[64];
	const char *start = starts[sample_below(s, sample_below(s, 4) ? 6 : 16)];
	int size = snprintf(text, sizeof(text), "%s%zu", start, number);
	return sample_copy(s, text, (size_t)size);
}

static inline void sample_xattrs(struct samples *s, struct entry *e)
{
	struct bytes packed = {0};
	size_t count = 1 + sample_below(s, 3);
	for (size_t i = 0; i < count; i++) {
		uint64_t value = sample_random(&s->state);
		char name[32];
		snprintf(name, sizeof(name), "user.%zu", i);
		if (xattr_append(&packed, span_of_string(name),
			    span_of(&value, sample_below(s, sizeof(value)))) != 0)
			abort();
	}
	e->xattrs = sample_copy(s, packed.data, packed.size);
	bytes_release(&packed);
}

static inline void sample_listed(struct samples *s, struct object_ref *o)
{
	uint64_t most = sample_below(s, 20) ? 3 : OBJECT_LISTED_MAX;
	uint32_t count = 2 + (uint32_t)sample_below(s, most - 1);
	uint8_t *list = sample_memory(s, (size_t)count * CHUNK_RECORD_SIZE);
	o->form = OBJECT_LISTED;
	o->count = count;
	o->size = 0;
	for (uint32_t i = 0; i < count; i++) {
		struct chunk_ref chunk = {.digest = sample_digest(s),
			.size = 1 + (uint32_t)sample_below(s, CHUNK_SIZE_MAX)};
		chunk_list_put(list, i, &chunk);
		o->size += chunk.size;
	}
	o->list = list;
}

/* A file of its own object, of any form. */
static inline void sample_large(struct samples *s, struct entry *e)
{
	struct object_ref *o = &e->object;
	*o = (struct object_ref){.digest = sample_digest(s)};
	switch (sample_below(s, 3)) {
	case 0:
		o->form = OBJECT_SINGLE;
		o->size = 1 + sample_below(s, CHUNK_SIZE_MAX);
		break;
	case 1:
		sample_listed(s, o);
		break;
	default:
		o->form = OBJECT_RECIPE;
		o->size = (1u << 30) + sample_below(s, (uint64_t)1 << 40);
		o->recipe = sample_digest(s);
	}
	e->content = o->digest;
	e->size = o->size;
}

/* Of a slice of `data` bytes: so many runs that they stand in a list. */
static inline void sample_run_list(struct entry *e, uint64_t data)
{
	e->run_list = (struct extents_ref){
		.digest = digest_of(e->content.bytes, sizeof e->content.bytes),
		.count = EXTENT_COUNT_MAX + 1 + data % (data - EXTENT_COUNT_MAX),
		.size = data,
	};
	e->size += data + e->run_list.count;
	e->extents = NULL;
	e->extent_count = 0;
}

/* Spreads the slice over runs with holes between. */
static inline void sample_sparse(struct samples *s, struct entry *e)
{
	uint64_t data = e->size, left = data, at = sample_below(s, 2) * 4096;
	uint8_t *extents = sample_memory(s, 8 * EXTENT_RECORD_SIZE);
	while (left > 0) {
		struct extent x = {.offset = at, .size = 1 + sample_below(s, left)};
		if (e->extent_count == 7)
			x.size = left;
		extent_put(extents, e->extent_count++, &x);
		left -= x.size;
		at += x.size + sample_below(s, 3) * 4096;
	}
	e->extents = extents;
	e->size = at + sample_below(s, 10000);
	if (data > EXTENT_COUNT_MAX && data % 4 == 0)
		sample_run_list(e, data);
}

static inline void sample_file(
	struct samples *s, struct entry *e, struct object_ref *bundle)
{
	uint64_t kind = sample_below(s, 16);
	if (kind == 0)
		return;
	if (kind == 1) {
		e->size = sample_below(s, 1 << 20); /* one hole */
		return;
	}
	e->has_content = true;
	if (kind <= 3) {
		sample_large(s, e);
	} else {
		if (bundle->size == 0 || sample_below(s, 50) == 0) {
			*bundle = (struct object_ref){.digest = sample_digest(s)};
			sample_listed(s, bundle);
		}
		e->object = *bundle;
		e->size = 1 + sample_below(s, 20000);
		e->offset = sample_below(s, e->object.size - e->size);
		e->content = sample_digest(s);
	}
	if (kind >= 14)
		sample_sparse(s, e);
}

static inline void sample_kind(
	struct samples *s, struct entry *e, struct object_ref *bundle)
{
	static const enum entry_type types[] = {ENTRY_DIRECTORY, ENTRY_DIRECTORY,
		ENTRY_SYMLINK, ENTRY_SYMLINK, ENTRY_CHARACTER, ENTRY_BLOCK, ENTRY_FIFO,
		ENTRY_SOCKET};
	uint64_t kind = sample_below(s, 40);
	e->type = kind < 8 ? types[kind] : ENTRY_FILE;
	e->links = e->type == ENTRY_DIRECTORY ? 2 + (uint32_t)sample_below(s, 3) : 1;
	if (e->type == ENTRY_FILE) {
		sample_file(s, e, bundle);
		if (sample_below(s, 20) == 0) {
			e->links = 2;
			e->inode = 2 + sample_below(s, INT64_MAX - 2);
		}
	} else if (e->type == ENTRY_SYMLINK) {
		e->target = sample_name(s, 7);
		e->size = e->target.size;
	} else if (kind == 4 || kind == 5) {
		e->major = (uint32_t)sample_below(s, 4);
		e->minor = (uint32_t)sample_below(s, 256);
	}
	if (sample_below(s, 10) == 0)
		sample_xattrs(s, e);
}

static inline struct span sample_path(struct samples *s, const struct entry *e)
{
	struct bytes path = {0};
	if (path_join(e->parent, e->name, &path) != 0)
		abort();
	struct span copy = sample_copy(s, path.data, path.size);
	bytes_release(&path);
	return copy;
}

static inline int sample_order(const void *a, const void *b)
{
	const struct entry *x = a, *y = b;
	return place_compare(x->parent, x->name, y->parent, y->name);
}

/* `count` entries, the root among them, in directories of all sizes. */
static inline struct samples *samples_new(uint64_t seed, size_t count)
{
	struct samples *s = calloc(1, sizeof(*s));
	struct entry *entries = calloc(count, sizeof(*entries));
	struct span *directories = calloc(count, sizeof(*directories));
	struct object_ref bundle = {0};
	size_t directory_count = 1;
	if (!s || !entries || !directories)
		abort();
	s->state = seed;
	s->entries = entries;
	s->count = count;
	for (size_t i = 0; i < count; i++) {
		struct entry *e = &entries[i];
		e->mode = (uint16_t)sample_below(s, 010000);
		e->uid = (uint32_t)sample_random(&s->state);
		e->gid = (uint32_t)sample_below(s, 1000);
		e->mtime = (int64_t)sample_below(s, 2000000000) - 1000;
		e->mtime_nsec = (uint32_t)sample_below(s, 1000000000);
		e->type = ENTRY_DIRECTORY;
		e->links = 2;
		if (i == 0)
			continue;
		e->parent = directories[sample_below(s, directory_count)];
		e->name = sample_name(s, i);
		sample_kind(s, e, &bundle);
		if (e->type == ENTRY_DIRECTORY)
			directories[directory_count++] = sample_path(s, e);
	}
	free(directories);
	qsort(entries, count, sizeof(*entries), sample_order);
	return s;
}

static inline void samples_free(struct samples *s)
{
	for (size_t i = 0; i < s->memory_count; i++)
		free(s->memory[i]);
	free(s->memory);
	free(s->entries);
	free(s);
}

/* The inode that readers see. */
static inline uint64_t sample_inode(const struct entry *e)
{
	struct key key;
	if (e->inode != 0)
		return e->inode;
	if (key_encode(e->parent, e->name, &key) != 0)
		abort();
	struct key_hash hash = key_hash_of(&key);
	return key_hash_inode(&hash);
}

/* NULL when `got` is `want` in every field, else the name of one that differs. */
static inline const char *sample_difference(
	const struct entry *want, const struct entry *got)
{
	struct digest layout;

	if (!span_equal(want->parent, got->parent))
		return "parent";
	if (!span_equal(want->name, got->name))
		return "name";
	if (want->type != got->type || want->mode != got->mode)
		return "type or mode";
	if (want->uid != got->uid || want->gid != got->gid)
		return "uid or gid";
	if (want->mtime != got->mtime || want->mtime_nsec != got->mtime_nsec)
		return "mtime";
	if (want->size != got->size)
		return "size";
	if (want->links != got->links || sample_inode(want) != got->inode)
		return "links or inode";
	if (want->major != got->major || want->minor != got->minor)
		return "device";
	if (!span_equal(want->target, got->target))
		return "target";
	if (!span_equal(want->xattrs, got->xattrs))
		return "xattrs";
	if (want->has_content != got->has_content)
		return "has_content";
	if (want->extent_count != got->extent_count ||
		(want->extent_count > 0 &&
			memcmp(want->extents, got->extents,
				(size_t)want->extent_count * EXTENT_RECORD_SIZE) != 0))
		return "extents";
	if (want->run_list.count != got->run_list.count ||
		want->run_list.size != got->run_list.size ||
		(want->run_list.count > 0 &&
			!digest_equal(&want->run_list.digest, &got->run_list.digest)))
		return "list of extents";
	if (!want->has_content)
		return NULL;
	if (want->offset != got->offset)
		return "offset";
	if (!digest_equal(&want->content, &got->content))
		return "content";
	if (!object_equal(&want->object, &got->object))
		return "object";
	layout = got->object.form == OBJECT_LISTED
			 ? digest_of(got->object.list,
				   (size_t)got->object.count * CHUNK_RECORD_SIZE)
			 : (struct digest){{0}};
	return digest_equal(&got->object.layout, &layout) ? NULL : "layout";
}

#endif
