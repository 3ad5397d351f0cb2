/* SPDX-License-Identifier: MIT */
/*
 * Goes through a table in key order for someone who takes his time: rows are copied out
 * of short transactions, so that no old page is held while he prints or reads. Belongs to
 * one thread.
 */
#ifndef CAIRN_CACHE_META_SCAN_H
#define CAIRN_CACHE_META_SCAN_H

#include "cache/meta/table.h"

struct scan;
/* NULL without memory. */
struct scan *scan_new(struct metadata *m, enum table table);
void scan_free(struct scan *s);
/* The next row, its value checked and without the checksum; rotten ones are passed over.
 * Both borrowed until the next call. ERR_ABSENT at the end. */
int scan_next(struct scan *s, struct span *key, struct span *value);

#endif
