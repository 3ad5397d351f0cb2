/* SPDX-License-Identifier: MIT */
/*
 * The course of a flight through its stages (flight.h), each a step on a worker's thread:
 * looks in the cache, launches the fetch, opens what it brought, asks other mirrors when
 * that is wrong, sends for the base of a delta, stores, lands.
 */
#ifndef CAIRN_SOURCE_DOWNLOAD_H
#define CAIRN_SOURCE_DOWNLOAD_H

#include "source/in_flight.h"

/* LOCAL: a new flight's first step. */
void download_look(struct job *job);
/* DECODING, once more: the base has arrived (base_content), or failed (error). */
void download_resume(struct job *job);

#endif
