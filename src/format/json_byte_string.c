/* SPDX-License-Identifier: MIT */
#include <config.h>

#include <string.h>

#include "format/json_byte_string.h"
#include "util/base64.h"
#include "util/error.h"

/* The bytes of the UTF-8 sequence at `at` (RFC 3629, section 4), 0 when it is none. */
static size_t utf8_sequence(const uint8_t *at, size_t left)
{
	uint8_t c = at[0];
	size_t size = c < 0xc2 ? 0 : c < 0xe0 ? 2 : c < 0xf0 ? 3 : c < 0xf5 ? 4 : 0;
	uint8_t low, high;

	if (size == 0 || size > left)
		return 0;
	/* The second byte shuts out overlong forms, surrogates and what lies past U+10FFFF.
	 */
	low = c == 0xe0 ? 0xa0 : c == 0xf0 ? 0x90 : 0x80;
	high = c == 0xed ? 0x9f : c == 0xf4 ? 0x8f : 0xbf;
	if (at[1] < low || at[1] > high)
		return 0;
	for (size_t i = 2; i < size; i++)
		if ((at[i] & 0xc0) != 0x80)
			return 0;
	return size;
}

bool json_byte_string_is_text(struct span s)
{
	size_t at = 0;

	while (at < s.size) {
		size_t size;

		if (s.data[at] == 0)
			return false;
		if (s.data[at] < 0x80) {
			at++;
			continue;
		}
		size = utf8_sequence(s.data + at, s.size - at);
		if (size == 0)
			return false;
		at += size;
	}
	return true;
}

json_t *json_byte_string(struct span s)
{
	struct bytes text = {0};
	json_t *value = NULL;

	if (json_byte_string_is_text(s))
		return json_stringn_nocheck(s.size ? (const char *)s.data : "", s.size);
	if (!base64_encode(s, &text))
		value = json_pack("{s:s%}", "base64", (const char *)text.data, text.size);
	bytes_release(&text);
	return value;
}

static int decode_base64(const json_t *value, size_t max, struct bytes *out)
{
	const json_t *member = json_object_get(value, "base64");
	struct span text;
	size_t before;
	struct span got;
	int rc;

	if (!json_is_string(member) || json_object_size(value) != 1)
		return ERR_CORRUPT;
	text = span_of(json_string_value(member), json_string_length(member));
	if (text.size / 4 > max / 3 + 1)
		return ERR_CORRUPT;
	before = out->size;
	rc = base64_decode(text, out);
	if (rc)
		return rc;
	got = span_of_part(out, before, out->size - before);
	if (got.size <= max && !json_byte_string_is_text(got))
		return 0;
	out->size = before;
	return ERR_CORRUPT;
}

/* A JSON string without NUL is UTF-8 already: jansson takes nothing else. */
static int view_text(const json_t *value, size_t max, struct span *out)
{
	struct span text = span_of(json_string_value(value), json_string_length(value));

	if (text.size > max || memchr(text.data, 0, text.size))
		return ERR_CORRUPT;
	*out = text;
	return 0;
}

int json_byte_string_view(
	const json_t *value, size_t max, struct bytes *scratch, struct span *out)
{
	int rc;

	if (json_is_string(value))
		return view_text(value, max, out);
	if (!json_is_object(value))
		return ERR_CORRUPT;
	bytes_clear(scratch);
	rc = decode_base64(value, max, scratch);
	if (!rc)
		*out = span_of_bytes(scratch);
	return rc;
}

int json_byte_string_decode(const json_t *value, size_t max, struct bytes *out)
{
	struct span text;

	if (json_is_object(value))
		return decode_base64(value, max, out);
	if (!json_is_string(value) || view_text(value, max, &text))
		return ERR_CORRUPT;
	return bytes_append(out, text.data, text.size);
}
