/* SPDX-License-Identifier: MIT */
/*
 * A survey of the cache as one HTML page that needs nothing else: no script, no resource,
 * one style sheet that its policy names by digest. Its size is bounded by the survey's.
 * Pure memory.
 */
#ifndef CAIRN_CLI_REPORT_PAGE_H
#define CAIRN_CLI_REPORT_PAGE_H

#include "cli/html.h"
#include "cli/survey.h"

/* `directory`: the cache's; `now`: seconds since 1970. What went wrong is in h->rc. */
void report_page(
	struct html *h, const struct survey *s, const char *directory, int64_t now);

#endif
