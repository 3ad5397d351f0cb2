/* SPDX-License-Identifier: MIT */
/*
 * What becomes of manifest.json between the server and a reader: is it an old one, are all
 * nodes of the site agreed on it, is it sent again to who has it? See site_check.h.
 */
#ifndef CAIRN_DATASET_SITE_CACHES_H
#define CAIRN_DATASET_SITE_CACHES_H

#include "dataset/site.h"

/* `first`: what a plain question for the manifest was answered, which is s->manifest. */
void site_look_at_caches(const struct site *s, const struct probe_answer *first);
void site_look_at_revalidation(const struct site *s, const struct probe_answer *first);

#endif
