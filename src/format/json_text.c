/* SPDX-License-Identifier: MIT */
#include <config.h>

#include <string.h>

#include "format/json_text.h"
#include "format/json_byte_string.h"
#include "util/base64.h"

static void json_text_append(struct json_text *w, const void *data, size_t size)
{
	if (bytes_append(&w->text, data, size))
		w->failed = true;
}

void json_text_raw(struct json_text *w, const char *s)
{
	json_text_append(w, s, strlen(s));
}

void json_text_unsigned(struct json_text *w, uint64_t value)
{
	char digits[20];
	size_t at = sizeof digits;

	do
		digits[--at] = (char)('0' + value % 10);
	while ((value /= 10) != 0);
	json_text_append(w, digits + at, sizeof digits - at);
}

void json_text_signed(struct json_text *w, int64_t value)
{
	if (value < 0)
		json_text_append(w, "-", 1);
	json_text_unsigned(w, value < 0 ? 0 - (uint64_t)value : (uint64_t)value);
}

void json_text_digest(struct json_text *w, const struct digest *d)
{
	char text[DIGEST_HEX_SIZE + 2];

	text[0] = '"';
	digest_to_hex(d, text + 1);
	text[DIGEST_HEX_SIZE] = '"';
	json_text_append(w, text, DIGEST_HEX_SIZE + 1);
}

static void append_escape(struct json_text *w, uint8_t c)
{
	static const char hex[] = "0123456789ABCDEF";
	static const char plain[] = "\"\\\b\f\n\r\t";
	static const char letters[] = "\"\\bfnrt";
	const char *found = memchr(plain, c, sizeof plain - 1);
	char text[6] = {'\\', 'u', '0', '0', hex[c >> 4], hex[c & 15]};

	if (found)
		text[1] = letters[found - plain];
	json_text_append(w, text, found ? 2 : sizeof text);
}

static void append_text(struct json_text *w, struct span s)
{
	size_t from = 0;

	json_text_append(w, "\"", 1);
	for (size_t i = 0; i < s.size; i++) {
		uint8_t c = s.data[i];

		if (c >= 0x20 && c != '"' && c != '\\')
			continue;
		json_text_append(w, s.data + from, i - from);
		append_escape(w, c);
		from = i + 1;
	}
	json_text_append(w, s.data + from, s.size - from);
	json_text_append(w, "\"", 1);
}

void json_text_byte_string(struct json_text *w, struct span s)
{
	if (json_byte_string_is_text(s)) {
		append_text(w, s.size > 0 ? s : span_of_string(""));
		return;
	}
	json_text_raw(w, "{\"base64\":\"");
	if (base64_encode(s, &w->text))
		w->failed = true;
	json_text_raw(w, "\"}");
}

void json_text_join(struct json_text *w, const struct json_text *part)
{
	json_text_append(w, part->text.data, part->text.size);
	w->failed |= part->failed;
}

void json_text_clear(struct json_text *w)
{
	bytes_clear(&w->text);
	w->failed = false;
}
