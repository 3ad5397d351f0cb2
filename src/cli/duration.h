/* SPDX-License-Identifier: MIT */
/* Durations as people read them. Pure. */
#ifndef CAIRN_CLI_DURATION_H
#define CAIRN_CLI_DURATION_H

#include <stdint.h>

#define DURATION_TEXT 32
/* "850 ns", "12 us", "3.4 ms", "1.2 s", from a minute on as below; returns `text`. */
const char *duration_text(uint64_t ns, char text[DURATION_TEXT]);
/* "45 s", "12 min", "3 h 5 min", "2 d 4 h"; returns `text`. */
const char *duration_seconds_text(uint64_t seconds, char text[DURATION_TEXT]);

/* "90s", "15min", "12h", "30d", "8w", "1y" (365 days), or several, the largest first:
 * "1d12h". ERR_INVALID, also of what is more than a thousand years. */
int duration_parse(const char *text, uint64_t *seconds);

#endif
