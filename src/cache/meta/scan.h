/* SPDX-License-Identifier: MIT */
/*
 * Goes through a table in key order for someone who takes his time: rows are copied out
 * of short transactions, so that no old page is held while the callback prints or reads.
 */
#ifndef CAIRN_CACHE_META_SCAN_H
#define CAIRN_CACHE_META_SCAN_H

#include "cache/state.h"

/* Checked values; rotten ones are skipped. The callback's return other than 0 stops and
 * is returned. */
int scan_table(struct cache *c, enum table table,
	int (*each)(void *arg, struct span key, struct span value), void *arg);

#endif
