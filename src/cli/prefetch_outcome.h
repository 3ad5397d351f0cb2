/* SPDX-License-Identifier: MIT */
/*
 * What came of a prefetch, as it is told: what is in the cache now, and what is not and
 * why. The tool's thread.
 */
#ifndef CAIRN_CLI_PREFETCH_OUTCOME_H
#define CAIRN_CLI_PREFETCH_OUTCOME_H

#include "cli/reader.h"

struct prefetch_outcome {
	uint64_t entries, bytes;   /* asked for: all, and those of files */
	uint64_t present, fetched; /* bytes that are in the cache now; that came */
	uint64_t failures;	   /* pieces that did not come, or were not kept */
	uint64_t missing, lacking; /* bytes that are not in the cache; files they are of */
	bool pages_missing;	   /* not all names and attributes are there */
	int error;		   /* why something was not kept; 0: nobody knows */
	double seconds;
};

/* How much of a file is not in the cache. */
int prefetch_outcome_look(struct reader *r, const struct entry *e, uint64_t *missing);
bool prefetch_outcome_is_good(const struct prefetch_outcome *o);
/* The summary to stdout, what is missing to stderr. */
void prefetch_outcome_print(const struct prefetch_outcome *o, struct reader *r, bool json);

#endif
