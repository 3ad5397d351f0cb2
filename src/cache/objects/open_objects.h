/* SPDX-License-Identifier: MIT */
/*
 * The objects that this process has open, by id: a bounded table in stripes, each
 * with its own lock and its own order of use. An object that is referred to elsewhere
 * stays, whatever the bound. Any thread.
 */
#ifndef CAIRN_CACHE_OBJECTS_OPEN_OBJECTS_H
#define CAIRN_CACHE_OBJECTS_OPEN_OBJECTS_H

#include "cache/objects/object.h"

struct open_objects;
/* `limit`: open files. NULL without memory. */
struct open_objects *open_objects_new(unsigned limit);
/* Nobody else refers to them any more. */
void open_objects_free(struct open_objects *t);

/* With a reference for the caller, or NULL. */
struct object *open_objects_find(struct open_objects *t, const struct object_id *id);
/* Takes over the caller's reference and gives back one to what is in the table: `o`, or
 * another that was there before. */
struct object *open_objects_add(struct open_objects *t, struct object *o);
/* No longer found; harmless when it is not there. */
void open_objects_remove(struct open_objects *t, struct object *o);
/* The same by id, when it is that instance. */
void open_objects_forget(
	struct open_objects *t, const struct object_id *id, uint64_t instance);
/* Was it used in the last seconds? */
bool open_objects_busy(struct open_objects *t, const struct object_id *id);
/* When one of them was used last, CLOCK_MONOTONIC ns; 0: there is none. */
int64_t open_objects_last_use(struct open_objects *t);
/* References to all that are in the table; caller puts them and frees the array. */
int open_objects_list(struct open_objects *t, struct object ***out, size_t *count);

#endif
