/* SPDX-License-Identifier: MIT */
/*
 * Time, in nanoseconds: CLOCK_MONOTONIC for deadlines, CLOCK_REALTIME for people; and its
 * spelling. Any room, any thread.
 */
#ifndef CAIRN_UTIL_CLOCK_H
#define CAIRN_UTIL_CLOCK_H

#include <stddef.h>
#include <stdint.h>

#define NS_PER_SECOND INT64_C(1000000000)
#define NS_PER_MS INT64_C(1000000)
#define DEADLINE_NONE INT64_MAX

/* Nanoseconds since some point in the past, and since 1970. */
int64_t clock_monotonic(void);
int64_t clock_realtime(void);
/* As clock_monotonic(), up to 10 ms behind, for a quarter of its price: no system call, and
 * no look at the processor's counter. */
int64_t clock_coarse(void);
/* RFC 3339 in UTC with seconds, "2026-11-23T06:14:01Z" and a NUL: 21 bytes.
 * Years outside 0000..9999 become the nearest that four digits can spell. */
#define CLOCK_TEXT_SIZE 32
void clock_format(int64_t seconds, char text[CLOCK_TEXT_SIZE]);
/* The same spelling back to seconds since 1970: 0 or ERR_CORRUPT. */
int clock_parse(const char *text, int64_t *seconds);

#endif
