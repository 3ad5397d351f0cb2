/* SPDX-License-Identifier: MIT */
/* A signing key that is the same in every run. */
#ifndef CAIRN_TESTS_FUZZ_KEYS_H
#define CAIRN_TESTS_FUZZ_KEYS_H

#include <string.h>

#include "format/signature.h"
#include "fuzz/fuzz.h"
#include "util/base64.h"

/* PKCS#8 of Ed25519 (RFC 8410): a fixed head and the 32 bytes of the seed. */
static inline void fuzz_key_pem(uint8_t seed, struct bytes *pem)
{
	uint8_t der[48] = {0x30, 0x2e, 0x02, 0x01, 0x00, 0x30, 0x05, 0x06, 0x03, 0x2b, 0x65,
		0x70, 0x04, 0x22, 0x04, 0x20};

	memset(der + 16, seed, 32);
	must(bytes_append_string(pem, "-----BEGIN PRIVATE KEY-----\n") == 0);
	must(base64_encode(span_of(der, sizeof(der)), pem) == 0);
	must(bytes_append_string(pem, "\n-----END PRIVATE KEY-----\n") == 0);
}

static inline struct private_key *fuzz_key(uint8_t seed)
{
	struct private_key *key;
	struct bytes pem = {0};

	fuzz_key_pem(seed, &pem);
	must(private_key_decode(span_of_bytes(&pem), &key) == 0);
	bytes_release(&pem);
	return key;
}

#endif
