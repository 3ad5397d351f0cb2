/* SPDX-License-Identifier: MIT */
#include <config.h>

#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

#include "publish/extents.h"
#include "util/error.h"

#define BLOCK 512 /* of st_blocks */
/* A file of more runs is reduced each time that it has collected so many. */
#define COLLECTED_MAX (2 * EXTENT_COUNT_MAX)

bool extents_likely(const struct stat *st)
{
#ifdef HAVE_SEEK_HOLE
	return (uint64_t)st->st_blocks * BLOCK < (uint64_t)st->st_size;
#else
	(void)st;
	return false;
#endif
}

void extents_release(struct extents *e)
{
	free(e->items);
	*e = (struct extents){0};
}

static int reserve(struct extents *e)
{
	uint32_t capacity = e->capacity ? e->capacity * 2 : 16;
	struct extent *items;

	if (e->count < e->capacity)
		return 0;
	items = realloc(e->items, capacity * sizeof *items);
	if (!items)
		return ERR_NO_MEMORY;
	e->items = items;
	e->capacity = capacity;
	return 0;
}

int extents_add(struct extents *e, struct extent run)
{
	struct extent *last = e->count > 0 ? &e->items[e->count - 1] : NULL;
	int rc;

	if (last && last->offset + last->size == run.offset) {
		last->size += run.size;
		return 0;
	}
	rc = reserve(e);
	if (!rc)
		e->items[e->count++] = run;
	return rc;
}

static uint64_t gap_before(const struct extents *e, uint32_t i)
{
	return e->items[i].offset - (e->items[i - 1].offset + e->items[i - 1].size);
}

static int compare_sizes(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

	return (x > y) - (x < y);
}

/* The size up to which gaps are filled to get rid of `excess` of them, and how many of
 * exactly that size. */
static int find_threshold(
	const struct extents *e, uint32_t excess, uint64_t *threshold, uint32_t *equal)
{
	uint32_t gaps = e->count - 1;
	uint64_t *sizes = malloc(gaps * sizeof *sizes);

	if (!sizes)
		return ERR_NO_MEMORY;
	for (uint32_t i = 0; i < gaps; i++)
		sizes[i] = gap_before(e, i + 1);
	qsort(sizes, gaps, sizeof *sizes, compare_sizes);
	*threshold = sizes[excess - 1];
	*equal = 0;
	for (uint32_t i = excess; i > 0 && sizes[i - 1] == *threshold; i--)
		(*equal)++;
	free(sizes);
	return 0;
}

int extents_reduce(struct extents *e, uint32_t most)
{
	uint64_t threshold;
	uint32_t equal, kept = 1;
	int rc;

	if (e->count <= most)
		return 0;
	rc = find_threshold(e, e->count - most, &threshold, &equal);
	if (rc)
		return rc;
	for (uint32_t i = 1; i < e->count; i++) {
		struct extent *last = &e->items[kept - 1];
		struct extent run = e->items[i];
		uint64_t gap = run.offset - (last->offset + last->size);

		if (gap < threshold || (gap == threshold && equal > 0)) {
			equal -= gap == threshold;
			last->size += gap + run.size;
		} else {
			e->items[kept++] = run;
		}
	}
	e->count = kept;
	return 0;
}

static void whole_file(const struct stat *st, struct extents *out)
{
	out->sparse = false;
	out->count = 0;
	out->data_size = (uint64_t)st->st_size;
}

#ifdef HAVE_SEEK_HOLE

/* The next run of data at or behind `at`; ERR_ABSENT at the end. */
static int extents_next(int fd, uint64_t at, uint64_t size, struct extent *run)
{
	off_t data, hole;

	if (at >= size)
		return ERR_ABSENT;
	data = lseek(fd, (off_t)at, SEEK_DATA);
	if (data < 0)
		return errno == ENXIO ? ERR_ABSENT : error_from_errno(errno);
	if ((uint64_t)data >= size)
		return ERR_ABSENT;
	hole = lseek(fd, data, SEEK_HOLE);
	if (hole < 0)
		return errno == ENXIO ? ERR_CHANGED : error_from_errno(errno);
	if ((uint64_t)hole > size)
		hole = (off_t)size;
	if (hole <= data)
		return ERR_CHANGED;
	*run = (struct extent){(uint64_t)data, (uint64_t)(hole - data)};
	return 0;
}

static int extents_collect(int fd, uint64_t size, struct extents *out)
{
	struct extent run = {0};
	int rc;

	while ((rc = extents_next(fd, run.offset + run.size, size, &run)) == 0) {
		rc = extents_add(out, run);
		if (!rc && out->count >= COLLECTED_MAX)
			rc = extents_reduce(out, EXTENT_COUNT_MAX);
		if (rc)
			return rc;
	}
	return rc == ERR_ABSENT ? extents_reduce(out, EXTENT_COUNT_MAX) : rc;
}

int extents_read(int fd, const struct stat *st, struct extents *out)
{
	uint64_t size = (uint64_t)st->st_size;
	int rc;

	out->count = 0;
	if (!extents_likely(st)) {
		whole_file(st, out);
		return 0;
	}
	rc = extents_collect(fd, size, out);
	if (rc)
		return rc;
	out->sparse = true;
	out->data_size = 0;
	for (uint32_t i = 0; i < out->count; i++)
		out->data_size += out->items[i].size;
	if (out->data_size == size)
		whole_file(st, out);
	return 0;
}

#else

int extents_read(int fd, const struct stat *st, struct extents *out)
{
	(void)fd;
	whole_file(st, out);
	return 0;
}

#endif
