/* SPDX-License-Identifier: MIT */
/*
 * OpenSSL's low-level calls, which need neither an allocation nor a look-up of the
 * algorithm: 70 ns for 50 bytes where EVP takes 210 (prefetched) to 810 (not).
 */
#define OPENSSL_SUPPRESS_DEPRECATED
#include <config.h>

#include <stdlib.h>
#include <string.h>

#include <openssl/sha.h>

#include "util/digest.h"
#include "util/error.h"

struct hasher {
	SHA256_CTX state;
};

static void must(int ok)
{
	if (!ok)
		abort();
}

static struct digest digest_finish(SHA256_CTX *state)
{
	struct digest d;

	must(SHA256_Final(d.bytes, state));
	return d;
}

struct digest digest_of(const void *data, size_t size)
{
	SHA256_CTX state;

	must(SHA256_Init(&state));
	must(SHA256_Update(&state, data, size));
	return digest_finish(&state);
}

bool digest_equal(const struct digest *a, const struct digest *b)
{
	return memcmp(a->bytes, b->bytes, DIGEST_SIZE) == 0;
}

int digest_compare(const struct digest *a, const struct digest *b)
{
	return memcmp(a->bytes, b->bytes, DIGEST_SIZE);
}

bool digest_is_zero(const struct digest *d)
{
	static const struct digest zero;

	return digest_equal(d, &zero);
}

void digest_to_hex(const struct digest *d, char hex[DIGEST_HEX_SIZE])
{
	static const char digits[] = "0123456789abcdef";

	for (size_t i = 0; i < DIGEST_SIZE; i++) {
		hex[2 * i] = digits[d->bytes[i] >> 4];
		hex[2 * i + 1] = digits[d->bytes[i] & 15];
	}
	hex[2 * DIGEST_SIZE] = '\0';
}

static int nibble(uint8_t c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

int digest_from_hex(struct span hex, struct digest *out)
{
	struct digest d;

	if (hex.size != 2 * DIGEST_SIZE)
		return ERR_CORRUPT;
	for (size_t i = 0; i < DIGEST_SIZE; i++) {
		int high = nibble(hex.data[2 * i]), low = nibble(hex.data[2 * i + 1]);

		if (high < 0 || low < 0)
			return ERR_CORRUPT;
		d.bytes[i] = (uint8_t)(high << 4 | low);
	}
	*out = d;
	return 0;
}

uint64_t digest_prefix(const struct digest *d)
{
	uint64_t prefix;

	memcpy(&prefix, d->bytes, sizeof prefix);
	return prefix;
}

struct hasher *hasher_new(void)
{
	struct hasher *h = malloc(sizeof *h);

	if (h)
		must(SHA256_Init(&h->state));
	return h;
}

void hasher_free(struct hasher *h)
{
	free(h);
}

void hasher_update(struct hasher *h, const void *data, size_t size)
{
	must(SHA256_Update(&h->state, data, size));
}

struct digest hasher_finish(struct hasher *h)
{
	struct digest d = digest_finish(&h->state);

	must(SHA256_Init(&h->state));
	return d;
}
