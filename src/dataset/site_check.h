/* SPDX-License-Identifier: MIT */
/*
 * Is a live site as a store's readers need it? Asks for the manifest, a page and a file
 * that is not there, in several ways, and judges what the server and the caches before it
 * make of them: freshness, ranges, encodings, clocks, certificates. What a reader gets
 * wrong bytes from is found by reading (dataset.h); this is about what makes readers slow,
 * or late. Blocking; any thread.
 */
#ifndef CAIRN_DATASET_SITE_CHECK_H
#define CAIRN_DATASET_SITE_CHECK_H

#include "dataset/site.h"
#include "util/error.h"

/* 0 when all could be asked, whatever was found; ERR_INVALID, ERR_NO_MEMORY, and what
 * credentials_apply() says, with a sentence. */
int site_check(const struct site_options *options, struct trouble *t);

#endif
