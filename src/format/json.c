/* SPDX-License-Identifier: MIT */
#include <config.h>

#include <string.h>

#include "format/json.h"

/* The byte behind the string that begins at text[at], or the end. */
static size_t skip_string(struct span text, size_t at)
{
	for (at++; at < text.size && text.data[at] != '"'; at++)
		if (text.data[at] == '\\')
			at++;
	return at + 1;
}

/* jansson recurses, and its own limit is thousands. */
static bool depth_within(struct span text, int cap)
{
	size_t at = 0;
	int depth = 0;

	while (at < text.size) {
		uint8_t c = text.data[at];

		if (c == '"') {
			at = skip_string(text, at);
			continue;
		}
		if ((c == '{' || c == '[') && ++depth > cap)
			return false;
		if (c == '}' || c == ']')
			depth--;
		at++;
	}
	return true;
}

int json_parse(struct span text, json_t **out, struct trouble *t)
{
	json_error_t error;
	json_t *value;

	if (!depth_within(text, JSON_DEPTH_CAP))
		return trouble_set(
			t, ERR_CORRUPT, "JSON nested deeper than %d", JSON_DEPTH_CAP);
	value = json_loadb(text.data ? (const char *)text.data : "", text.size,
		JSON_REJECT_DUPLICATES, &error);
	if (!value && json_error_code(&error) == json_error_out_of_memory)
		return trouble_set(t, ERR_NO_MEMORY, "no memory to parse JSON");
	if (!value)
		return trouble_set(t, ERR_CORRUPT,
			"not valid JSON at line %d, column %d: %s", error.line,
			error.column, error.text);
	if (!json_is_object(value)) {
		json_decref(value);
		return trouble_set(t, ERR_CORRUPT, "JSON, but not an object");
	}
	*out = value;
	return 0;
}

static int json_append(const char *piece, size_t size, void *out)
{
	return bytes_append(out, piece, size);
}

int json_canonical(const json_t *value, struct bytes *out)
{
	size_t start = out->size;

	/* The tree is a parsed or a built one: only memory can fail. */
	if (json_dump_callback(value, json_append, out,
		    JSON_SORT_KEYS | JSON_COMPACT | JSON_ENCODE_ANY)) {
		out->size = start;
		return ERR_NO_MEMORY;
	}
	return 0;
}

int json_get_u64(const json_t *value, uint64_t max, uint64_t *out)
{
	json_int_t number;

	if (!json_is_integer(value))
		return ERR_CORRUPT;
	number = json_integer_value(value);
	if (number < 0 || (uint64_t)number > max)
		return ERR_CORRUPT;
	*out = (uint64_t)number;
	return 0;
}

int json_get_i64(const json_t *value, int64_t *out)
{
	if (!json_is_integer(value))
		return ERR_CORRUPT;
	*out = json_integer_value(value);
	return 0;
}

int json_get_string(const json_t *value, size_t max, struct span *out)
{
	if (!json_is_string(value) || json_string_length(value) > max)
		return ERR_CORRUPT;
	*out = span_of(json_string_value(value), json_string_length(value));
	return 0;
}

int json_get_digest(const json_t *value, struct digest *out)
{
	struct span hex;

	if (json_get_string(value, DIGEST_HEX_SIZE - 1, &hex))
		return ERR_CORRUPT;
	return digest_from_hex(hex, out);
}

json_t *json_digest(const struct digest *d)
{
	char hex[DIGEST_HEX_SIZE];

	digest_to_hex(d, hex);
	return json_stringn_nocheck(hex, sizeof hex - 1);
}

int json_only_members(const json_t *object, const char *const *names)
{
	size_t known = 0;

	/* Each key is there once, so as many known ones as there are leaves no others. */
	for (; *names; names++)
		known += json_object_get(object, *names) != NULL;
	return json_is_object(object) && known == json_object_size(object) ? 0
									   : ERR_CORRUPT;
}
