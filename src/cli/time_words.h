/* SPDX-License-Identifier: MIT */
/*
 * Points in time as people and scripts write them: "2026-11-27", "2026-11-27T06:14:01Z",
 * "2026-11-27 06:14:01.5+01:00", "@1795760000". Without a zone it is UTC, so that the same
 * words mean the same everywhere. Pure.
 */
#ifndef CAIRN_CLI_TIME_WORDS_H
#define CAIRN_CLI_TIME_WORDS_H

#include <stdint.h>

/* Seconds since 1970, and nanoseconds (0..999999999) after them. ERR_INVALID. */
int time_words_parse(const char *text, int64_t *seconds, uint32_t *nanoseconds);

#endif
