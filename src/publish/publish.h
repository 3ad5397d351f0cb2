/* SPDX-License-Identifier: MIT */
/*
 * Publishes a directory as a new revision of a store: walk -> read, chunk, hash ->
 * already there? -> compress -> write -> pages -> manifest last. Blocking: called on
 * the tool's thread, starts and joins its own. Memory is bounded by `memory`.
 */
#ifndef CAIRN_PUBLISH_PUBLISH_H
#define CAIRN_PUBLISH_PUBLISH_H

#include <stdbool.h>
#include <stdint.h>

#include "format/manifest.h"
#include "format/profile.h"
#include "publish/comparison.h"
#include "publish/ignore.h"
#include "publish/overrides.h"
#include "publish/progress.h"
#include "publish/unreadable.h"
#include "util/error.h"
#include "util/log.h"

struct publish_options {
	const char *source;  /* directory */
	const char *store;   /* directory, made when missing */
	const char *name;    /* NULL: the store's, else the source's base name */
	const char *message; /* or NULL */
	const char *const *tags;
	size_t tag_count;
	const char *const *mirrors; /* base URLs for the manifest; NULL: as before */
	size_t mirror_count;
	int64_t expires;  /* seconds since 1970; 0: never */
	bool has_created; /* else it is now */
	int64_t created;  /* seconds since 1970, for the manifest */
	const struct private_key *key;
	const char *index_dir; /* index of unchanged files; NULL: none */
	unsigned jobs;	       /* 0: the number of processors */
	uint64_t memory;       /* bytes; fewer jobs where it is too little for them; 0: 256
				* MiB, or what that many jobs need */
	int level;	       /* zstd's; 0: 3 */
	/* What programs read when they start, stored with the revision; NULL: what the last
	 * revision had, unless no_profile. Borrowed. */
	const struct profile *profile;
	bool no_profile;
	bool verify;  /* decode each blob that is there already, before it is relied on */
	bool new_key; /* the store's manifest is signed by another key: replace it */
	bool one_file_system;		   /* do not cross mount points */
	const struct ignore *ignore;	   /* what is left out; or NULL */
	const struct overrides *overrides; /* or NULL */
	/* Names that cannot be read are put here, also when it fails for them; NULL: they
	 * are told of in the error alone. */
	struct unreadable *unreadable;
	bool skip_unreadable;  /* publish without them */
	const char *temporary; /* directory for temporary files; NULL: /tmp */
	/* Write nothing anywhere, but say what would change. No key is needed then. */
	bool dry_run;
	/* Called on the tool's thread of each change, when dry_run; may be NULL. */
	comparison_fn change;
	void *change_ctx;
	struct log *log;
	/* Called on the tool's thread a few times a second; may be NULL. */
	void (*progress)(void *ctx, const struct publish_progress *p);
	void *ctx;
};

struct publish_result {
	uint64_t revision; /* the one that there would be, when dry_run */
	bool unchanged;	   /* nothing differs: the revision that was there stands */
	struct digest root;
	struct totals totals;
	uint64_t new_blobs, new_bytes; /* written by this call; bytes as stored */
	uint64_t delta_blobs;
	uint64_t damaged_blobs; /* were found in the store, and written anew */
	uint64_t read_bytes;	/* file data that had to be read */
	uint64_t vanished;	/* names that were gone when it was their turn */
	int64_t took_ns;
};

/* Every failure leaves the store's last revision as it was. Names that cannot be read are
 * an error, with the code of the first, once all have been met; ERR_CHANGED: one would not
 * hold still. ERR_BUSY: another publisher has the store's lock. */
int publish(const struct publish_options *options, struct publish_result *out,
	struct trouble *t);

#endif
