/* SPDX-License-Identifier: MIT */
/* blob_head_decode() and blob_decode() on any stored form behind a name. */
#include <config.h>

#include <string.h>

#include "format/blob.h"
#include "fuzz/fuzz.h"

#define CONTENT_SIZE 20000

/* What deltas stand on. */
static void fill(uint8_t content[CONTENT_SIZE])
{
	for (uint32_t i = 0; i < CONTENT_SIZE; i++)
		content[i] = (uint8_t)(i * i >> 5 ^ i >> 9);
}

static void decode(struct span stored, const struct digest *name, uint64_t size)
{
	struct blob_codec *codec = blob_codec_new();
	uint8_t base[CONTENT_SIZE];
	uint8_t *out = malloc(size + 1); /* so that 0 bytes are a place, too */
	struct digest found;

	must(codec && out);
	fill(base);
	if (blob_decode(codec, stored, span_of(base, sizeof(base)), name, out, size) == 0) {
		found = digest_of(out, size);
		must(digest_equal(&found, name));
	}
	free(out);
	blob_codec_free(codec);
}

static void blob_run(const uint8_t *data, size_t size)
{
	struct blob_head head;
	struct digest name;
	struct span stored;

	if (size < sizeof(name))
		return;
	memcpy(&name, data, sizeof(name));
	stored = span_of(data + sizeof(name), size - sizeof(name));
	if (blob_head_decode(stored, CHUNK_SIZE_MAX, &head) == 0) {
		must(head.size <= CHUNK_SIZE_MAX);
		decode(stored, &name, head.size);
	}
}

static void give(
	fuzz_sample_fn sample, void *ctx, struct span content, const struct bytes *stored)
{
	struct digest name = digest_of(content.data, content.size);
	struct bytes text = {0};

	must(bytes_append(&text, &name, sizeof(name)) == 0);
	must(bytes_append(&text, stored->data, stored->size) == 0);
	sample(ctx, span_of_bytes(&text));
	bytes_release(&text);
}

static void blob_samples(fuzz_sample_fn sample, void *ctx)
{
	static const size_t sizes[] = {0, 1, 300, CONTENT_SIZE};
	struct blob_codec *codec = blob_codec_new();
	uint8_t base[CONTENT_SIZE], content[CONTENT_SIZE];
	struct digest name;
	struct bytes stored = {0};

	must(codec);
	fill(base);
	fill(content);
	name = digest_of(base, sizeof(base));
	memcpy(content + 5000, "something else", 14);
	for (size_t i = 0; i < sizeof(sizes) / sizeof(*sizes); i++) {
		struct span piece = span_of(content, sizes[i]);

		bytes_clear(&stored);
		must(blob_encode(codec, piece, 3, &stored) == 0);
		give(sample, ctx, piece, &stored);
		bytes_clear(&stored);
		must(blob_encode_delta(codec, piece, &name, span_of(base, sizeof(base)), 3,
			     &stored) == 0);
		give(sample, ctx, piece, &stored);
	}
	bytes_release(&stored);
	blob_codec_free(codec);
}

const struct fuzz_target fuzz_blob = {"blob", blob_run, blob_samples};
