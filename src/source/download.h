/* SPDX-License-Identifier: MIT */
/*
 * How a blob in flight is brought through its stages (in_flight.h), each a step on a
 * worker's thread: looks in the cache, starts the fetch, decodes what it brought, asks
 * other mirrors when that is wrong, has the base of a delta brought, keeps it, finishes.
 * For source.c, which gives the first two steps to the in-flight table.
 */
#ifndef CAIRN_SOURCE_DOWNLOAD_H
#define CAIRN_SOURCE_DOWNLOAD_H

#include "util/workers.h"

/* LOCAL: the first step of a blob in flight. */
void download_look(struct job *job);
/* DECODING, once more: the base has come (base_content), or failed (error). */
void download_resume(struct job *job);

#endif
