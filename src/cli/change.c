/* SPDX-License-Identifier: MIT */
#include <config.h>

#include "cli/change.h"

#include <string.h>

static bool same_holes(const struct entry *a, const struct entry *b)
{
	if (a->extent_count != b->extent_count)
		return false;
	return a->extent_count == 0 ||
	       memcmp(a->extents, b->extents,
		       (size_t)a->extent_count * EXTENT_RECORD_SIZE) == 0;
}

static unsigned content_parts(const struct entry *a, const struct entry *b)
{
	bool same_data = a->has_content == b->has_content &&
			 (!a->has_content || digest_equal(&a->content, &b->content));
	unsigned parts = 0;

	parts |= a->size != b->size ? CHANGED_SIZE : 0;
	parts |= same_data ? 0 : CHANGED_DATA;
	parts |= same_holes(a, b) ? 0 : CHANGED_HOLES;
	parts |= span_equal(a->target, b->target) ? 0 : CHANGED_TARGET;
	parts |= a->major != b->major || a->minor != b->minor ? CHANGED_DEVICE : 0;
	return parts;
}

static unsigned attribute_parts(const struct entry *a, const struct entry *b)
{
	bool same_time = a->mtime == b->mtime && a->mtime_nsec == b->mtime_nsec;
	unsigned parts = 0;

	parts |= a->mode != b->mode ? CHANGED_MODE : 0;
	parts |= a->uid != b->uid || a->gid != b->gid ? CHANGED_OWNER : 0;
	parts |= same_time ? 0 : CHANGED_MTIME;
	parts |= span_equal(a->xattrs, b->xattrs) ? 0 : CHANGED_XATTRS;
	parts |= a->links != b->links || a->inode != b->inode ? CHANGED_LINKS : 0;
	return parts;
}

struct change change_of(const struct entry *before, const struct entry *after)
{
	struct change c = {.kind = CHANGE_ATTRIBUTES};

	if (!before || !after) {
		c.kind = before ? CHANGE_REMOVED : CHANGE_ADDED;
		return c;
	}
	if (before->type != after->type) {
		c.kind = CHANGE_TYPE;
		return c;
	}
	c.parts = content_parts(before, after);
	if (c.parts)
		c.kind = CHANGE_CONTENT;
	c.parts |= attribute_parts(before, after);
	return c;
}

const char *change_kind_text(enum change_kind kind)
{
	static const char *const texts[CHANGE_KINDS] = {
		"added", "removed", "type", "content", "attributes"};

	return texts[kind];
}

const char *change_part_text(unsigned *parts)
{
	static const char *const texts[] = {"size", "data", "holes", "target", "device",
		"mode", "owner", "mtime", "xattrs", "links"};

	for (unsigned i = 0; i < sizeof texts / sizeof texts[0]; i++) {
		if (!(*parts >> i & 1))
			continue;
		*parts &= ~(1u << i);
		return texts[i];
	}
	return NULL;
}
