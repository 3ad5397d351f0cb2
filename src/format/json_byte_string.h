/* SPDX-License-Identifier: MIT */
/*
 * Byte strings in JSON: names, paths, link targets and attributes are bytes, JSON's strings
 * are UTF-8. A string when it is UTF-8 without NUL, else {"base64": "..."}; anything but
 * the one right spelling is ERR_CORRUPT. Called by what reads and writes documents and by
 * cli/. Pure; any thread.
 */
#ifndef CAIRN_FORMAT_JSON_BYTE_STRING_H
#define CAIRN_FORMAT_JSON_BYTE_STRING_H

#include <jansson.h>

#include "util/bytes.h"

/* A new reference, or NULL without memory. */
json_t *json_byte_string(struct span s);
/* Appended to `out`. ERR_CORRUPT also when it has over `max` bytes; ERR_NO_MEMORY. */
int json_byte_string_decode(const json_t *value, size_t max, struct bytes *out);
/* The same without a copy where that is possible: *out borrows from `value`, or from
 * `scratch`, which is cleared first. */
int json_byte_string_view(
	const json_t *value, size_t max, struct bytes *scratch, struct span *out);
/* True when `s` stands in JSON as a string: UTF-8 (RFC 3629) without NUL. */
bool json_byte_string_is_text(struct span s);

#endif
