/* SPDX-License-Identifier: MIT */
/*
 * A signed JSON document: what the manifest and the tag have in common. Members are read
 * through a table; a member that is missing, wrong or not in the table is ERR_CORRUPT, a
 * "format" above DOCUMENT_FORMAT is ERR_UNSUPPORTED. Signed is json_canonical() of the
 * document without its member "signatures". Pure; any thread. The functions are called by
 * manifest.c and tag.c only.
 */
#ifndef CAIRN_FORMAT_DOCUMENT_H
#define CAIRN_FORMAT_DOCUMENT_H

#include "format/json.h"
#include "format/signature.h"

#define DOCUMENT_FORMAT 1
#define DOCUMENT_SIZE_MAX (1u << 20) /* bytes */
#define DOCUMENT_NAME_MAX 255	     /* bytes of a dataset's name */
#define DOCUMENT_SIGNATURES_MAX 16
#define REVISION_MAX ((uint64_t)1 << 53)

struct document_signature {
	struct public_key key;
	uint8_t signature[SIGNATURE_SIZE];
};

struct document_member {
	const char *name; /* NULL ends the table */
	bool optional;
	/* 0, ERR_CORRUPT, ERR_UNSUPPORTED or ERR_NO_MEMORY. */
	int (*read)(const json_t *value, void *into);
};

/* Parses `text` and reads its members in the table's order ("format" is read already).
 * `what` names the document in `t`. */
int document_decode(struct span text, const char *what,
	const struct document_member *members, void *into, struct trouble *t);
/* Adds "signatures" to `document` and appends its canonical text and a newline. */
int document_encode(json_t *document, const struct private_key *const *keys,
	size_t key_count, struct bytes *text);
/* 0, ERR_UNTRUSTED, or an error of json_parse(). */
int document_verify(struct span text, const struct public_key *key);

/* Readers of one member. */
int document_name(const json_t *value, char **out); /* heap; 1..DOCUMENT_NAME_MAX bytes */
int document_revision(const json_t *value, uint64_t *out);
int document_time(const json_t *value, int64_t *out);
/* *out: heap, NULL when *count is 0. */
int document_signatures(
	const json_t *value, struct document_signature **out, size_t *count);
/* The value of a json_pack_ex() call that failed: ERR_INVALID when a string was not
 * UTF-8, else ERR_NO_MEMORY. */
int document_pack_error(const json_error_t *error);

/* What servers answer in place of one: "empty", "a web page", "not a JSON document"; NULL
 * when it begins as one. */
const char *document_misfit(struct span text);

#endif
