/* SPDX-License-Identifier: MIT */
/*
 * What a site says of a blob that is not there. Others may have it, and it may come later,
 * so no cache must keep the answer. See site_check.h.
 */
#ifndef CAIRN_DATASET_SITE_MISSING_H
#define CAIRN_DATASET_SITE_MISSING_H

#include "dataset/site.h"

/* As probe_ask(). */
int site_look_at_missing(const struct site *s);

#endif
