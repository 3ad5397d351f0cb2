/* SPDX-License-Identifier: MIT */
/*
 * What was accepted of datasets, so that no server can take it back: the file
 * `known_datasets` beside `known_keys`, where it outlives the cache. One line for each
 * fact:
 *
 *   url URL ID           the dataset that the URL holds
 *   dataset ID REVISION  the highest that was accepted as the newest; 0: it was forgotten
 *   tag ID TAG SECONDS   when the newest tag of that name was made, since 1970
 *
 * Lines that begin otherwise are for people. Written by atomic replacement under the lock
 * of the known keys, waited for until a deadline; on the disk before it counts. `keys` is
 * the path of the known keys. Blocking file I/O; any thread.
 */
#ifndef CAIRN_DATASET_KNOWN_DATASETS_H
#define CAIRN_DATASET_KNOWN_DATASETS_H

#include <stdbool.h>
#include <stdint.h>

#include "util/bytes.h"
#include "util/digest.h"
#include "util/error.h"

#define KNOWN_DATASETS_SIZE_MAX (4u << 20) /* bytes of the file */

/* As it was read. */
struct known_datasets {
	char *path;
	struct bytes text;
	unsigned damaged; /* the number of a line that does not say what it is of; or 0 */
};
/* A file that is not there is empty. With a sentence. */
int known_datasets_load(const char *keys, struct known_datasets *out, struct trouble *t);
void known_datasets_release(struct known_datasets *k);

/* Each: ERR_ABSENT without a sentence; ERR_CORRUPT: the line is not understood, or there is
 * none and it may be the damaged one. */
int known_datasets_revision(const struct known_datasets *k, const struct digest *id,
	uint64_t *out, struct trouble *t);
int known_datasets_by_url(const struct known_datasets *k, const char *url,
	struct digest *out, struct trouble *t);
int known_datasets_tag(const struct known_datasets *k, const struct digest *id,
	const char *tag, int64_t *created, struct trouble *t);
/* Could the file be replaced? */
bool known_datasets_is_writable(const struct known_datasets *k);

/* What was accepted now. Neither a revision nor a tag's time is ever lowered; writes
 * nothing when all of it is known. */
struct accepted {
	const char *url; /* NULL: what it holds is not noted */
	struct digest id;
	uint64_t revision; /* 0: none as the newest */
	const char *tag;   /* or NULL */
	int64_t tag_created;
};
int known_datasets_note(const char *keys, const struct accepted *a, struct trouble *t);
/* What the URL holds, so that the next dataset seen there is accepted; what was seen of the
 * one that it held, *id, goes on counting. ERR_ABSENT. */
int known_datasets_accept(
	const char *keys, const char *url, struct digest *id, struct trouble *t);
/* The URL, and all that is known of the dataset that it holds. ERR_ABSENT. */
int known_datasets_forget(const char *keys, const char *url, struct trouble *t);

#endif
