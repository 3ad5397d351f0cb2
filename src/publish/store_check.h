/* SPDX-License-Identifier: MIT */
/*
 * Is a store what it says it is? Reads every manifest, tag, page and recipe, compares size
 * and frame of every chunk, or decodes and hashes it; says what is rotten, which files of
 * which revisions that hits, and what nothing refers to; mends what it can from a mirror,
 * or from a directory that has the bytes. Blocking; threads of its own look at chunks.
 * Memory is bounded, whatever the store's size; the walk is made in several passes if need
 * be.
 */
#ifndef CAIRN_PUBLISH_STORE_CHECK_H
#define CAIRN_PUBLISH_STORE_CHECK_H

#include "publish/check_options.h"

/* 0 when all could be looked at, whatever was found: out->rotten > out->mended, then there
 * is something to mend. *out is set in any case. */
int store_check(const struct store_check_options *options, struct store_check_counts *out,
	struct trouble *t);

#endif
