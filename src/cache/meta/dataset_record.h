/* SPDX-License-Identifier: MIT */
/*
 * What is remembered of a dataset, by its id, and which dataset a URL was last known to
 * hold: values of the metadata. Any thread.
 */
#ifndef CAIRN_CACHE_META_DATASET_RECORD_H
#define CAIRN_CACHE_META_DATASET_RECORD_H

#include "cache/meta/metadata.h"
#include "util/bytes.h"
#include "util/digest.h"

/* Strings and bytes are heap, released by dataset_record_release(). */
struct dataset_record {
	char *name;
	char *url;
	struct bytes manifest; /* text of the last accepted manifest */
	struct bytes tag;      /* of what a tag was on: its text; else empty */
	char etag[256];	       /* of manifest.json, "" when none */
	uint64_t revision;     /* of the last accepted manifest */
	uint64_t highest;      /* revision ever accepted as newest */
	int64_t accepted;      /* seconds since 1970 */
	struct digest root;
};
void dataset_record_release(struct dataset_record *r);

/* ERR_CORRUPT, ERR_NO_MEMORY. Owned by the caller. */
int dataset_record_decode(struct span value, struct dataset_record *out);
/* Appended; ERR_LIMIT when a part is longer than the format allows. */
int dataset_record_encode(const struct dataset_record *r, struct bytes *out);

/* ERR_ABSENT, ERR_CORRUPT (rotten). */
int dataset_record_load(
	struct metadata *m, const struct digest *id, struct dataset_record *out);
/* ERR_ABSENT, also when it is rotten. */
int dataset_record_by_url(struct metadata *m, const char *url, struct digest *id);
/* Committed and on the disk when it returns. Never lowers `highest`. */
int dataset_record_save(struct metadata *m, int64_t deadline, const struct digest *id,
	const struct dataset_record *record);

#endif
