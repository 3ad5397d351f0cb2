/* SPDX-License-Identifier: MIT */
/*
 * What a check of a store is asked to do, and how it tells what it found: for store_check.h
 * and its parts. Values; threads as the members say.
 */
#ifndef CAIRN_PUBLISH_CHECK_OPTIONS_H
#define CAIRN_PUBLISH_CHECK_OPTIONS_H

#include "publish/signers.h"
#include "publish/store.h"

/* So many rotten blobs are looked up in all revisions' files; more are named and counted.
 */
#define CHECK_ROTTEN_MAX 65536

enum check_about {
	CHECK_MANIFEST, /* manifest.json */
	CHECK_REVISION,
	CHECK_TAG,
	CHECK_PAGE,
	CHECK_RECIPE,
	CHECK_CHUNK,	    /* the profile, too */
	CHECK_FILE,	    /* that a rotten blob hits */
	CHECK_FILES,	    /* those of a rotten page */
	CHECK_UNREFERENCED, /* a blob */
};

struct check_finding {
	enum check_about about;
	int code;	   /* what is wrong: 0: nothing, of CHECK_UNREFERENCED */
	const char *path;  /* below the store; of a file, that of the rotten blob */
	uint64_t revision; /* of a file or a manifest; 0: none */
	struct span name;  /* a file's path in the dataset */
	uint64_t size;	   /* bytes: of an unreferenced blob; CHECK_FILES: entries */
	bool mended;
	const char *text; /* a sentence */
};

struct store_check_counts {
	uint64_t revisions, tags, blobs; /* looked at */
	uint64_t bytes;			 /* of these blobs, as stored */
	uint64_t total_bytes;		 /* of the newest revision, about; 0: not known */
	uint64_t read;			 /* blobs that were decoded */
	uint64_t rotten, mended;	 /* files of the store */
	uint64_t files;			 /* that are hit, in all revisions */
	uint64_t unreferenced, unreferenced_bytes;
	bool listed; /* what nothing refers to was looked for */
};

struct store_check_options {
	struct store *store; /* to mend: with its lock */
	struct signers trust;
	unsigned percent; /* of the chunks are decoded; 0: none, 100: all */
	unsigned jobs;	  /* threads */
	uint64_t memory;  /* bytes for what was met; 0: 128 MiB */
	bool repair;
	struct store *from; /* a mirror to mend from; NULL: `mirrors` is asked for one */
	int source;	    /* a directory to mend from; -1: none */
	/* All on any thread, one at a time; may be NULL, but for `say`. */
	void (*say)(void *ctx, const struct check_finding *f);
	/* Opens the mirrors of a manifest, to be closed by the check. ERR_ABSENT. */
	int (*mirrors)(void *ctx, const struct manifest *m, struct store **out);
	/* On the caller's thread. */
	void (*progress)(void *ctx, const struct store_check_counts *counts);
	void *ctx;
};

#endif
