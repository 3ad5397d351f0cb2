/* SPDX-License-Identifier: MIT */
#include <config.h>

#include "cli/status_reply.h"

#include <stdlib.h>
#include <string.h>

#include "cli/size.h"
#include "format/json_byte_string.h"
#include "format/names.h"
#include "util/printable.h"

static const json_t *reply_member(const json_t *reply, const char *name, const char *key)
{
	const json_t *value = json_object_get(reply, name);

	return key ? json_object_get(value, key) : value;
}

uint64_t reply_number(const json_t *reply, const char *name, const char *key)
{
	const json_t *value = reply_member(reply, name, key);
	uint64_t n = 0;

	if (json_is_integer(value) && json_integer_value(value) > 0)
		return (uint64_t)json_integer_value(value);
	if (json_is_string(value) && number_parse(json_string_value(value), UINT64_MAX, &n))
		return 0;
	return n;
}

void reply_print(FILE *out, const json_t *reply, const char *name, const char *key)
{
	const json_t *value = reply_member(reply, name, key);
	struct bytes bytes = {0};
	char *text = NULL;

	if (value && !json_byte_string_decode(value, PATH_SIZE_MAX, &bytes))
		text = span_to_string(span_of_bytes(&bytes));
	if (text)
		printable_clean(text);
	fputs(text ? text : "?", out);
	free(text);
	bytes_release(&bytes);
}

bool reply_is(const json_t *reply, const char *name, const char *key, const char *text)
{
	const char *value = json_string_value(reply_member(reply, name, key));

	return value && !strcmp(value, text);
}
