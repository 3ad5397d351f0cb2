/* SPDX-License-Identifier: MIT */
/*
 * Who reads an item's content: from items in key order it forms units of work, bundles of
 * small files or one large file, looks each up in the index and hands it to the workers.
 * The pipeline's, on the tool's thread.
 */
#ifndef CAIRN_PUBLISH_DISPATCHER_H
#define CAIRN_PUBLISH_DISPATCHER_H

#include "publish/bundle.h"
#include "publish/index.h"
#include "publish/unit.h"

/* Zero but for the first two, which are borrowed. */
struct dispatcher {
	struct publication *publication;
	struct index *index; /* or NULL */
	struct bundle bundle;
	struct unit *open;	  /* the bundle that is being filled; or NULL */
	struct bytes fingerprint; /* of a unit; kept for its memory */
};

/* Not the units: these go with their items. */
void dispatcher_release(struct dispatcher *d);
/* Sets item->unit when there is content to read, item->unsized, and item->rc where that
 * cannot be found out. Also on failure the item may belong to a unit. ERR_NO_MEMORY. */
int dispatcher_add(struct dispatcher *d, struct item *item);
/* The same, of one that comes out of line: in a unit of its own. */
int dispatcher_add_alone(struct dispatcher *d, struct item *item);
/* Hands over the bundle that is being filled: nothing more comes. */
int dispatcher_finish(struct dispatcher *d);
/* Is the item in the bundle that is being filled? Then nobody is at work on it yet. */
bool dispatcher_holds(const struct dispatcher *d, const struct item *item);

#endif
