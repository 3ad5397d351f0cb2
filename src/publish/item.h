/* SPDX-License-Identifier: MIT */
/*
 * An entry on its way from the walk to its page. The walk's (the tool's thread) but while
 * its unit of work (unit.h) is with the workers: then what the unit's members hold is the
 * worker's.
 */
#ifndef CAIRN_PUBLISH_ITEM_H
#define CAIRN_PUBLISH_ITEM_H

#include "publish/content.h"
#include "publish/walk.h"

struct unit;
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
/* Sets all of the entry that is not content, but for the links, from where the walk is;
 * `source` is for sentences. ERR_UNSUPPORTED, ERR_LIMIT, ERR_CHANGED, ERR_DENIED. */
int item_read_attributes(struct item *item, const struct walk_entry *e, const char *source,
	struct trouble *t);
/* Takes over the state in which the content was read, if it is another than the walk
 * saw: stat fields and extended attributes. *again tells whether it was. */
int item_refresh(struct item *item, const struct content *c, bool *again);
/* The content's columns, but for the object and the offset. */
int item_set_content(
	struct item *item, const struct content *c, const struct digest *content);
/* Copies the object's chunk list from the unit, which will go first. */
int item_own_list(struct item *item);

#endif
