/* SPDX-License-Identifier: MIT */
/* An array that doubles. Pure memory. */
#ifndef CAIRN_UTIL_ARRAY_H
#define CAIRN_UTIL_ARRAY_H

#include <stddef.h>
#include <stdlib.h>

#include "util/error.h"

#define ARRAY_FIRST 16 /* elements */

/* Room for one more element of `size` bytes behind `count` others in *array (any kind of
 * pointer). ERR_NO_MEMORY, with the array as it was. */
static inline int array_grow(void *array, size_t *capacity, size_t count, size_t size)
{
	size_t larger = *capacity ? *capacity * 2 : ARRAY_FIRST, bytes;
	void **at = array, *more;

	if (count < *capacity)
		return 0;
	if (__builtin_mul_overflow(larger, size, &bytes))
		return ERR_NO_MEMORY;
	more = realloc(*at, bytes);
	if (!more)
		return ERR_NO_MEMORY;
	*at = more;
	*capacity = larger;
	return 0;
}

#endif
