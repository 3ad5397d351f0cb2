/* SPDX-License-Identifier: MIT */
/* The treemap of a dataset, as an SVG within a page. Pure memory. */
#ifndef CAIRN_CLI_REPORT_MAP_H
#define CAIRN_CLI_REPORT_MAP_H

#include "cli/html.h"
#include "cli/size_tree.h"

/* How long ago it was used, as report_style.h colours it: 0 to 4. */
unsigned report_age(int64_t last_use, int64_t now);
/* `now`: seconds since 1970. */
void report_map(struct html *h, const struct size_node *root, int64_t now);

#endif
