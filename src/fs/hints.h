/* SPDX-License-Identifier: MIT */
/*
 * What somebody asks for ahead of need: a list that is filled from an attempt and then sent
 * to the source, where nobody waits for it. On one thread's stack.
 */
#ifndef CAIRN_FS_HINTS_H
#define CAIRN_FS_HINTS_H

#include <stdbool.h>

#include "cache/attempt.h"
#include "source/source.h"

#define HINTS_MAX 128 /* blobs; what is beyond it is not asked for */

struct hints {
	unsigned count;
	struct want wants[HINTS_MAX];
};

bool hints_full(const struct hints *h);
void hints_add(struct hints *h, const struct want *want);
/* All that the attempt has found to be missing. */
void hints_add_missing(struct hints *h, const struct attempt *a);
/* Empties the list. */
void hints_send(struct hints *h, struct source *source);

#endif
