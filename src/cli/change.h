/* SPDX-License-Identifier: MIT */
/*
 * What became of an entry between two revisions: of which kind the change is, and what of
 * the entry it is about. For `cairn diff`. Pure; any thread.
 */
#ifndef CAIRN_CLI_CHANGE_H
#define CAIRN_CLI_CHANGE_H

#include <stdbool.h>

#include "format/entry.h"

/* The first of these that is so. */
enum change_kind {
	CHANGE_ADDED,
	CHANGE_REMOVED,
	CHANGE_TYPE,	   /* another thing of that name */
	CHANGE_CONTENT,	   /* bytes, holes, a link's target, a device's number */
	CHANGE_ATTRIBUTES, /* all the rest */
	CHANGE_KINDS
};

/* Bits: what differs, when there is one before and one after of a type. */
enum change_part {
	CHANGED_SIZE = 1,
	CHANGED_DATA = 2,
	CHANGED_HOLES = 4,
	CHANGED_TARGET = 8,
	CHANGED_DEVICE = 16,
	CHANGED_MODE = 32,
	CHANGED_OWNER = 64,
	CHANGED_MTIME = 128,
	CHANGED_XATTRS = 256,
	CHANGED_LINKS = 512, /* how many names, or with which others */
};

struct change {
	enum change_kind kind;
	unsigned parts;
};

/* One of the two may be NULL. */
struct change change_of(const struct entry *before, const struct entry *after);
/* "added", "content", ...; static. */
const char *change_kind_text(enum change_kind kind);
/* The name of the lowest bit of *parts, which is taken off; NULL when none is left. */
const char *change_part_text(unsigned *parts);

#endif
