/* SPDX-License-Identifier: MIT */
/*
 * How far something has come, in one line that is as wide as there is room for. Pure.
 */
#ifndef CAIRN_CLI_PROGRESS_LINE_H
#define CAIRN_CLI_PROGRESS_LINE_H

#include <stdbool.h>
#include <stdint.h>

#define PROGRESS_COLUMNS_MAX 512

struct progress_state {
	const char *what;     /* "prefetch" */
	const char *note;     /* what it does just now: ASCII; or NULL */
	uint64_t done, total; /* bytes; total 0: not known */
	double rate;	      /* bytes a second, lately; below 0: not known yet */
};

/* Of at most `columns` columns, ASCII: what is least worth knowing is left out first, and a
 * bar takes what room is left. */
void progress_line(const struct progress_state *s, unsigned columns,
	char line[PROGRESS_COLUMNS_MAX + 1]);

#endif
