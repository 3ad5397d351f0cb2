/* SPDX-License-Identifier: MIT */
/*
 * An array that doubles: its owner keeps the pointer, the capacity and the count, and frees
 * the array with free(3). Pure memory; any room, one thread at a time per array.
 */
#ifndef CAIRN_UTIL_ARRAY_H
#define CAIRN_UTIL_ARRAY_H

#include <stddef.h>
#include <stdlib.h>

#include "util/error.h"

#define ARRAY_FIRST 16 /* elements */

/* Makes place for one more element of `size` bytes behind `count` others in *array, where
 * `array` points at the owner's pointer (evaluated twice). ERR_NO_MEMORY, with the array
 * as it was. A macro because the owner's pointer has any type, and may be read and written
 * as its own type only. */
#define array_grow(array, capacity, count, size)                                           \
	({                                                                                 \
		void *array_block = *(array);                                              \
		int array_rc = array_enlarge(&array_block, (capacity), (count), (size));   \
		*(array) = array_block;                                                    \
		array_rc;                                                                  \
	})

/* What array_grow() does to the block; nobody else calls it. */
static inline int array_enlarge(void **block, size_t *capacity, size_t count, size_t size)
{
	size_t larger, bytes;
	void *more;

	if (count < *capacity)
		return 0;
	larger = *capacity ? *capacity : ARRAY_FIRST / 2;
	if (__builtin_mul_overflow(larger, 2, &larger) ||
		__builtin_mul_overflow(larger, size, &bytes))
		return ERR_NO_MEMORY;
	more = realloc(*block, bytes);
	if (!more)
		return ERR_NO_MEMORY;
	*block = more;
	*capacity = larger;
	return 0;
}

#endif
