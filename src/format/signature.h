/* SPDX-License-Identifier: MIT */
/*
 * Ed25519 (RFC 8032, by OpenSSL): key files, key names, signing and checking.
 * A public key is spelt "ed25519:" and 43 characters of base64url without padding; its
 * short name (fingerprint) is the first 16 hex digits of the key's SHA-256.
 * Private keys are PKCS#8 PEM files of mode 0600. Any thread.
 */
#ifndef CAIRN_FORMAT_SIGNATURE_H
#define CAIRN_FORMAT_SIGNATURE_H

#include "util/bytes.h"
#include "util/error.h"

#define PUBLIC_KEY_SIZE 32
#define SIGNATURE_SIZE 64
#define PUBLIC_KEY_TEXT_SIZE 56 /* "ed25519:" + 43 + NUL, rounded up */
#define KEY_NAME_SIZE 17

struct public_key {
	uint8_t bytes[PUBLIC_KEY_SIZE];
};

struct private_key;
int private_key_generate(struct private_key **out);
/* From / to PEM text. ERR_CORRUPT when it is not an unencrypted Ed25519 key. */
int private_key_decode(struct span pem, struct private_key **out);
int private_key_encode(const struct private_key *k, struct bytes *pem);
void private_key_free(struct private_key *k);
struct public_key private_key_public(const struct private_key *k);
int private_key_sign(const struct private_key *k, struct span message,
	uint8_t signature[SIGNATURE_SIZE]);

/* ERR_UNTRUSTED; ERR_NO_MEMORY, which says nothing of it. */
int public_key_verify(const struct public_key *k, struct span message,
	const uint8_t signature[SIGNATURE_SIZE]);
bool public_key_equal(const struct public_key *a, const struct public_key *b);
void public_key_to_text(const struct public_key *k, char text[PUBLIC_KEY_TEXT_SIZE]);
int public_key_from_text(struct span text, struct public_key *out);
void public_key_name(const struct public_key *k, char name[KEY_NAME_SIZE]);

#endif
