/* SPDX-License-Identifier: MIT */
/*
 * What the books are told when a cache is opened: the layout is looked at, quota and
 * floor are set, the epoch of trust is entered. One transaction.
 */
#ifndef CAIRN_CACHE_META_SETTINGS_H
#define CAIRN_CACHE_META_SETTINGS_H

#include "cache/meta/trust_epoch.h"

#define CACHE_LAYOUT 1

struct settings {
	bool set_quota, set_floor; /* else they stay as they are */
	uint64_t quota, floor;	   /* bytes, to be set */
	struct trust_epoch epoch;  /* in: boot; out: generation */
	bool clean;		   /* out: nothing marked is in doubt */
	bool newer;		   /* out: the layout is of a newer program */
};
/* ERR_UNSUPPORTED: `newer`; ERR_CORRUPT: no layout of ours; ERR_TIMEOUT. */
int settings_enter(struct metadata *m, int64_t deadline, struct settings *s);

#endif
