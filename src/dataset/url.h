/* SPDX-License-Identifier: MIT */
/*
 * The one spelling of a store's URL, under which keys are pinned and states remembered.
 * Pure.
 */
#ifndef CAIRN_DATASET_URL_H
#define CAIRN_DATASET_URL_H

#include "util/error.h"

/* Scheme and host in lower case, the scheme's own port left out, no '/' at the end; the
 * manifest's URL becomes its directory's, an absolute path a file:// URL with whatever is
 * special in one percent-encoded. Heap, the caller's. ERR_INVALID: neither a URL of a
 * scheme that we read nor an absolute path. */
int url_normalise(const char *given, char **out, struct trouble *t);

#endif
