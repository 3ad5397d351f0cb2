/* SPDX-License-Identifier: MIT */
/*
 * Other revisions of a dataset that is open: is there a newer one? For mounts, that follow
 * theirs and show others.
 * Blocking; any thread.
 */
#ifndef CAIRN_DATASET_REFRESH_H
#define CAIRN_DATASET_REFRESH_H

#include "dataset/opened.h"

/* Asks the server, as dataset_open() did with those options, for what is newest now (or for
 * what the tag is on), and checks it as that did: it must be of the same dataset by the
 * same key as well. *out: its manifest, to be freed; NULL when it is still `revision`. What
 * is accepted is remembered as if it had been opened. Errors of dataset_open(), with a
 * sentence; ERR_UNREACHABLE when only the cache could answer. */
int dataset_refresh(struct dataset *d, const struct dataset_options *options,
	uint64_t revision, struct manifest **out, struct trouble *t);
/* The manifest of another revision of the dataset that is open: of the one, or of the tag,
 * that the options ask for, else the newest; checked as above. What the options ask for
 * beyond that is not looked at: the URL is the dataset's. Others may call these meanwhile.
 */
int dataset_bring(struct dataset *d, const struct dataset_options *options,
	struct manifest **out, struct trouble *t);
/* For the end: whoever waits in these, in source_run() of that dataset, or for a get of its
 * engine's fetcher, waits no longer (ERR_INTERRUPTED). Any thread. */
void dataset_end_waits(struct dataset *d);

#endif
