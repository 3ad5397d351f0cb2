/* SPDX-License-Identifier: MIT */
/*
 * FastCDC with normalised chunking, level 2 (Xia et al., "The Design of Fast
 * Content-Defined Chunking for Data Deduplication Based Storage Systems", IEEE TPDS
 * 2020): a gear hash of 64 bits, a stricter mask before the mean and a looser one
 * after. The gear table is the first 8 bytes, big endian, of SHA-256("cairn gear N") for
 * N = 0..255 in decimal. Pure and incremental: bytes in, boundary out.
 */
#ifndef CAIRN_PUBLISH_CHUNKER_H
#define CAIRN_PUBLISH_CHUNKER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define CHUNK_MIN (128u << 10)
#define CHUNK_MEAN (512u << 10)
#define CHUNK_MAX (2u << 20)
/* Bytes of data from which a file is an object of its own. */
#define LARGE_FILE_MIN (128u << 10)
#define BUNDLE_TARGET (1u << 20)

struct chunker {
	uint64_t gear[256];
	uint64_t hash;
	uint32_t size; /* of the chunk so far */
};
void chunker_init(struct chunker *c);
/* Eats bytes up to and including the end of the current chunk and returns how many;
 * *cut tells whether a chunk ends there (else all were eaten). */
size_t chunker_eat(struct chunker *c, const uint8_t *data, size_t size, bool *cut);
/* Begins a new object. */
void chunker_reset(struct chunker *c);

#endif
