/* SPDX-License-Identifier: MIT */
/*
 * The revisions of a dataset, for the commands that look at its history: of a store on this
 * machine, which is read as it lies, or of a URL, through the reader that all commands
 * share, with its pinned key, what was seen before, its limits and its cache. One thread;
 * blocking.
 */
#ifndef CAIRN_CLI_REVISIONS_H
#define CAIRN_CLI_REVISIONS_H

#include "cli/reader.h"
#include "publish/store_names.h"
#include "tree/diff.h"

/* The shared options but for --revision and --tag: which one is an argument. */
#define REVISIONS_OPTIONS_HELP READER_TRUST_HELP, READER_SERVER_HELP

/* One of them, with a key that has signed it. */
struct known_revision {
	struct manifest *manifest; /* owned */
	struct public_key key;
};
void known_revision_release(struct known_revision *k);

struct placed_tag {
	char name[TAG_NAME_MAX + 1];
	uint64_t revision;
	int64_t created; /* seconds since 1970 */
	struct public_key key;
};

struct revisions {
	struct store *store; /* on this machine; else NULL, and then: */
	struct reader reader;
	const struct reader_options *options;
	uint64_t newest;
	struct store_revisions numbers; /* of the store */
	struct placed_tag *tags; /* of the store, by name; a URL does not tell them */
	size_t tag_count;
	unsigned unread_tags; /* each was said in the log */
};

/* `which`: a number, a tag's name, or NULL for the newest; *out is that one, whose manifest
 * is what the reader of a URL opens, so that a number shows also what has expired. `o` is
 * borrowed. With a sentence. */
int revisions_open(struct revisions *r, const char *given, const char *which,
	struct reader_options *o, struct known_revision *out, struct trouble *t);
void revisions_close(struct revisions *r);
/* Another one of them; `which` as above. */
int revisions_find(struct revisions *r, const char *which, struct known_revision *out,
	struct trouble *t);
int revisions_get(struct revisions *r, uint64_t number, struct known_revision *out,
	struct trouble *t);
/* The next one down from *number, which moves there, also when it cannot be used. Where a
 * server has to be asked for each, at most so many that are gone, one after the other, are
 * passed over. ERR_ABSENT: there is none. */
#define REVISIONS_GAP_MAX 10000
int revisions_next(struct revisions *r, uint64_t *number, struct known_revision *out,
	struct trouble *t);
/* tree_diff(), by whichever holds the pages. `each` has to be quick: a transaction of the
 * cache is open. `again`: all that this call has told is to be forgotten, it is told once
 * more. */
struct revisions_diff {
	const struct digest *before, *after;
	struct tree_told *told; /* zero to begin with */
	tree_diff_fn each;
	void (*again)(void *ctx);
	void *ctx;
};
int revisions_diff(struct revisions *r, const struct revisions_diff *d, struct trouble *t);

#endif
