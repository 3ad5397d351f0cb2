/* SPDX-License-Identifier: MIT */
/*
 * What the books are told when a cache is opened: the layout is looked at, quota and
 * floor are set, the epoch of trust is entered. One transaction, which writes only when
 * something is to be changed.
 */
#ifndef CAIRN_CACHE_META_SETTINGS_H
#define CAIRN_CACHE_META_SETTINGS_H

#include "cache/meta/trust_epoch.h"

/* 2: objects and what refers to them are keyed by object id, not by digest alone. */
/* 3: rows of what is not known to be flushed. */
/* 4: the number of each object's file. */
#define CACHE_LAYOUT 4

struct settings {
	bool set_quota, set_floor; /* else they stay as they are */
	uint64_t quota, floor;	   /* bytes, to be set */
	struct trust_epoch epoch;  /* in: boot; out: generation */
	bool clean;		   /* out: nothing marked is in doubt */
	bool alone;		   /* in: nobody else uses the cache now */
	bool others; /* in, when alone: other books than the files' (last_books.h) */
	bool newer;  /* out: the layout is of a newer program */
	bool older;  /* out: it was of an older one: emptied but for datasets */
};
/* ERR_UNSUPPORTED: `newer`; ERR_BUSY: `older`, and not alone; ERR_CORRUPT: no layout of
 * ours; ERR_TIMEOUT. */
int settings_enter(struct metadata *m, int64_t deadline, struct settings *s);

#endif
