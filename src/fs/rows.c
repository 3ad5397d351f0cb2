/* SPDX-License-Identifier: MIT */
#include <config.h>

#include "fs/rows.h"

#include <assert.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "util/error.h"

void rows_release(struct rows *r)
{
	free(r->items);
	*r = (struct rows){0};
}

/* The first that is not before that row. */
static uint32_t rows_find(const struct rows *r, uint32_t row)
{
	uint32_t low = 0, high = r->count;

	while (low < high) {
		uint32_t middle = low + (high - low) / 2;

		if (r->items[middle].row < row)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

uint64_t rows_get(const struct rows *r, uint32_t row)
{
	uint32_t i = rows_find(r, row);

	return i < r->count && r->items[i].row == row ? r->items[i].node : 0;
}

static int rows_resize(struct rows *r, uint32_t capacity)
{
	struct row_node *items = realloc(r->items, capacity * sizeof *items);

	if (!items)
		return ERR_NO_MEMORY;
	r->items = items;
	r->capacity = capacity;
	return 0;
}

int rows_reserve(struct rows *r)
{
	return r->count < r->capacity ? 0 : rows_resize(r, r->capacity * 2 + 1);
}

static void rows_remove(struct rows *r, uint32_t i)
{
	r->count--;
	memmove(&r->items[i], &r->items[i + 1], (r->count - i) * sizeof *r->items);
	if (!r->count)
		rows_release(r);
	else if (r->count < r->capacity / 4)
		(void)rows_resize(r, r->capacity / 2);
}

void rows_set(struct rows *r, uint32_t row, uint64_t node)
{
	uint32_t i = rows_find(r, row);
	bool is_there = i < r->count && r->items[i].row == row;

	if (!node && !is_there)
		return;
	if (!node) {
		rows_remove(r, i);
		return;
	}
	if (!is_there) {
		assert(r->count < r->capacity);
		memmove(&r->items[i + 1], &r->items[i], (r->count - i) * sizeof *r->items);
		r->count++;
	}
	r->items[i] = (struct row_node){row, node};
}
