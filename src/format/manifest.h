/* SPDX-License-Identifier: MIT */
/*
 * The manifest: the small signed JSON document that describes one revision. Strict: unknown
 * members, wrong types, duplicate keys are ERR_CORRUPT; a format above 1 or an unknown
 * feature is ERR_UNSUPPORTED; more than MANIFEST_SIZE_MAX bytes are ERR_LIMIT. All members
 * are there, but for expires, dataset and profile.
 *
 * Members: format (1), name, dataset (opt.), revision, created, expires (opt.), message,
 * previous (digest or null), root (digest), first [digests], totals {entries, files, bytes,
 * objects, stored, xattrs, acls}, profile {digest, size} (opt.), chunking {algorithm
 * "fastcdc-2020", min, mean, max, large}, bundling {target}, paging {leaf, inner}, features
 * [..], mirrors [..], signatures
 * [{key, signature}]. paging's values are [minimum, one in, maximum] rows; times are RFC
 * 3339 in UTC. chunking, bundling and paging tell how it was cut: a reader checks only
 * their types. Signed: json_canonical() of the document without `signatures`. Features:
 * "delta", some blobs may be stored as deltas (format/blob.h); "extents", the runs of some
 * file stand in blobs of their own (format/extent_list.h). Pure; any thread.
 */
#ifndef CAIRN_FORMAT_MANIFEST_H
#define CAIRN_FORMAT_MANIFEST_H

#include "format/document.h"
#include "format/page.h"

#define MANIFEST_SIZE_MAX DOCUMENT_SIZE_MAX
#define MANIFEST_NAME_MAX DOCUMENT_NAME_MAX
#define MANIFEST_DATASET_SIZE 33 /* 32 hexadecimal digits and a NUL */
#define MANIFEST_MESSAGE_MAX 65536
#define MANIFEST_MIRRORS_MAX 64
#define MANIFEST_URL_MAX 4096

struct totals {
	uint64_t entries; /* all names, the root included */
	uint64_t files;
	uint64_t bytes; /* sum of the sizes of files */
	uint64_t objects;
	uint64_t stored; /* compressed bytes of all blobs that the revision needs */
	uint64_t xattrs; /* entries that have extended attributes */
	uint64_t acls;	 /* of them, those that have an access control list */
};

/* Owns its strings. */
struct manifest {
	char *name;
	/* A random number in 32 lower-case hexadecimal digits, made with the first revision
	 * and kept: tells datasets of one name apart. "" when the manifest gives none. */
	char dataset[MANIFEST_DATASET_SIZE];
	uint64_t revision; /* from 1 */
	int64_t created;   /* seconds since 1970 */
	int64_t expires;   /* seconds since 1970; 0: never */
	char *message;	   /* "" when none */
	bool has_previous;
	struct digest previous;
	struct digest root;
	struct first_pages first; /* worth fetching with the root page */
	struct totals totals;
	/* What programs read when they start: a blob that holds a text of profile.h. Of
	 * size 0: there is none. */
	struct digest profile;
	uint64_t profile_size;
	bool delta;	   /* feature "delta" */
	bool extent_lists; /* feature "extents" */
	size_t mirror_count;
	char **mirrors;
	size_t signature_count;
	struct document_signature *signatures;
	struct digest digest; /* SHA-256 of the document's bytes; filled by decode */
};

/* *out: heap, the caller frees it with manifest_free(). Codes as above, and ERR_NO_MEMORY.
 */
int manifest_decode(struct span text, struct manifest **out, struct trouble *t);
void manifest_free(struct manifest *m);
/* The document, signed with each of `keys`, appended to `text`. m->signatures and
 * m->digest are not read. The text ends with a newline. ERR_INVALID when a reader would
 * refuse it. */
int manifest_encode(const struct manifest *m, const struct private_key *const *keys,
	size_t key_count, struct bytes *text);
/* Can it be one of the mirrors? */
bool manifest_is_mirror(struct span url);
/* 0 when one signature is by `key` and right (over `text`, the same bytes that were
 * decoded); ERR_UNTRUSTED, ERR_NO_MEMORY. */
int manifest_verify(struct span text, const struct public_key *key);

#endif
