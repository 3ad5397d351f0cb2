/* SPDX-License-Identifier: MIT */
#include <config.h>

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "cache/objects/limits_file.h"
#include "util/io.h"

#define NAME "limits"
#define TEXT_MAX 64 /* bytes; two numbers of 20 digits */

static void text_of(const struct limits_record *limits, char text[TEXT_MAX])
{
	snprintf(text, TEXT_MAX, "quota %" PRIu64 "\nfloor %" PRIu64 "\n", limits->quota,
		limits->floor);
}

int limits_file_read(struct directory *d, struct limits_record *out)
{
	struct bytes content = {0};
	struct limits_record limits;
	char text[TEXT_MAX] = "", again[TEXT_MAX];
	int rc = io_read_regular_file(d->fd, NAME, TEXT_MAX - 1, &content);

	if (!rc && content.size)
		memcpy(text, content.data, content.size);
	bytes_release(&content);
	if (rc)
		return rc == ERR_ABSENT ? rc : ERR_CORRUPT;
	if (sscanf(text, "quota %" SCNu64 " floor %" SCNu64, &limits.quota,
		    &limits.floor) != 2)
		return ERR_CORRUPT;
	/* What is written in no other way was not written by us. */
	text_of(&limits, again);
	if (strcmp(text, again) != 0)
		return ERR_CORRUPT;
	*out = limits;
	return 0;
}

int limits_file_write(struct directory *d, const struct limits_record *limits)
{
	struct limits_record there;
	char text[TEXT_MAX];

	if (!limits_file_read(d, &there) && there.quota == limits->quota &&
		there.floor == limits->floor)
		return 0;
	text_of(limits, text);
	return io_replace_file(d->fd, NAME, span_of_string(text), 0600, 0);
}
