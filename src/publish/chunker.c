/* SPDX-License-Identifier: MIT */
#include <config.h>

#include <stdio.h>
#include <string.h>

#include "publish/chunker.h"
#include "util/digest.h"

#define MEAN_BITS 19 /* of CHUNK_MEAN */
#define NORMAL_LEVEL 2
/* The upper bits of a gear hash depend on the last 64 bytes, the lower ones on fewer. */
#define UPPER_BITS(n) (~UINT64_C(0) << (64 - (n)))
#define MASK_STRICT UPPER_BITS(MEAN_BITS + NORMAL_LEVEL)
#define MASK_LOOSE UPPER_BITS(MEAN_BITS - NORMAL_LEVEL)

_Static_assert(CHUNK_MEAN == 1u << MEAN_BITS, "the masks follow from the mean");

static uint64_t gear_value(unsigned n)
{
	char text[24];
	struct digest d;
	uint64_t value = 0;

	snprintf(text, sizeof text, "cairn gear %u", n);
	d = digest_of(text, strlen(text));
	for (int i = 0; i < 8; i++)
		value = value << 8 | d.bytes[i];
	return value;
}

void chunker_init(struct chunker *c)
{
	for (unsigned i = 0; i < 256; i++)
		c->gear[i] = gear_value(i);
	chunker_reset(c);
}

void chunker_reset(struct chunker *c)
{
	c->hash = 0;
	c->size = 0;
}

/* Looks for a cut in data[0..size): the bytes up to and including it, or 0. */
static size_t find_cut(struct chunker *c, const uint8_t *data, size_t size, uint64_t mask)
{
	const uint64_t *gear = c->gear;
	uint64_t hash = c->hash;

	for (size_t i = 0; i < size; i++) {
		hash = (hash << 1) + gear[data[i]];
		if (!(hash & mask))
			return i + 1;
	}
	c->hash = hash;
	return 0;
}

/* How many of `size` bytes lie before the chunk's size reaches `limit`. */
static size_t bytes_before(const struct chunker *c, uint32_t limit, size_t size)
{
	size_t room = c->size < limit ? limit - c->size : 0;

	return room < size ? room : size;
}

size_t chunker_eat(struct chunker *c, const uint8_t *data, size_t size, bool *cut)
{
	static const struct {
		uint32_t limit;
		uint64_t mask;
	} phases[] = {{CHUNK_MEAN, MASK_STRICT}, {CHUNK_MAX, MASK_LOOSE}};
	size_t done = bytes_before(c, CHUNK_MIN, size);

	c->size += (uint32_t)done;
	*cut = true;
	for (size_t i = 0; i < sizeof phases / sizeof phases[0]; i++) {
		size_t piece = bytes_before(c, phases[i].limit, size - done);
		size_t found = find_cut(c, data + done, piece, phases[i].mask);

		if (found) {
			chunker_reset(c);
			return done + found;
		}
		done += piece;
		c->size += (uint32_t)piece;
	}
	if (c->size == CHUNK_MAX)
		chunker_reset(c);
	else
		*cut = false;
	return done;
}
