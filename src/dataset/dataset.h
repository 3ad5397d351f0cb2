/* SPDX-License-Identifier: MIT */
/*
 * A dataset opened for reading: its source and the manifest that was fetched, checked
 * against the pinned key, the highest revision seen, and its expiry. Blocking; used at
 * start-up by mounts and by tools, after any fork. The struct is immutable once opened.
 */
#ifndef CAIRN_DATASET_DATASET_H
#define CAIRN_DATASET_DATASET_H

#include "dataset/opened.h"

/* The last accepted manifest stands in for the newest (or for the very revision asked for)
 * when the server cannot be reached, and for the newest when all mirrors offer an older
 * one, with a warning in the log. An older revision or tag than seen before, when there is
 * no such manifest, and a passed expiry are refused unless a revision was asked for by its
 * number. ERR_UNREACHABLE, ERR_ABSENT (not a store), ERR_CORRUPT, ERR_UNSUPPORTED,
 * ERR_UNTRUSTED, ERR_ROLLBACK, ERR_EXPIRED, ... with a sentence that says what to do. */
int dataset_open(struct engine *e, const struct dataset_options *options,
	struct dataset **out, struct trouble *t);
void dataset_close(struct dataset *d);

#endif
