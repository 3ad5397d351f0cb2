/* SPDX-License-Identifier: MIT */
/*
 * Byte strings: `span` borrows, `bytes` owns and grows. Any room. Pure memory; a struct
 * belongs to one thread at a time.
 */
#ifndef CAIRN_UTIL_BYTES_H
#define CAIRN_UTIL_BYTES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Borrowed bytes: valid as long as whoever lent them says. May be {NULL, 0}. */
struct span {
	const uint8_t *data;
	size_t size;
};

/* Owned, growable bytes. Zero-initialised is empty and needs no release. */
struct bytes {
	uint8_t *data;
	size_t size;
	size_t capacity;
};

void bytes_init(struct bytes *b);
void bytes_release(struct bytes *b); /* leaves it empty */
/* Makes place for `more` bytes after size. ERR_NO_MEMORY. */
int bytes_reserve(struct bytes *b, size_t more);
/* Appended. ERR_NO_MEMORY, with `b` as it was. */
int bytes_append(struct bytes *b, const void *data, size_t size);
int bytes_append_string(struct bytes *b, const char *s); /* without the NUL */
/* Gives back what is beyond size, as far as that goes. */
void bytes_trim(struct bytes *b);
/* Empties without giving back the memory. */
void bytes_clear(struct bytes *b);

struct span span_of(const void *data, size_t size);
struct span span_of_string(const char *s); /* without the NUL; NULL gives {NULL, 0} */
struct span span_of_bytes(const struct bytes *b);
/* `size` bytes of it from `at` on, which it has; none of an empty one, too. */
struct span span_of_part(const struct bytes *b, size_t at, size_t size);
bool span_equal(struct span a, struct span b);
/* memcmp order, a prefix before its extensions: <0, 0, >0. */
int span_compare(struct span a, struct span b);
/* A NUL-terminated heap copy (caller frees), NULL without memory. */
char *span_to_string(struct span s);

#endif
