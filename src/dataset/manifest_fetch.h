/* SPDX-License-Identifier: MIT */
/*
 * The bytes of a manifest: the newest, that of a revision, that of a tag; from the store,
 * or the last accepted one from the cache when the store cannot be reached. Checks no
 * signature: that is for dataset.c, which calls this. Blocking; one thread.
 */
#ifndef CAIRN_DATASET_MANIFEST_FETCH_H
#define CAIRN_DATASET_MANIFEST_FETCH_H

#include "cache/dataset_state.h"
#include "source/source.h"

struct manifest_fetch {
	/* Set by the caller, borrowed: */
	struct source *source;
	const char *url;   /* normalised */
	uint64_t revision; /* 0: the newest */
	const char *tag;   /* that one's revision; or NULL */
	bool offline;	   /* asks no server */
	/* Accepted under that URL; with a tag, what that was on. NULL: none. */
	const struct dataset_record *last;
	uint64_t avoid;	  /* bit per mirror that is not to be asked */
	int64_t deadline; /* CLOCK_MONOTONIC ns */
	/* The result; zero before: */
	struct bytes text;
	struct bytes tag_text; /* when a tag was asked for */
	char etag[FETCH_ETAG_MAX];
	bool vouched;	   /* a tag is there, and says that what is asked for exists */
	int mirror;	   /* that answered last, or -1 */
	bool from_cache;   /* the store is not to be had: `why` */
	bool has_stand_in; /* for somebody else answers in its place */
	struct trouble why;
};

/* What was asked for. Errors with a sentence; those of the fetcher, and ERR_ABSENT,
 * ERR_CORRUPT. */
int manifest_fetch(struct manifest_fetch *m, struct trouble *t);
void manifest_fetch_release(struct manifest_fetch *m);

#endif
