/* SPDX-License-Identifier: MIT */
#include <config.h>

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/json_output.h"
#include "cli/output.h"
#include "util/error.h"
#include "util/printable.h"

#define NUMBER_EXACT (UINT64_C(1) << 53)

/* JSON_ENSURE_ASCII leaves DEL as it is. */
static int put_piece(const char *piece, size_t size, void *stream)
{
	for (size_t i = 0; i < size; i++)
		if ((piece[i] == 0x7f ? fputs("\\u007f", stream)
				      : putc(piece[i], stream)) == EOF)
			return -1;
	return 0;
}

int json_output(json_t *value, size_t flags)
{
	int rc = value ? 0 : ERR_NO_MEMORY;

	if (!rc && json_dump_callback(value, put_piece, stdout, flags | JSON_ENSURE_ASCII))
		rc = output_is_lost() ? ERR_IO : ERR_NO_MEMORY;
	json_decref(value);
	if (!rc && putchar('\n') == EOF && output_is_lost())
		rc = ERR_IO;
	return rc;
}

json_t *json_output_words(const char *text)
{
	char *clean = strdup(text);
	json_t *words = NULL;

	if (clean) {
		printable_clean(clean);
		words = json_string(clean);
	}
	free(clean);
	return words;
}

json_t *json_output_number(uint64_t n)
{
	char text[24];

	if (n <= NUMBER_EXACT)
		return json_integer((json_int_t)n);
	snprintf(text, sizeof text, "%" PRIu64, n);
	return json_string(text);
}
