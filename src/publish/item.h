/* SPDX-License-Identifier: MIT */
/*
 * An entry on its way from the walk to its page, and the unit of work that reads its
 * content: a bundle of small files, or one large file. An item is the walk's (the tool's
 * thread) but while its unit is with the workers: from unit_start() until it is done,
 * what the unit's members hold is the worker's. Units are opaque to none: the pipeline
 * assembles what bundle_job.c and object_job.c fill in.
 */
#ifndef CAIRN_PUBLISH_ITEM_H
#define CAIRN_PUBLISH_ITEM_H

#include "publish/content.h"
#include "publish/publication.h"
#include "util/workers.h"

struct item {
	struct item *next;   /* in key order */
	struct item *member; /* the next of its unit */
	struct unit *unit;   /* NULL: no content to read */
	struct item *leader; /* of its hard-link group: gives all but the name */
	bool leads;	     /* kept for the others of its group */
	struct stat st;
	struct entry entry; /* parent and name borrow from `path` */
	struct bytes xattrs, target, extents, list;
	size_t waiting; /* bytes that it was counted for while it is in line */
	size_t path_size;
	char path[]; /* NUL-terminated */
};

/* A copy of the path; the entry's parent and name are set. NULL without memory. */
struct item *item_new(struct span parent, struct span name, const char *path, size_t size);
void item_free(struct item *item);
/* Bytes of memory. */
size_t item_size(const struct item *item);
/* Takes over the state in which the content was read, if it is another than the walk
 * saw: stat fields and extended attributes. *again tells whether it was. */
int item_refresh(struct item *item, const struct content *c, bool *again);
/* The content's columns, but for the object and the offset. */
int item_set_content(
	struct item *item, const struct content *c, const struct digest *content);
/* Copies the object's chunk list from the unit, which will go first. */
int item_own_list(struct item *item);

struct object_read;
struct unit {
	struct job job;
	struct publication *publication;
	bool large;
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
	struct object_read *attempts; /* object_job.c */
	unsigned pending;	      /* publication_mtx; jobs of this unit under way */
	bool done;		      /* publication_mtx */
};

struct unit *unit_new(struct publication *p, bool large); /* NULL without memory */
void unit_free(struct unit *u);				  /* not its items */
void unit_add(struct unit *u, struct item *item);
/* Hands it to the workers. */
void unit_start(struct unit *u);
bool unit_is_done(struct unit *u);
/* By the worker that ends it. */
void unit_finish(struct unit *u);
/* Sets object and members from the index's record if all its blobs are in the store. */
int unit_adopt(struct unit *u, struct scratch *x);
/* The record to be remembered, appended. */
int unit_record(const struct unit *u, struct bytes *out);

void bundle_job_run(struct job *job);
void object_job_run(struct job *job);

#endif
