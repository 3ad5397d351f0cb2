/* SPDX-License-Identifier: MIT */
#include <config.h>

#include <string.h>

#include "format/object_id.h"

struct object_id object_id_of(const struct object_ref *o)
{
	struct object_id id = {.digest = o->digest};

	if (o->form == OBJECT_LISTED)
		id.layout = o->layout;
	else if (o->form == OBJECT_RECIPE)
		id.layout = o->recipe;
	return id;
}

struct object_id object_id_of_chunk(const struct digest *chunk)
{
	return (struct object_id){.digest = *chunk};
}

bool object_id_equal(const struct object_id *a, const struct object_id *b)
{
	return memcmp(a, b, sizeof *a) == 0;
}

int object_id_compare(const struct object_id *a, const struct object_id *b)
{
	return memcmp(a, b, sizeof *a);
}
