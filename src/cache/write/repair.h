/* SPDX-License-Identifier: MIT */
/*
 * After something went wrong (a user of the cache was killed, a record was rotten):
 * counts the totals again from the records, and removes files that no record knows and
 * whose maker is dead. On the writer's thread.
 */
#ifndef CAIRN_CACHE_WRITE_REPAIR_H
#define CAIRN_CACHE_WRITE_REPAIR_H

#include "cache/write/write_context.h"

void repair_run(struct write_context *x);

#endif
