/* SPDX-License-Identifier: MIT */
#include <config.h>

#include <assert.h>

#include "format/blob.h"
#include "publish/bundle.h"
#include "publish/chunker.h"

#define HALF (BUNDLE_TARGET / 2)

static bool reset(struct bundle *b)
{
	*b = (struct bundle){0};
	return true;
}

bool bundle_ends_before(struct bundle *b, uint64_t size)
{
	if (b->files == 0)
		return false;
	b->span++;
	if (b->span >= BUNDLE_SPAN || b->bytes + size > CHUNK_SIZE_MAX)
		return reset(b);
	return false;
}

/* Bytes 4 to 7: bytes 8 and up decide where pages end, and the two must not agree. */
static uint64_t hash_word(const struct key_hash *hash)
{
	const uint8_t *at = hash->digest.bytes + 4;

	return (uint64_t)at[0] << 24 | (uint64_t)at[1] << 16 | (uint64_t)at[2] << 8 | at[3];
}

bool bundle_add(struct bundle *b, uint64_t size, const struct key_hash *hash)
{
	assert(size >= 1 && size < LARGE_FILE_MIN);
	b->bytes += size;
	b->files++;
	if (b->bytes >= HALF && hash_word(hash) < ((size << 32) / HALF))
		return reset(b);
	return false;
}
