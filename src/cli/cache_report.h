/* SPDX-License-Identifier: MIT */
/* What the cache says of itself, as a whole: verbs of `cairn cache`, for cmd_cache.c. They
 * take no operands. Results: see cache_command.h. */
#ifndef CAIRN_CLI_CACHE_REPORT_H
#define CAIRN_CLI_CACHE_REPORT_H

#include "cli/cache_command.h"

/* Totals, limits, datasets and pins. */
int cache_report_info(struct cache_command *c, struct trouble *t);
/* A page for people, into c->html; as JSON, c->json. EXIT_USE: neither was asked for. */
int cache_report_survey(struct cache_command *c, struct trouble *t);
/* Hashes all that is held. ERR_CORRUPT when something is rotten and `repair` is not set. */
int cache_report_verify(struct cache_command *c, struct trouble *t);

#endif
