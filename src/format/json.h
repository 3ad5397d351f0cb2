/* SPDX-License-Identifier: MIT */
/*
 * Strict reading of JSON that came from elsewhere: duplicate keys, wrong types,
 * negative or too large numbers, unknown members are errors, never guesses.
 * Pure; any thread. Errors: ERR_CORRUPT, ERR_NO_MEMORY.
 */
#ifndef CAIRN_FORMAT_JSON_H
#define CAIRN_FORMAT_JSON_H

#include <jansson.h>

#include "util/bytes.h"
#include "util/digest.h"
#include "util/error.h"

/* Both are refused before anything is parsed: deeper nesting, and what would take more
 * bytes of memory (json_cost.h). The larger one is for pages, which have up to 4096 rows of
 * many values, and for lines of control sockets. */
#define JSON_DEPTH_CAP 16
#define JSON_MEMORY_CAP (4u << 20)
#define JSON_LARGE_MEMORY_CAP (32u << 20)

/* A whole text: one object, duplicates rejected, nothing behind it. */
int json_parse(struct span text, json_t **out, struct trouble *t);
int json_parse_large(struct span text, json_t **out, struct trouble *t);
/* Sorted keys, no white space: the form that is signed and digested. */
int json_canonical(const json_t *value, struct bytes *out);

int json_get_u64(const json_t *value, uint64_t max, uint64_t *out);
int json_get_i64(const json_t *value, int64_t *out);
int json_get_digest(const json_t *value, struct digest *out);
/* Borrowed from `value`; at most `max` bytes. */
int json_get_string(const json_t *value, size_t max, struct span *out);
json_t *json_digest(const struct digest *d); /* new reference or NULL */

/* ERR_CORRUPT when `object` has a member that is not in `names` (NULL-terminated). */
int json_only_members(const json_t *object, const char *const *names);

#endif
