/* SPDX-License-Identifier: MIT */
/*
 * The manifest: the small signed JSON document that describes one revision, and the tag,
 * a smaller one that names a revision. Strict: unknown members, wrong types, duplicate
 * keys are ERR_CORRUPT; a format above 1 or an unknown feature is ERR_UNSUPPORTED; more
 * than MANIFEST_SIZE_MAX bytes are ERR_LIMIT. All members are there, but for expires.
 *
 * Manifest members: format (1), name, dataset (opt.), revision, created, expires (opt.),
 * message, previous (digest or null), root (digest), first [digests], totals {entries,
 * files, bytes, objects, stored, xattrs, acls}, chunking {algorithm "fastcdc-2020", min,
 * mean, max, large}, bundling {target}, paging {leaf, inner}, features [..], mirrors [..],
 * signatures [{key, signature}]. paging's values are [minimum, one in, maximum] rows; times
 * are RFC 3339 in UTC. chunking, bundling and paging tell how it was cut: a reader checks
 * only their types. Signed: json_canonical() of the document without `signatures`. Feature
 * "delta": some blobs may be stored as deltas (format/blob.h). Tag members: format, tag,
 * name, revision, manifest (digest of revisions/N.json's bytes), created, signatures. Pure.
 */
#ifndef CAIRN_FORMAT_MANIFEST_H
#define CAIRN_FORMAT_MANIFEST_H

#include "format/page.h"
#include "format/signature.h"
#include "util/bytes.h"
#include "util/digest.h"
#include "util/error.h"

#define MANIFEST_FORMAT 1
#define MANIFEST_SIZE_MAX (1u << 20)
#define MANIFEST_NAME_MAX 255
#define MANIFEST_DATASET_SIZE 33 /* 32 hexadecimal digits and a NUL */
#define MANIFEST_MESSAGE_MAX 65536
#define MANIFEST_MIRRORS_MAX 64
#define MANIFEST_SIGNATURES_MAX 16
#define MANIFEST_URL_MAX 4096
#define REVISION_MAX ((uint64_t)1 << 53)
#define TAG_NAME_MAX 128 /* [A-Za-z0-9._-], not beginning with '.' or '-' */

struct totals {
	uint64_t entries; /* all names, the root included */
	uint64_t files;
	uint64_t bytes; /* sum of the sizes of files */
	uint64_t objects;
	uint64_t stored; /* compressed bytes of all blobs that the revision needs */
	uint64_t xattrs; /* entries that have extended attributes */
	uint64_t acls;	 /* of them, those that have an access control list */
};

struct manifest_signature {
	struct public_key key;
	uint8_t signature[SIGNATURE_SIZE];
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
	bool delta; /* feature "delta" */
	size_t mirror_count;
	char **mirrors;
	size_t signature_count;
	struct manifest_signature *signatures;
	struct digest digest; /* SHA-256 of the document's bytes; filled by decode */
};

int manifest_decode(struct span text, struct manifest **out, struct trouble *t);
void manifest_free(struct manifest *m);
/* The document, signed with each of `keys`, appended to `text`. m->signatures and
 * m->digest are not read. The text ends with a newline. ERR_INVALID when a reader would
 * refuse it. */
int manifest_encode(const struct manifest *m, const struct private_key *const *keys,
	size_t key_count, struct bytes *text);
/* 0 when one signature is by `key` and right (over `text`, the same bytes that were
 * decoded); ERR_UNTRUSTED. */
int manifest_verify(struct span text, const struct public_key *key);

struct tag {
	char tag[TAG_NAME_MAX + 1];
	char *name;
	uint64_t revision;
	struct digest manifest;
	int64_t created;
};
int tag_name_check(const char *name); /* 0 or ERR_INVALID */
int tag_decode(struct span text, struct tag **out, struct trouble *t);
void tag_free(struct tag *tag);
int tag_encode(const struct tag *tag, const struct private_key *const *keys,
	size_t key_count, struct bytes *text);
/* Same rule as manifest_verify: any signed document. */
int tag_verify(struct span text, const struct public_key *key);

#endif
