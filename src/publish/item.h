/* SPDX-License-Identifier: MIT */
/*
 * An entry on its way from the walk to its page. The walk's (the tool's thread) but while
 * its unit of work (unit.h) is with the workers: then what the unit's members hold is the
 * worker's.
 */
#ifndef CAIRN_PUBLISH_ITEM_H
#define CAIRN_PUBLISH_ITEM_H

#include "publish/content.h"
#include "publish/overrides.h"
#include "publish/walk.h"

struct unit;
struct item {
	struct item *next;   /* in key order */
	struct item *member; /* the next of its unit */
	struct unit *unit;   /* NULL: no content to read */
	bool leads;	     /* the first of its hard-link group that was met */
	bool follows;	     /* the leader of its group gives all but the name */
	bool unsized;	     /* a file whose size says nothing (content.h) */
	bool again;	     /* another item has taken its place (recheck.h) */
	unsigned tries;	     /* how often it was looked at again (recheck.h) */
	int rc;		     /* why it cannot be published; ERR_ABSENT: it vanished */
	const char *why;     /* of rc, a constant; or NULL: error_text() */
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
/* Sets all of the entry that is not content, but for the links, from where the walk is.
 * `o` (may be NULL) says what else. When it is about the item that this fails, item->rc
 * and item->why say so: ERR_ABSENT, ERR_UNSUPPORTED, ERR_LIMIT, ERR_CHANGED, ERR_DENIED. */
int item_read_attributes(
	struct item *item, const struct walk_entry *e, const struct overrides *o);
/* The same of a name whose leader gives all the rest. */
void item_read_type(struct item *item);
/* Takes over the state in which the content was read, if it is another than the walk
 * saw: stat fields and extended attributes. *again tells whether it was. */
int item_refresh(
	struct item *item, const struct content *c, const struct overrides *o, bool *again);
/* The content's columns and the size, but for the object and the offset. ERR_NO_MEMORY. */
int item_set_content(struct item *item, const struct content *c,
	const struct extents_made *runs, const struct digest *content);

#endif
