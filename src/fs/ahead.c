/* SPDX-License-Identifier: MIT */
#include <config.h>

#include "fs/ahead.h"

#include "format/entry.h"
#include "fs/ahead_objects.h"
#include "fs/ahead_stream.h"
#include "fs/request.h"

void ahead_see(struct request *r, const struct entry *e)
{
	r->file = (struct request_file){
		.seen = true, .has_neighbours = ahead_objects_worth(e), .size = e->size};
	if (r->file.has_neighbours)
		r->file.object = e->object.digest;
}

void ahead_fetch(struct request *r)
{
	bool begin = r->offset == 0;

	if (begin && r->file.has_neighbours)
		ahead_objects_fetch(r);
	/* A file that is read whole by one request has nothing more, and must not take the
	 * place of one that has. */
	if (!begin || !r->file.seen || r->size < r->file.size)
		ahead_stream_fetch(r);
}
