/* SPDX-License-Identifier: MIT */
#include <config.h>

#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cache/objects/object.h"
#include "cache/objects/object_files.h"
#include "cache/objects/page_cache.h"
#include "util/clock.h"

#define READ_WHOLE (UINT64_C(2) << 20) /* bytes: every bundle is smaller */
#define IN_ORDER 8		       /* chunks before one of which half are there */

typedef atomic_uint_least64_t word;

static bool bit_get(word *bitmap, uint64_t i)
{
	return atomic_load_explicit(&bitmap[i / 64], memory_order_acquire) >> (i % 64) & 1;
}

static void bit_set(word *bitmap, uint64_t i)
{
	atomic_fetch_or_explicit(
		&bitmap[i / 64], UINT64_C(1) << (i % 64), memory_order_release);
}

static void bit_clear(word *bitmap, uint64_t i)
{
	atomic_fetch_and_explicit(
		&bitmap[i / 64], ~(UINT64_C(1) << (i % 64)), memory_order_release);
}

static void object_release(struct object *o)
{
	if (o->fd >= 0)
		close(o->fd);
	if (o->fd >= 0 && !atomic_load(&o->recorded))
		object_file_remove(o->directory, &o->id, o->instance);
	pthread_mutex_destroy(&o->look_mtx);
	pthread_mutex_destroy(&o->merge_mtx);
	free(o->present);
	free(o->checked);
	free(o);
}

struct object *object_new(struct directory *directory, const struct object_id *id,
	const struct object_record *r, uint64_t generation)
{
	struct object *o = calloc(1, sizeof *o);

	if (!o)
		return NULL;
	o->directory = directory;
	o->id = *id;
	o->instance = r->instance;
	o->size = r->size;
	o->chunks = r->chunks;
	o->drops = r->drops;
	o->recorded_file = r->file;
	o->generation = generation;
	o->doubted = r->generation != generation;
	o->fd = -1;
	atomic_init(&o->refs, 1);
	atomic_init(&o->noted, r->last_use);
	atomic_init(&o->touched, clock_monotonic());
	pthread_mutex_init(&o->look_mtx, NULL);
	pthread_mutex_init(&o->merge_mtx, NULL);
	o->present = calloc(BITMAP_WORDS(r->chunks), sizeof(word));
	if (!o->present || (o->doubted && object_check_all(o))) {
		object_release(o);
		return NULL;
	}
	return o;
}

int object_check_all(struct object *o)
{
	if (!o->checked)
		o->checked = calloc(BITMAP_WORDS(o->chunks), sizeof(word));
	return o->checked ? 0 : ERR_NO_MEMORY;
}

int object_set_file(struct object *o, int fd)
{
	o->fd = fd;
	o->file = object_file_number(fd);
	if (!atomic_load(&o->recorded))
		o->recorded_file = o->file;
	if (!object_has_other_file(o))
		return 0;
	o->doubted = true;
	return object_check_all(o);
}

bool object_has_other_file(const struct object *o)
{
	return o->file != o->recorded_file;
}

struct object *object_get(struct object *o)
{
	atomic_fetch_add(&o->refs, 1);
	return o;
}

void object_put(struct object *o)
{
	if (o && atomic_fetch_sub(&o->refs, 1) == 1)
		object_release(o);
}

size_t object_bitmap_bytes(const struct object *o)
{
	return BITMAP_WORDS(o->chunks) * sizeof(word) * (o->checked ? 2 : 1);
}

bool object_is_of(const struct object *o, const struct object_record *r)
{
	return r->instance == o->instance && r->drops == o->drops && r->size == o->size &&
	       r->chunks == o->chunks &&
	       (r->file == o->file || r->file == o->recorded_file);
}

bool object_is_as(const struct object *o, const struct want *as)
{
	return !as || (o->size == as->object_size && o->chunks == as->chunks);
}

void object_note_written(struct object *o)
{
	atomic_fetch_add(&o->written, 1);
}

/* Noted before it is seen: whoever reads it looks whether it was flushed. */
static void merge_word(struct object *o, uint64_t i, uint64_t bits)
{
	if (!(bits & ~atomic_load(&o->present[i])))
		return;
	object_note_written(o);
	atomic_fetch_or_explicit(&o->present[i], bits, memory_order_release);
}

void object_merge(struct object *o, const struct object_record *r)
{
	pthread_mutex_lock(&o->merge_mtx);
	for (uint64_t i = 0; !o->dropping && i < BITMAP_WORDS(o->chunks); i++)
		merge_word(o, i, r->bitmap[i]);
	pthread_mutex_unlock(&o->merge_mtx);
}

void object_begin_dropping(struct object *o)
{
	pthread_mutex_lock(&o->merge_mtx);
	o->dropping = true;
	pthread_mutex_unlock(&o->merge_mtx);
}

bool object_has_here(struct object *o, uint64_t ordinal)
{
	return ordinal < o->chunks && !atomic_load(&o->lost) &&
	       bit_get(o->present, ordinal);
}

/* The bits of a bitmap's word that stand for chunks. */
static uint64_t word_of_chunks(const struct object *o, uint64_t i)
{
	uint64_t left = o->chunks - i * 64;

	return left < 64 ? (UINT64_C(1) << left) - 1 : UINT64_MAX;
}

uint64_t object_first_missing(struct object *o)
{
	for (uint64_t i = 0; i < BITMAP_WORDS(o->chunks); i++) {
		uint64_t here = atomic_load_explicit(&o->present[i], memory_order_acquire);

		if (o->checked)
			here &= atomic_load_explicit(&o->checked[i], memory_order_acquire);
		here = ~here & word_of_chunks(o, i);
		if (here)
			return i * 64 + (uint64_t)__builtin_ctzll(here);
	}
	return o->chunks;
}

/* With its last chunk, a file has no hole any more. */
static void note_whole(struct object *o)
{
	if (!atomic_load_explicit(&o->whole, memory_order_relaxed) &&
		object_first_missing(o) == o->chunks && !atomic_exchange(&o->whole, true))
		page_cache_read_ahead(o->fd, true);
}

void object_set_present(struct object *o, uint64_t ordinal)
{
	if (o->checked)
		bit_set(o->checked, ordinal);
	bit_set(o->present, ordinal);
	note_whole(o);
}

void object_clear_present(struct object *o, uint64_t ordinal)
{
	bit_clear(o->present, ordinal);
}

bool object_must_check(const struct object *o, uint64_t ordinal)
{
	return o->checked && !bit_get(o->checked, ordinal);
}

bool object_set_checked(struct object *o, uint64_t ordinal)
{
	bit_set(o->checked, ordinal);
	for (uint64_t i = 0; i < BITMAP_WORDS(o->chunks); i++)
		if (atomic_load(&o->present[i]) & ~atomic_load(&o->checked[i]))
			return false;
	return true;
}

void object_begin_reading(struct object *o)
{
	page_cache_read_ahead(o->fd, false);
	note_whole(o);
	/* Who reads one file of a bundle reads others soon: the disk has it all in one go.
	 */
	if (o->size <= READ_WHOLE)
		page_cache_load(o->fd, 0, o->size);
}

bool object_file_is_whole(const struct object *o)
{
	struct stat st;

	return fstat(o->fd, &st) == 0 && (uint64_t)st.st_size == o->size;
}

bool object_is_filled_in_order(const struct object *o, uint64_t ordinal)
{
	uint64_t before = ordinal < IN_ORDER ? ordinal : IN_ORDER, there = 0;

	for (uint64_t i = 1; i <= before; i++)
		there += bit_get(o->present, ordinal - i);
	return there >= before / 2;
}
