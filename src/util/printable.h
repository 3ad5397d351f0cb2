/* SPDX-License-Identifier: MIT */
/*
 * What of a text may reach a terminal or a log. Names and words from the network can hold
 * bytes that steer it: control characters, those of the second set (U+0080 to U+009F) and
 * what turns the direction of writing, so that a line reads as another than it is. Pure;
 * any thread.
 */
#ifndef CAIRN_UTIL_PRINTABLE_H
#define CAIRN_UTIL_PRINTABLE_H

#include <stdbool.h>
#include <stddef.h>

/* The bytes of the character that text[0] begins, at least 1, of `size` that there are.
 * *good: whether it may be shown; a byte that begins no UTF-8 character (RFC 3629) may
 * not. */
size_t printable_next(const char *text, size_t size, bool *good);
/* Each character that may not be shown becomes a '?', in place. */
void printable_clean(char *text);

#endif
