/* SPDX-License-Identifier: MIT */
#include <config.h>

#include <string.h>

#include "util/checksum.h"

#define PRIME_1 UINT64_C(0x9E3779B185EBCA87)
#define PRIME_2 UINT64_C(0xC2B2AE3D27D4EB4F)
#define PRIME_3 UINT64_C(0x165667B19E3779F9)
#define PRIME_4 UINT64_C(0x85EBCA77C2B2AE63)
#define PRIME_5 UINT64_C(0x27D4EB2F165667C5)
#define STRIPE 32

static uint64_t rotate(uint64_t x, unsigned bits)
{
	return (x << bits) | (x >> (64 - bits));
}

static uint64_t load64(const uint8_t *p)
{
	uint64_t v;

	memcpy(&v, p, sizeof v);
#if __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
	v = __builtin_bswap64(v);
#endif
	return v;
}

static uint64_t load32(const uint8_t *p)
{
	return (uint64_t)p[0] | (uint64_t)p[1] << 8 | (uint64_t)p[2] << 16 |
	       (uint64_t)p[3] << 24;
}

static uint64_t checksum_step(uint64_t lane, uint64_t input)
{
	return rotate(lane + input * PRIME_2, 31) * PRIME_1;
}

static uint64_t checksum_merge(uint64_t hash, uint64_t lane)
{
	return (hash ^ checksum_step(0, lane)) * PRIME_1 + PRIME_4;
}

static uint64_t stripes(const uint8_t *p, size_t count)
{
	uint64_t a = PRIME_1 + PRIME_2, b = PRIME_2, c = 0, d = 0 - PRIME_1;
	uint64_t hash;

	for (; count; count--, p += STRIPE) {
		a = checksum_step(a, load64(p));
		b = checksum_step(b, load64(p + 8));
		c = checksum_step(c, load64(p + 16));
		d = checksum_step(d, load64(p + 24));
	}
	hash = rotate(a, 1) + rotate(b, 7) + rotate(c, 12) + rotate(d, 18);
	hash = checksum_merge(hash, a);
	hash = checksum_merge(hash, b);
	hash = checksum_merge(hash, c);
	return checksum_merge(hash, d);
}

static uint64_t tail(uint64_t hash, const uint8_t *p, size_t left)
{
	for (; left >= 8; left -= 8, p += 8)
		hash = rotate(hash ^ checksum_step(0, load64(p)), 27) * PRIME_1 + PRIME_4;
	if (left >= 4) {
		hash = rotate(hash ^ load32(p) * PRIME_1, 23) * PRIME_2 + PRIME_3;
		left -= 4;
		p += 4;
	}
	for (; left; left--, p++)
		hash = rotate(hash ^ *p * PRIME_5, 11) * PRIME_1;
	hash = (hash ^ (hash >> 33)) * PRIME_2;
	hash = (hash ^ (hash >> 29)) * PRIME_3;
	return hash ^ (hash >> 32);
}

uint64_t checksum_of(const void *data, size_t size)
{
	const uint8_t *p = data;
	size_t whole = size / STRIPE;
	uint64_t hash = whole ? stripes(p, whole) : PRIME_5;

	return tail(hash + size, whole ? p + whole * STRIPE : p, size % STRIPE);
}
