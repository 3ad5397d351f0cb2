/* SPDX-License-Identifier: MIT */
/*
 * The key that has to have signed what a store says: the one that --trust gives, else the
 * one that is pinned to the URL, else the first that is seen there, which is then pinned.
 * For dataset.c. Blocking file I/O (known_keys.h); one thread.
 */
#ifndef CAIRN_DATASET_SIGNER_H
#define CAIRN_DATASET_SIGNER_H

#include <stdbool.h>

#include "format/manifest.h"
#include "util/log.h"

struct signer {
	/* Set by the caller, borrowed: */
	const char *url;	/* normalised */
	const char *trust;	/* public key as text, or NULL */
	const char *known_keys; /* file */
	/* The result; zero before: */
	struct public_key key;
	bool pin;	   /* it is to be pinned */
	bool overrules;	   /* another key is pinned */
	bool newly_pinned; /* it was seen for the first time, and pinned */
};

/* Which key it is; `m` has a signature. ERR_INVALID (trust is no key), ERR_UNTRUSTED (the
 * first one, over plain http), and those of known_keys_lookup, with a sentence. */
int signer_choose(struct signer *s, const struct manifest *m, struct trouble *t);
/* Did it sign the manifest of that text? ERR_UNTRUSTED with a sentence. */
int signer_verify(const struct signer *s, const struct manifest *m, struct span text,
	struct trouble *t);
/* And the tag of that name? */
int signer_verify_tag(
	const struct signer *s, const char *tag, struct span text, struct trouble *t);
/* Pins it where signer_choose said so. With trust given, that it cannot be pinned is only
 * logged. Else those of known_keys_add, with a sentence. */
int signer_pin(struct signer *s, struct log *log, struct trouble *t);

#endif
