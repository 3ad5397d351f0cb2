/* SPDX-License-Identifier: MIT */
/*
 * How far a publish has come, as its user is told: made by the pipeline, handed through
 * publish.h to whoever asked. A value; the tool's thread alone.
 */
#ifndef CAIRN_PUBLISH_PROGRESS_H
#define CAIRN_PUBLISH_PROGRESS_H

#include <stdbool.h>
#include <stdint.h>

#include "util/clock.h"

#define PUBLISH_REPORT_EVERY (200 * NS_PER_MS)

struct publish_progress {
	bool counting;	 /* the totals are not known yet: they rise */
	bool recovering; /* `entries`: blobs looked at that an interrupted publish left */
	uint64_t entries, entries_total; /* totals: from the counting walk */
	uint64_t bytes, bytes_total;	 /* of file data, read or known unchanged */
	uint64_t new_bytes;		 /* stored so far */
};

#endif
