/* SPDX-License-Identifier: MIT */
/*
 * The unit of work that reads content: a bundle of small files, or one large file. The
 * dispatcher assembles it on the tool's thread; from then until it is done it is the
 * worker's that bundle_job.h or object_job.h describes, which fills in what the members
 * are to say. Opaque to none of these. Lock: the publication's, where a field says so.
 */
#ifndef CAIRN_PUBLISH_UNIT_H
#define CAIRN_PUBLISH_UNIT_H

#include "publish/item.h"
#include "publish/publication.h"

struct object_read;

struct unit {
	struct job job;
	struct publication *publication;
	struct item *first, **end;
	uint32_t count;
	uint32_t assembled;	   /* members that are in their page: the tool's thread */
	struct digest fingerprint; /* for the index */
	struct bytes record;	   /* that the index had; or empty */
	bool adopted;		   /* the record was good: nothing was read */
	bool stable;		   /* may be remembered */
	bool has_object;
	struct object_ref object; /* its list is in `list` */
	struct bytes list;
	struct object_read *reads; /* of a large file, the newest first */
	unsigned pending;	   /* publication_mtx; jobs of this unit under way */
	bool done;		   /* publication_mtx */
};

struct unit *unit_new(struct publication *p); /* NULL without memory */
void unit_free(struct unit *u);		      /* not its items */
void unit_add(struct unit *u, struct item *item);
bool unit_is_done(struct unit *u);
/* By the worker that ends it. */
void unit_finish(struct unit *u);
/* Sets object and members from the index's record if all its blobs are in the store.
 * ERR_CORRUPT and what the store met: then the content has to be read. */
int unit_adopt(struct unit *u, struct scratch *x);
/* Of items without an rc. The record to be remembered, appended. ERR_NO_MEMORY. */
int unit_record(const struct unit *u, struct bytes *out);

#endif
