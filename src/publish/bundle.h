/* SPDX-License-Identifier: MIT */
/*
 * Which small files go together. Files of less than LARGE_FILE_MIN bytes of data are put
 * into bundles in key order; where a bundle ends depends on the files' data sizes and
 * keys alone, so the walk can decide before a byte is read, and an edit moves only the
 * ends near it. The rule:
 *
 *   before a file: the bundle ends when the file would carry it over CHUNK_SIZE_MAX, or
 *     when BUNDLE_SPAN entries have passed since the one that began it;
 *   after a file of s bytes: it ends when it has BUNDLE_TARGET / 2 bytes and the
 *     big-endian 32-bit word at byte 4 of the digest of the file's key is below
 *     2^32 * s / (BUNDLE_TARGET / 2).
 *
 * So beyond the first half the chance of an end is even over the bytes, and the mean is
 * near BUNDLE_TARGET whatever the files' sizes. Pure; one thread at a time.
 */
#ifndef CAIRN_PUBLISH_BUNDLE_H
#define CAIRN_PUBLISH_BUNDLE_H

#include "format/names.h"

/* Entries of all kinds from the first file of a bundle: bounds what waits for it. */
#define BUNDLE_SPAN 8192

/* Zero-initialised: no bundle is open. */
struct bundle {
	uint64_t bytes;
	uint32_t files;
	uint32_t span;
};

/* An entry is at hand, a file of `size` bytes of data or (0) anything else: must the open
 * bundle end before it? Then it has been reset. */
bool bundle_ends_before(struct bundle *b, uint64_t size);
/* Adds a file (size at least 1, after bundle_ends_before): does the bundle end with it?
 * Then it has been reset. */
bool bundle_add(struct bundle *b, uint64_t size, const struct key_hash *hash);

#endif
