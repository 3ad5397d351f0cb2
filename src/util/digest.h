/* SPDX-License-Identifier: MIT */
/*
 * SHA-256 (FIPS 180-4, by OpenSSL) and its hexadecimal spelling. Any room; pure; any
 * thread.
 */
#ifndef CAIRN_UTIL_DIGEST_H
#define CAIRN_UTIL_DIGEST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "util/bytes.h"

#define DIGEST_SIZE 32
#define DIGEST_HEX_SIZE 65 /* 64 lower-case digits and a NUL */

struct digest {
	uint8_t bytes[DIGEST_SIZE];
};

/* The digest of one piece of memory. Aborts only if OpenSSL has no SHA-256. */
struct digest digest_of(const void *data, size_t size);
bool digest_equal(const struct digest *a, const struct digest *b);
int digest_compare(const struct digest *a, const struct digest *b);
bool digest_is_zero(const struct digest *d);
/* Always NUL-terminated, lower case. */
void digest_to_hex(const struct digest *d, char hex[DIGEST_HEX_SIZE]);
/* Exactly 64 lower-case digits: 0 or ERR_CORRUPT. */
int digest_from_hex(struct span hex, struct digest *out);
/* The first 8 bytes, for hash tables. */
uint64_t digest_prefix(const struct digest *d);

/* A running digest; heap, one thread at a time. */
struct hasher;
struct hasher *hasher_new(void); /* NULL without memory */
void hasher_free(struct hasher *h);
void hasher_update(struct hasher *h, const void *data, size_t size);
/* The digest of all since new or the last finish, and a fresh start. */
struct digest hasher_finish(struct hasher *h);

#endif
