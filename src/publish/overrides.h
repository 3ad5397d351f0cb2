/* SPDX-License-Identifier: MIT */
/*
 * What is published of every name instead of what the file system says: times, owner,
 * group, mode; so that the same contents give the same revision from wherever they are
 * checked out, and by whom. A value; pure.
 */
#ifndef CAIRN_PUBLISH_OVERRIDES_H
#define CAIRN_PUBLISH_OVERRIDES_H

#include "format/entry.h"
#include "publish/mode_change.h"

/* Zero: all is as the file system says. */
struct overrides {
	bool has_mtime, has_uid, has_gid;
	bool clamp; /* only what is newer than the time is given it */
	int64_t mtime;
	uint32_t mtime_nsec;
	uint32_t uid, gid;
	struct mode_change mode;
};

/* `o` may be NULL. */
void overrides_apply(const struct overrides *o, struct entry *e);
/* With a mode of its own an entry has no access control lists: taken out of its packed
 * extended attributes. ERR_NO_MEMORY. */
int overrides_apply_xattrs(const struct overrides *o, struct bytes *xattrs);

#endif
