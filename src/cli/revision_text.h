/* SPDX-License-Identifier: MIT */
/*
 * A revision as text for people and as JSON for programs: what log, show and diff print.
 * What a manifest says is shown so that a terminal can bear it. The tool's thread; writes
 * to stdout.
 */
#ifndef CAIRN_CLI_REVISION_TEXT_H
#define CAIRN_CLI_REVISION_TEXT_H

#include <jansson.h>

#include "cli/revisions.h"

/* A few lines: number, time, tags, totals, key, message. */
void revision_print_short(const struct revisions *r, const struct known_revision *k);
/* All that is known, a line each. */
void revision_print(const struct revisions *r, const struct known_revision *k);
/* All that is known. The caller's reference; NULL without memory. "tags" is null where they
 * are not told. */
json_t *revision_json(const struct revisions *r, const struct known_revision *k);

#endif
