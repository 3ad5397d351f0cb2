/* SPDX-License-Identifier: MIT */
/*
 * From an object's name to the object: in the table of open objects, by its record in the
 * metadata, or as a new file. Blocking disk I/O, no network; any thread.
 */
#ifndef CAIRN_CACHE_OBJECT_OPEN_H
#define CAIRN_CACHE_OBJECT_OPEN_H

#include "cache/cache.h"
#include "cache/objects/object.h"

/* An object of which something is in the cache, with a reference. ERR_ABSENT, also when it
 * is there with another size or number of chunks than `as` says (NULL: whatever it is). */
int object_open(struct cache *c, const struct object_id *id, const struct want *as,
	struct object **out);
/* The same for who only looks: not in the table of open objects, no advice to the kernel,
 * no use noted. It is as the books had it then. */
int object_open_apart(struct cache *c, const struct object_id *id, struct object **out);
/* The one to which a chunk belongs, with a reference; a new instance, not yet in the
 * metadata, when there is none. ERR_BUSY: one of another size lies there; what
 * flusher_admit_file() and object_file_create() say. */
int object_open_or_create(struct cache *c, const struct want *w, struct object **out);
/* Looks at the record when the metadata has changed since the last look. */
void object_refresh(struct cache *c, struct object *o);

#endif
