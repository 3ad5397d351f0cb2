/* SPDX-License-Identifier: MIT */
/*
 * A check of a store under way, for the parts of store_check.h. What does not say
 * otherwise is the caller's thread's.
 */
#ifndef CAIRN_PUBLISH_CHECK_RUN_H
#define CAIRN_PUBLISH_CHECK_RUN_H

#include <pthread.h>

#include "publish/digest_set.h"
#include "publish/check_options.h"
#include "publish/store_names.h"

/* A blob that could not be mended. */
struct rotten_blob {
	struct digest digest;
	enum check_about about;
};

struct check_run {
	const struct store_check_options *o;
	struct store *from;	 /* to mend from; NULL: there is none */
	bool own_from;		 /* opened by `mirrors` */
	struct manifest *newest; /* NULL: manifest.json is no good */
	struct bytes newest_text;
	struct signers signers;	    /* of all that was found good */
	struct store_revisions all; /* those that are good */
	int64_t reported;	    /* CLOCK_MONOTONIC ns */

	pthread_mutex_t check_mtx; /* all below; held while `say` is told */
	struct store_check_counts *counts;
	struct digest_set bases; /* of deltas */
	bool bases_left_out;	 /* it is full */
	struct rotten_blob *rotten;
	size_t rotten_count, rotten_capacity;
};

/* Any thread: counts it and says it. */
void check_say(struct check_run *c, const struct check_finding *f);
/* The same of a small file of the store that is not as it should be. */
void check_say_file(struct check_run *c, enum check_about about, const char *path,
	uint64_t revision, bool mended, const struct trouble *t);
/* Is it of the blob, rather than of the way to it? */
bool check_is_rot(int rc);
void check_report(struct check_run *c);
/* The manifest of one of `all`. */
int check_load(
	struct check_run *c, uint64_t number, struct manifest **out, struct trouble *t);

/* check_documents.c: manifest, revisions and tags. */
int check_documents(struct check_run *c, struct trouble *t);
/* check_blobs.c: all that the revisions name, then what none does. */
int check_blobs(struct check_run *c, struct trouble *t);
/* check_impact.c: which files are hit by what is rotten. */
int check_impact(struct check_run *c, struct trouble *t);
/* check_rebuild.c: mends chunks from c->o->source; what is mended is no more in c->rotten.
 */
int check_rebuild(struct check_run *c, struct trouble *t);

#endif
