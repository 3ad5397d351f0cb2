/* SPDX-License-Identifier: MIT */
/*
 * A bar with amount, rate and time left, on stderr when that is a terminal, and only once
 * the wait has lasted a second: for publish, prefetch, get and cache verify. One thread at
 * a time. All functions take NULL.
 */
#ifndef CAIRN_CLI_PROGRESS_H
#define CAIRN_CLI_PROGRESS_H

#include <stdint.h>

struct progress;
/* NULL when stderr is no terminal. `what` is borrowed: "prefetch". */
struct progress *progress_new(const char *what);
/* Bytes; `total` 0: not known. `extra` (may be NULL) stands behind. Cheap: draws a few
 * times a second at most. */
void progress_set(struct progress *p, uint64_t done, uint64_t total, const char *extra);
/* Wipes the line and frees. */
void progress_end(struct progress *p);

#endif
