/* SPDX-License-Identifier: MIT */
/*
 * The objects that this process has open, by digest: a bounded table in stripes, each
 * with its own lock and its own order of use. An object that is referred to elsewhere
 * stays, whatever the bound. Any thread.
 */
#ifndef CAIRN_CACHE_HANDLES_H
#define CAIRN_CACHE_HANDLES_H

#include "cache/object_io.h"

struct handles;
/* `limit`: open files. NULL without memory. */
struct handles *handles_new(unsigned limit);
/* Nobody else refers to them any more. */
void handles_free(struct handles *h);

/* With a reference for the caller, or NULL. */
struct object *handles_find(struct handles *h, const struct digest *digest);
/* Takes over the caller's reference and gives back one to what is in the table: `o`, or
 * another that was there before. */
struct object *handles_add(struct handles *h, struct object *o);
/* No longer found; harmless when it is not there. */
void handles_remove(struct handles *h, struct object *o);
/* The same by name, when it is that instance. */
void handles_forget(struct handles *h, const struct digest *digest, uint64_t instance);
/* Was it used in the last seconds? */
bool handles_busy(struct handles *h, const struct digest *digest);
/* References to all that are in the table; caller puts them and frees the array. */
int handles_list(struct handles *h, struct object ***out, size_t *count);

#endif
