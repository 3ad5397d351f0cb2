/* SPDX-License-Identifier: MIT */
/*
 * A name looked at again, because what the walk saw there is not what was there when its
 * content was read: another file, or the same one longer than its place in a bundle. By
 * the pipeline, on the tool's thread.
 */
#ifndef CAIRN_PUBLISH_RECHECK_H
#define CAIRN_PUBLISH_RECHECK_H

#include "publish/item.h"

/* How often for one name. */
#define RECHECK_TRIES 3

/* What is at old->path below `root` by now, as item_read_attributes() has it (item->rc may
 * say what is the matter), no symlink on the way. ERR_ABSENT when nothing is. ERR_CHANGED
 * when it was looked at often enough, when a large file still changes, and when it is a
 * directory: the walk has passed. Other errors as of fstatat(2). */
int recheck_item(
	int root, const struct item *old, const struct overrides *o, struct item **out);

#endif
