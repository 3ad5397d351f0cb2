/* SPDX-License-Identifier: MIT */
/*
 * Whose signatures on a store's manifests and tags are good, for who looks at a store
 * without being one of its readers: check, copy. Which key a reader believes is
 * dataset/signer.h's. Pure; any thread.
 */
#ifndef CAIRN_PUBLISH_SIGNERS_H
#define CAIRN_PUBLISH_SIGNERS_H

#include "format/manifest.h"

#define SIGNERS_MAX 64

/* Keys that are believed. */
struct signers {
	struct public_key keys[SIGNERS_MAX];
	size_t count; /* 0: whoever signed */
};

/* Adds what is not there yet. ERR_LIMIT; ERR_INVALID: `text` is no public key. */
int signers_add(struct signers *s, const struct public_key *key);
int signers_add_text(struct signers *s, const char *text, struct trouble *t);

/* The first key that signed the manifest of that text, rightly, and is among `s`.
 * ERR_UNTRUSTED with a sentence that begins with `what`; ERR_NO_MEMORY. */
int signers_verify(const struct signers *s, const struct manifest *m, struct span text,
	const char *what, struct public_key *out, struct trouble *t);
/* The same of a tag: with no keys in `s`, ERR_UNTRUSTED. */
int signers_verify_tag(
	const struct signers *s, struct span text, const char *what, struct trouble *t);

#endif
