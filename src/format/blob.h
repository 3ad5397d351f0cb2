/* SPDX-License-Identifier: MIT */
/*
 * A blob: the stored form of a chunk, a page, a recipe or a list of extents, named by the
 * SHA-256 of its uncompressed bytes. Two forms, both valid zstd (RFC 8878):
 *
 *   plain  one zstd frame with its content size;
 *   delta  a skippable frame (magic 0x184D2A5C) of 32 bytes, the base's digest,
 *          then one zstd frame made with the base's uncompressed bytes as prefix
 *          (raw-content dictionary). The base is itself stored plain: depth is one.
 *
 * The name says nothing about the form: a publisher that has the base of an edited
 * bundle in its store writes a few hundred bytes instead of a megabyte, and the tree
 * stays a function of the entries alone. Pure; one context belongs to one thread.
 */
#ifndef CAIRN_FORMAT_BLOB_H
#define CAIRN_FORMAT_BLOB_H

#include "util/bytes.h"
#include "util/digest.h"

#define CHUNK_SIZE_MAX (2u << 20) /* uncompressed bytes of a chunk */
#define PAGE_SIZE_MAX (4u << 20)  /* uncompressed bytes of all but chunks */
#define BLOB_SIZE_MAX (PAGE_SIZE_MAX + (PAGE_SIZE_MAX >> 6) + 1024) /* of a stored file */
#define BLOB_PATH_SIZE 80			   /* "blobs/ab/cdef..." and a NUL fit */
#define BLOB_DELTA_HEAD_SIZE (4 + 4 + DIGEST_SIZE) /* bytes of a delta before its frame */

/* What a blob holds decides how it is checked and where it is kept. */
enum blob_kind { BLOB_CHUNK, BLOB_PAGE, BLOB_RECIPE, BLOB_EXTENTS };

struct blob_codec;
struct blob_codec *blob_codec_new(void); /* both directions; NULL without memory */
void blob_codec_free(struct blob_codec *c);

/* Appends the stored form to `out`. `level` is zstd's. */
int blob_encode(struct blob_codec *c, struct span content, int level, struct bytes *out);
int blob_encode_delta(struct blob_codec *c, struct span content, const struct digest *base,
	struct span base_content, int level, struct bytes *out);

/* What is said at the head of a stored form, before anything is decompressed. */
struct blob_head {
	uint64_t size; /* uncompressed bytes */
	bool has_base;
	struct digest base;
};
/* ERR_CORRUPT; ERR_LIMIT when the announced size is over `max`. */
int blob_head_decode(struct span stored, uint64_t max, struct blob_head *out);
/* Decompresses into out[0..head.size), which the caller allocated, and compares the
 * SHA-256 with `name`. `base_content` only for a delta. ERR_CORRUPT. */
int blob_decode(struct blob_codec *c, struct span stored, struct span base_content,
	const struct digest *name, uint8_t *out, size_t size);

/* "blobs/ab/cdef...": where it lies below the store's root. */
void blob_path(const struct digest *name, char path[BLOB_PATH_SIZE]);

#endif
