/* SPDX-License-Identifier: MIT */
/*
 * A dataset that is open, and how it was asked for: dataset.h and refresh.h give and take
 * these.
 */
#ifndef CAIRN_DATASET_OPENED_H
#define CAIRN_DATASET_OPENED_H

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
	/* It is the last accepted manifest, since the server ... */
	bool from_cache;   /* is not to be had, */
	bool has_stand_in; /* for somebody else answers in its place; or */
	bool is_outdated;  /* offers an older one */
};

#endif
