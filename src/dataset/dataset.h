/* SPDX-License-Identifier: MIT */
/*
 * A dataset opened for reading: its source and the manifest that was fetched, checked
 * against the pinned key, the highest revision seen, and its expiry. Blocking; used at
 * start-up by mounts and by tools, after any fork. The struct is immutable once opened.
 */
#ifndef CAIRN_DATASET_DATASET_H
#define CAIRN_DATASET_DATASET_H

#include "source/source.h"
#include "format/manifest.h"

struct dataset_options {
	const char *url;   /* or an absolute path: see url.h */
	const char *trust; /* public key as text, pinned if none is; NULL: the pinned one,
			    * or pin the one that is seen */
	const char *known_keys; /* file; NULL: the user's */
	uint64_t revision;	/* 0: the newest */
	const char *tag;	/* or NULL */
	bool offline;		/* no network: the last accepted manifest */
	int64_t deadline_ns;	/* for the manifest, from now; 0: 60 s */
	bool fetch_first; /* has the pages that a listing of the root directory comes to
			   * brought in, all at once, as soon as the manifest that names
			   * them is accepted; what goes wrong shows when they are read */
};

struct dataset {
	struct source *source;	    /* owned */
	struct manifest *manifest;  /* owned */
	struct bytes manifest_text; /* owned */
	struct public_key key;	    /* that signed it */
	struct digest id;	    /* SHA-256 of key, dataset number and name */
	char *url;		    /* normalised base URL */
	bool newly_pinned;	    /* the key was seen for the first time, and pinned */
	bool from_cache; /* the server could not be reached; last accepted manifest */
};

/* The last accepted manifest stands in for the newest (or for the very revision asked for)
 * when the server cannot be reached, with a warning in the log. An older revision than
 * seen before and a passed expiry are refused unless a revision or tag was asked for by
 * name. ERR_UNREACHABLE, ERR_ABSENT (not a store), ERR_CORRUPT, ERR_UNSUPPORTED,
 * ERR_UNTRUSTED, ERR_ROLLBACK, ERR_EXPIRED, ... with a sentence that says what to do. */
int dataset_open(struct engine *e, const struct dataset_options *options,
	struct dataset **out, struct trouble *t);
void dataset_close(struct dataset *d);

#endif
